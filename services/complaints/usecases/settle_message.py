"""Record what became of an attempt to mail a message."""

from dataclasses import dataclass
from uuid import UUID

from services.complaints.domain.complaint import Complaint
from services.complaints.domain.complaint_status import Status
from services.complaints.domain.message import Message, MessageKind, MessageStatus, RetryPolicy
from services.complaints.domain.outcomes import Channel
from services.complaints.domain.timeline import EntryKind
from services.complaints.persistence import complaint_store, message_store
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class SettleMessage:
    """One attempt: accepted (`error` None), refused for good, or to be tried again.

    `attempt` is the count with which the message was claimed; `error` a code without personal data.
    """

    complaint_id: UUID
    message_id: UUID
    attempt: int
    error: str | None = None
    is_final: bool = False


async def settle_message(command: SettleMessage, work: Work, retry: RetryPolicy) -> Message:
    """Delivered, queued again with a pause, or given up. Settling twice changes nothing."""
    complaint = await complaint_store.lock(work, command.complaint_id)
    message = await message_store.lock(work, command.message_id)
    if command.error is None:
        if message.delivered_at is not None:
            return message
        message.deliver(Channel.EMAIL, work.now)
        _tell_delivered(complaint, message, work)
    else:
        # Only the holder of the latest claim may judge it in vain; an acceptance counts whoever had it.
        if message.attempts != command.attempt or message.status is not MessageStatus.QUEUED:
            return message
        next_attempt_at = None if command.is_final else retry.next_attempt_at(message.attempts, work.now)
        if message.retry_or_give_up(next_attempt_at, command.error, work.now):
            _tell_given_up(complaint, message, work)
    await message_store.save(work, message)
    await complaint_store.save(work, complaint, new_version=False)
    return message


def _tell_delivered(complaint: Complaint, message: Message, work: Work) -> None:
    if message.kind is MessageKind.ACKNOWLEDGEMENT:
        complaint.acknowledge(message.id, work.now)
    elif _carries_decision(complaint, message):
        complaint.record_delivery(message.id, Channel.EMAIL, asked=message.asks_satisfaction, at=work.now)
    else:
        complaint.note_message(EntryKind.DELIVERED, message.id, work.now, channel=Channel.EMAIL.value)


def _tell_given_up(complaint: Complaint, message: Message, work: Work) -> None:
    if _carries_decision(complaint, message):
        complaint.record_delivery_failure(message.id, message.attempts, work.now)
    else:
        complaint.note_message(EntryKind.DELIVERY_FAILED, message.id, work.now, attempts=message.attempts)


def _carries_decision(complaint: Complaint, message: Message) -> bool:
    return (
        complaint.status is Status.DECIDED
        and complaint.decision is not None
        and complaint.decision.message_id == message.id
        and complaint.decision.delivered_at is None
    )
