"""How a ticket ends, and how it comes back: resolution, closure, reopening, cancellation, merge."""

from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from services.ticketing.api.changes import changed
from services.ticketing.api.inputs import Code, Remark
from services.ticketing.api.ticket_model import TicketOut
from services.ticketing.usecases import (
    cancel_ticket as cancellation,
)
from services.ticketing.usecases import (
    close_ticket as closure,
)
from services.ticketing.usecases import (
    merge_tickets as merge,
)
from services.ticketing.usecases import (
    reopen_ticket as reopening,
)
from services.ticketing.usecases import (
    resolve_ticket as resolution,
)
from shared.web.commands import CommandEdge, command
from shared.web.models import ApiModel

router = APIRouter(tags=["outcome"])


class ResolutionIn(ApiModel):
    """How it was solved, as a code, and in words for colleagues."""

    resolution_code: Code
    remark: Remark | None = None


class ReasonIn(ApiModel):
    """Why, as a code, and in words for colleagues."""

    reason: Code
    remark: Remark | None = None


class MergeIn(ApiModel):
    into_ticket_id: UUID = Field(description="The ticket that goes on for both.")


@router.post("/tickets/{ticket_id}/resolution", response_model=TicketOut)
async def resolve_ticket(
    ticket_id: UUID, body: ResolutionIn, edge: CommandEdge = Depends(command("resolve_ticket"))
) -> Response:
    """An answer was found and given (解决). Legal from every open state, also straight from new or waiting."""
    resolve = resolution.ResolveTicket(
        ticket_id=ticket_id,
        expected_version=edge.expected_version,
        resolution_code=body.resolution_code,
        remark=body.remark,
    )
    return await changed(edge, resolution.resolve_ticket, resolve)


@router.post("/tickets/{ticket_id}/reopening", response_model=TicketOut)
async def reopen_ticket(
    ticket_id: UUID, body: ReasonIn, edge: CommandEdge = Depends(command("reopen_ticket"))
) -> Response:
    """A resolved or closed ticket is open again (重开)."""
    reopen = reopening.ReopenTicket(
        ticket_id=ticket_id, expected_version=edge.expected_version, reason=body.reason, remark=body.remark
    )
    return await changed(edge, reopening.reopen_ticket, reopen)


@router.post("/tickets/{ticket_id}/closure", response_model=TicketOut)
async def close_ticket(ticket_id: UUID, edge: CommandEdge = Depends(command("close_ticket"))) -> Response:
    """Finish a resolved ticket (关闭) and ask the customer how it went (回访)."""
    close = closure.CloseTicket(ticket_id=ticket_id, expected_version=edge.expected_version)
    return await changed(edge, closure.close_ticket, close)


@router.post("/tickets/{ticket_id}/cancellation", response_model=TicketOut)
async def cancel_ticket(
    ticket_id: UUID, body: ReasonIn, edge: CommandEdge = Depends(command("cancel_ticket"))
) -> Response:
    """End a request that was withdrawn or never was one (取消)."""
    cancel = cancellation.CancelTicket(
        ticket_id=ticket_id, expected_version=edge.expected_version, reason=body.reason, remark=body.remark
    )
    return await changed(edge, cancellation.cancel_ticket, cancel)


@router.post("/tickets/{ticket_id}/merge", response_model=TicketOut)
async def merge_tickets(
    ticket_id: UUID, body: MergeIn, edge: CommandEdge = Depends(command("merge_tickets"))
) -> Response:
    """Merge this ticket into another about the same matter (合并). The answer is this ticket, now merged."""
    merging = merge.MergeTickets(
        ticket_id=ticket_id, expected_version=edge.expected_version, into_ticket_id=body.into_ticket_id
    )
    return await changed(edge, merge.merge_tickets, merging)
