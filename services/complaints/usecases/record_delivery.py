"""Record that a person brought a message to the customer."""

from dataclasses import dataclass
from uuid import UUID

from services.complaints.domain.complaint import Complaint
from services.complaints.domain.complaint_status import Command, next_status
from services.complaints.domain.errors import MessageNotFoundError
from services.complaints.domain.message import Message, MessageAlreadyDeliveredError, MessageKind
from services.complaints.domain.outcomes import Channel
from services.complaints.domain.timeline import EntryKind
from services.complaints.persistence import complaint_store, message_store
from services.complaints.usecases.target import Target
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class RecordDelivery:
    """Without `message_id` the decision is meant. `customer_asked`: so was the question of satisfaction."""

    target: Target
    channel: Channel
    customer_asked: bool
    message_id: UUID | None = None
    note: str | None = None


async def record_delivery(command: RecordDelivery, work: Work) -> Complaint:
    """Handed over by another way; a mail that still waits is not sent any more.

    Raises `ComplaintNotDecidedError`, `DecisionAlreadyDeliveredError`, `MessageAlreadyDeliveredError`,
    `MessageNotFoundError`.
    """
    complaint = await command.target.lock(work)
    message = await _message_meant(command, complaint, work)
    already_there = message.delivered_at is not None
    if complaint.decision is not None and complaint.decision.message_id == message.id:
        complaint.record_delivery(
            message.id, command.channel, asked=command.customer_asked, at=work.now, note=command.note
        )
    elif already_there:
        raise MessageAlreadyDeliveredError
    elif message.kind is MessageKind.ACKNOWLEDGEMENT:
        complaint.acknowledge(message.id, work.now)
    else:
        complaint.note_message(EntryKind.DELIVERED, message.id, work.now, channel=command.channel.value)
    if not already_there:
        message.deliver(command.channel, work.now)
        await message_store.save(work, message)
    await complaint_store.save(work, complaint)
    return complaint


async def _message_meant(command: RecordDelivery, complaint: Complaint, work: Work) -> Message:
    message_id = command.message_id
    if message_id is None:
        next_status(complaint.status, Command.RECORD_DELIVERY)
        message_id = complaint.decision.message_id if complaint.decision else None
    if message_id is None:
        raise MessageNotFoundError("this outcome has no confirmation to deliver; go on to closure")
    message = await message_store.lock(work, message_id)
    if message.complaint_id != complaint.id:
        raise MessageNotFoundError
    return message
