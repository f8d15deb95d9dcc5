"""What a ticket is about, how urgent it is, and whose it is."""

from typing import Self
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import model_validator
from pydantic_core import PydanticCustomError

from services.ticketing.api.changes import changed
from services.ticketing.api.inputs import Code, Label
from services.ticketing.api.ticket_model import TicketOut
from services.ticketing.domain.vocabulary import Priority
from services.ticketing.usecases import change_customer as customer
from services.ticketing.usecases import classify_ticket as classification
from services.ticketing.usecases import prioritise_ticket as priority
from shared.web.commands import CommandEdge, command
from shared.web.models import ApiModel

router = APIRouter(tags=["classification"])


class ClassificationIn(ApiModel):
    """What is left out stays as it is; at least one is needed."""

    kind: Code | None = None
    category: Label | None = None
    queue: Label | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.kind is None and self.category is None and self.queue is None:
            raise PydanticCustomError("at_least_one", "give kind, category or queue")
        return self


class PriorityIn(ApiModel):
    priority: Priority


class CustomerIn(ApiModel):
    customer_id: UUID


@router.post("/tickets/{ticket_id}/classification", response_model=TicketOut)
async def classify_ticket(
    ticket_id: UUID, body: ClassificationIn, edge: CommandEdge = Depends(command("classify_ticket"))
) -> Response:
    """Decide kind, category or queue (分类)."""
    classify = classification.ClassifyTicket(
        ticket_id=ticket_id,
        expected_version=edge.expected_version,
        kind=body.kind,
        category=body.category,
        queue=body.queue,
    )
    return await changed(edge, classification.classify_ticket, classify)


@router.post("/tickets/{ticket_id}/priority", response_model=TicketOut)
async def prioritise_ticket(
    ticket_id: UUID, body: PriorityIn, edge: CommandEdge = Depends(command("prioritise_ticket"))
) -> Response:
    """Change the priority; the SLA targets follow."""
    prioritise = priority.PrioritiseTicket(
        ticket_id=ticket_id, expected_version=edge.expected_version, priority=body.priority
    )
    return await changed(edge, priority.prioritise_ticket, prioritise)


@router.post("/tickets/{ticket_id}/customer", response_model=TicketOut)
async def change_customer(
    ticket_id: UUID, body: CustomerIn, edge: CommandEdge = Depends(command("change_customer"))
) -> Response:
    """File the ticket under another customer."""
    change = customer.ChangeCustomer(
        ticket_id=ticket_id, expected_version=edge.expected_version, customer_id=body.customer_id
    )
    return await changed(edge, customer.change_customer, change)
