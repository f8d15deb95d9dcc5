"""Record an attempt to reach the customer."""

from dataclasses import dataclass

from services.complaints.domain.complaint import Complaint
from services.complaints.domain.outcomes import Channel
from services.complaints.persistence import complaint_store
from services.complaints.usecases.target import Target
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class RecordContactAttempt:
    target: Target
    channel: Channel
    reached: bool
    note: str | None = None


async def record_contact_attempt(command: RecordContactAttempt, work: Work) -> Complaint:
    """Attempts in vain count towards unreachable, until one reaches the customer."""
    complaint = await command.target.lock(work)
    complaint.record_contact_attempt(command.channel, command.reached, command.note, work.now)
    await complaint_store.save(work, complaint)
    return complaint
