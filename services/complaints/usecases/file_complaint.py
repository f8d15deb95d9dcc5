"""Take a complaint (投诉) in and acknowledge it at once."""

from dataclasses import dataclass
from uuid import UUID

from services.complaints.domain import message_texts
from services.complaints.domain.complaint import Complaint
from services.complaints.domain.contact import Contact
from services.complaints.domain.errors import (
    ComplaintNotFoundError,
    FollowedComplaintError,
    InvalidContactError,
)
from services.complaints.domain.message import MessageKind
from services.complaints.domain.outcomes import Channel, Language, Severity
from services.complaints.persistence import complaint_store, message_store
from services.complaints.usecases.queue_message import message_of
from shared.db.work import Work
from shared.kernel.errors import FieldError
from shared.kernel.ids import new_id


@dataclass(frozen=True, kw_only=True)
class FileComplaint:
    """`follows_complaint_id`: an earlier complaint of the same customer about the same matter."""

    channel: Channel
    description: str
    contact: Contact
    language: Language
    severity: Severity = Severity.MINOR
    category: str | None = None
    external_number: str | None = None
    customer_id: UUID | None = None
    ticket_id: UUID | None = None
    follows_complaint_id: UUID | None = None


async def file_complaint(command: FileComplaint, work: Work) -> Complaint:
    """Intake and acknowledgement in one transaction; the 24 hours run from `received_at` = now.

    The acknowledgement goes by mail if there is an address. Without one it is told on a live channel then and
    there, and is left for a person to bring on the others. Raises `InvalidContactError`,
    `FollowedComplaintError`.
    """
    if command.channel is Channel.EMAIL and command.contact.email is None:
        rule = "a complaint by e-mail needs the address that it came from"
        raise InvalidContactError(rule, field_errors=[FieldError("contact.email", "required", rule)])
    await _require_same_customer(command, work)
    complaint = Complaint(
        id=new_id(),
        number=await complaint_store.next_number(work),
        external_number=command.external_number,
        customer_id=command.customer_id,
        ticket_id=command.ticket_id,
        follows_complaint_id=command.follows_complaint_id,
        channel=command.channel,
        category=command.category,
        severity=command.severity,
        description=command.description,
        language=command.language,
        received_at=work.now,
    )
    complaint.receive()
    text = message_texts.acknowledgement(
        complaint.language, number=complaint.number, received_at=complaint.received_at
    )
    by_mail = command.contact.email is not None
    message = message_of(work, complaint, MessageKind.ACKNOWLEDGEMENT, text, by_mail=by_mail)
    if not by_mail and complaint.channel.is_live:
        message.deliver(complaint.channel, work.now)
        complaint.acknowledge(message.id, work.now)
    await complaint_store.add(work, complaint, command.contact)
    await message_store.add(work, message)
    return complaint


async def _require_same_customer(command: FileComplaint, work: Work) -> None:
    if command.follows_complaint_id is None:
        return
    rule = "no complaint of this customer has this id"
    broken = FollowedComplaintError(
        rule, field_errors=[FieldError("follows_complaint_id", "same_customer", rule)]
    )
    try:
        followed = await complaint_store.get(work, command.follows_complaint_id)
    except ComplaintNotFoundError:
        raise broken from None
    if followed.customer_id != command.customer_id:
        raise broken
