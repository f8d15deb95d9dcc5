"""The messages to the customer: also the captured outbox where no mail leaves."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.complaints.domain.message import MessageKind, MessageStatus
from services.complaints.domain.outcomes import Channel, Language
from services.complaints.persistence import complaint_store, message_store
from shared.web.models import ApiModel
from shared.web.reads import Reader, reading

router = APIRouter(tags=["messages"])


class MessageOut(ApiModel):
    """One message; mail leaves at least once, always with the same Message-ID."""

    id: UUID
    kind: MessageKind
    status: MessageStatus
    language: Language
    template: str = Field(description="Name and version of the text.")
    subject: str
    body: str
    asks_satisfaction: bool
    created_at: datetime
    attempts: int
    next_attempt_at: datetime | None
    delivered_at: datetime | None
    delivered_channel: Channel | None
    failed_at: datetime | None
    last_error: str | None = Field(description="A code: why the last attempt failed.")


class MessagesOut(ApiModel):
    items: list[MessageOut]


@router.get("/complaints/{complaint_id}/messages", response_model=MessagesOut)
async def list_complaint_messages(
    complaint_id: UUID, reader: Reader = Depends(reading("list_complaint_messages"))
) -> Response:
    """All messages of a complaint, oldest first; a customer's own only."""
    async with reader.session() as session:
        await complaint_store.get(session, complaint_id, of_customer=reader.principal.customer_id)
        messages = await message_store.of_complaint(session, complaint_id)
    return reader.answer(MessagesOut(items=[MessageOut.model_validate(message) for message in messages]))
