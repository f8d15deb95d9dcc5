"""Record a person's answer to the customer, and mail it if asked to."""

from dataclasses import dataclass

from services.complaints.domain import message_texts
from services.complaints.domain.complaint import Complaint
from services.complaints.domain.errors import NoAddressForMailError
from services.complaints.domain.message import MessageKind
from services.complaints.domain.outcomes import Channel
from services.complaints.persistence import complaint_store, message_store
from services.complaints.usecases.queue_message import queue_message
from services.complaints.usecases.target import Target
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class RespondToComplaint:
    """`by_mail`: the text has not been said yet; the mail worker sends it to the address from intake."""

    target: Target
    channel: Channel
    text: str
    by_mail: bool = False


async def respond_to_complaint(command: RespondToComplaint, work: Work) -> Complaint:
    """A person answered: this ends the response clock. Raises `NoAddressForMailError`."""
    complaint = await command.target.lock(work)
    complaint.respond(command.channel, command.text, work.actor.id, work.now)
    if command.by_mail:
        if await message_store.address_of(work, complaint.id) is None:
            raise NoAddressForMailError
        text = message_texts.response(complaint.language, number=complaint.number, text=command.text)
        await queue_message(work, complaint, MessageKind.RESPONSE, text, by_mail=True)
    await complaint_store.save(work, complaint)
    return complaint
