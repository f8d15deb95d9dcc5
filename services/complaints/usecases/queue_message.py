"""Put a message to the customer into the queue, in the transaction of what it tells of."""

from services.complaints.domain.complaint import Complaint
from services.complaints.domain.message import Message, MessageKind, MessageStatus
from services.complaints.domain.message_texts import Text
from services.complaints.persistence import message_store
from shared.db.work import Work
from shared.kernel.ids import new_id


async def queue_message(
    work: Work, complaint: Complaint, kind: MessageKind, text: Text, *, by_mail: bool
) -> Message:
    """Queued for the mail worker at once; without an address (`by_mail` false) left for a person to bring."""
    message = message_of(work, complaint, kind, text, by_mail=by_mail)
    await message_store.add(work, message)
    return message


def message_of(work: Work, complaint: Complaint, kind: MessageKind, text: Text, *, by_mail: bool) -> Message:
    """The message itself, not stored yet."""
    return Message(
        id=new_id(),
        complaint_id=complaint.id,
        kind=kind,
        status=MessageStatus.QUEUED if by_mail else MessageStatus.AWAITING_HAND_OVER,
        language=complaint.language,
        template=text.template,
        subject=text.subject,
        body=text.body,
        asks_satisfaction=text.asks_satisfaction,
        created_at=work.now,
        next_attempt_at=work.now if by_mail else None,
    )
