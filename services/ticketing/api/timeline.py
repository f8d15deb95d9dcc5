"""The timeline (时间线) of a ticket: who did what and when."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from services.ticketing.domain.ticket_errors import TicketNotFoundError
from services.ticketing.domain.timeline import MESSAGE_STEPS, PUBLIC_DETAILS, Step
from services.ticketing.persistence import ticket_reads, timeline_reads
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Instant, Page
from shared.web.reads import Reader, reading

router = APIRouter(tags=["timeline"])


class StepOut(ApiModel):
    """One step. Customers see the public ones, the words of messages, and who acted by role only."""

    step: Step
    occurred_at: Instant
    actor_role: str
    actor_id: str | None = Field(default=None, description="Absent for customers unless it was themselves.")
    details: dict[str, Any] = Field(description="Codes and references of the step.")
    message_id: UUID | None = None
    text: str | None = Field(
        default=None, description="What a person wrote; blanked when the ticket is deleted."
    )

    @classmethod
    def of_row(cls, row: Any) -> "StepOut":
        return cls(
            step=Step(row["step"]),
            occurred_at=row["occurred_at"],
            actor_role=row["actor_role"],
            actor_id=row["actor_id"],
            details=row["details"],
            message_id=row["message_id"],
            text=row["text"],
        )

    @classmethod
    def for_customer(cls, row: Any) -> "StepOut":
        step = Step(row["step"])
        return cls(
            step=step,
            occurred_at=row["occurred_at"],
            actor_role=row["actor_role"],
            actor_id=row["actor_id"] if row["actor_role"] == "customer" else None,
            details={name: value for name, value in row["details"].items() if name in PUBLIC_DETAILS},
            message_id=row["message_id"],
            text=row["text"] if step in MESSAGE_STEPS else None,
        )


@router.get("/tickets/{ticket_id}/timeline", response_model=Page[StepOut])
async def get_timeline(
    ticket_id: UUID,
    paging: Paging = Depends(paging),
    reader: Reader = Depends(reading("get_timeline")),
) -> Response:
    """Every step, oldest first. Notes and the desk's own steps are not shown to customers."""
    principal = reader.principal
    after = paging.after(int)
    async with reader.session() as session:
        if await ticket_reads.get(session, ticket_id, owner_id=principal.customer_id) is None:
            raise TicketNotFoundError
        rows = await timeline_reads.steps(
            session,
            ticket_id,
            public_only=principal.is_customer,
            after=None if after is None else after[0],
            limit=paging.fetch,
        )
    present = StepOut.for_customer if principal.is_customer else StepOut.of_row
    return paging.page(rows, present=present, key=lambda row: (row["entry_id"],))
