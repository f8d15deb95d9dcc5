"""What is said: public answers, internal notes, and the customer's own words."""

from typing import Literal, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from services.ticketing.api.changes import changed
from services.ticketing.api.inputs import Message
from services.ticketing.api.ticket_model import TicketOut
from services.ticketing.usecases.add_note import AddNote, add_note
from services.ticketing.usecases.record_customer_reply import RecordCustomerReply, record_customer_reply
from services.ticketing.usecases.reply_to_ticket import ReplyToTicket, reply_to_ticket
from shared.web.commands import CommandEdge, command
from shared.web.models import ApiModel

router = APIRouter(tags=["messages"])


class MessageIn(ApiModel):
    """A public answer to the customer, or an internal note that the customer never sees."""

    visibility: Literal["public", "internal"]
    text: Message
    automatic: bool = Field(
        default=False, description="Written by no person: such an answer stops no response clock."
    )

    @model_validator(mode="after")
    def _notes_are_written_by_people(self) -> Self:
        if self.automatic and self.visibility == "internal":
            raise PydanticCustomError("public_only", "only a public answer can be automatic")
        return self


class CustomerMessageIn(ApiModel):
    text: Message


@router.post("/tickets/{ticket_id}/messages", response_model=TicketOut)
async def send_message(
    ticket_id: UUID, body: MessageIn, edge: CommandEdge = Depends(command("send_message"))
) -> Response:
    """Answer or note. Needs If-Match, so that nobody answers past what they have not read."""
    version = edge.expected_version
    if body.visibility == "internal":
        note = AddNote(ticket_id=ticket_id, expected_version=version, text=body.text)
        return await changed(edge, add_note, note)
    reply = ReplyToTicket(
        ticket_id=ticket_id, expected_version=version, text=body.text, automatic=body.automatic
    )
    return await changed(edge, reply_to_ticket, reply)


@router.post("/tickets/{ticket_id}/customer-messages", response_model=TicketOut)
async def record_customer_message(
    ticket_id: UUID, body: CustomerMessageIn, edge: CommandEdge = Depends(command("record_customer_message"))
) -> Response:
    """The customer wrote, or staff record what they said. No If-Match: messages are only ever added."""
    reply = RecordCustomerReply(ticket_id=ticket_id, text=body.text, owner_id=edge.principal.customer_id)
    return await changed(edge, record_customer_reply, reply)
