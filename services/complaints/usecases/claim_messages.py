"""Take queued messages that are due, for one worker and a bounded time."""

from dataclasses import dataclass
from datetime import timedelta

from services.complaints.domain.message import Message, RetryPolicy
from services.complaints.persistence import message_store
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class ClaimMessages:
    at_once: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message and the address given at intake (None: it is gone)."""

    message: Message
    address: str | None


async def claim_messages(command: ClaimMessages, work: Work, retry: RetryPolicy) -> list[Claimed]:
    """Claimed and counted as attempted before anything is sent, so that attempts are bounded whoever dies."""
    claimed_until = work.now + timedelta(seconds=retry.lease_seconds)
    found = await message_store.claim_due(work, at_once=command.at_once, claimed_until=claimed_until)
    return [Claimed(message, address) for message, address in found]
