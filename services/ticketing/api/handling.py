"""Who has the ticket and what is being done: assignment, transfer, work, waits, escalation, promised date."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from services.ticketing.api.changes import changed
from services.ticketing.api.inputs import Code, Label, Remark, StaffId
from services.ticketing.api.ticket_model import TicketOut
from services.ticketing.domain.vocabulary import MAX_ESCALATION_LEVEL, WaitingOn
from services.ticketing.usecases import (
    assign_ticket as assignment,
)
from services.ticketing.usecases import (
    commit_date as commitment,
)
from services.ticketing.usecases import (
    escalate_ticket as escalation,
)
from services.ticketing.usecases import (
    put_on_wait as wait,
)
from services.ticketing.usecases import (
    resume_ticket as resumption,
)
from services.ticketing.usecases import (
    start_work as work_start,
)
from services.ticketing.usecases import (
    transfer_ticket as transfer,
)
from shared.web.commands import CommandEdge, command
from shared.web.models import ApiModel, Instant

router = APIRouter(tags=["handling"])


class AssignmentIn(ApiModel):
    """To whom; with `queue` the ticket changes its queue too."""

    assignee_id: StaffId
    queue: Label | None = None


class TransferIn(ApiModel):
    queue: Label


class WaitIn(ApiModel):
    """For whom, and why as a code."""

    waiting_on: WaitingOn
    reason: Code | None = None
    remark: Remark | None = None


class EscalationIn(ApiModel):
    """Without `level`, one level up."""

    level: Annotated[int, Field(ge=1, le=MAX_ESCALATION_LEVEL)] | None = None
    remark: Remark | None = None


class CommitmentIn(ApiModel):
    """The date promised to the customer; moving it needs a reason (a code)."""

    committed_at: Instant
    reason: Code | None = None


@router.post("/tickets/{ticket_id}/assignment", response_model=TicketOut)
async def assign_ticket(
    ticket_id: UUID, body: AssignmentIn, edge: CommandEdge = Depends(command("assign_ticket"))
) -> Response:
    """Give the ticket to a person (指派)."""
    assign = assignment.AssignTicket(
        ticket_id=ticket_id,
        expected_version=edge.expected_version,
        assignee_id=body.assignee_id,
        queue=body.queue,
    )
    return await changed(edge, assignment.assign_ticket, assign)


@router.post("/tickets/{ticket_id}/transfer", response_model=TicketOut)
async def transfer_ticket(
    ticket_id: UUID, body: TransferIn, edge: CommandEdge = Depends(command("transfer_ticket"))
) -> Response:
    """Give the ticket to a queue (转派); nobody has it until somebody takes it."""
    move = transfer.TransferTicket(
        ticket_id=ticket_id, expected_version=edge.expected_version, queue=body.queue
    )
    return await changed(edge, transfer.transfer_ticket, move)


@router.post("/tickets/{ticket_id}/work-start", response_model=TicketOut)
async def start_work(ticket_id: UUID, edge: CommandEdge = Depends(command("start_work"))) -> Response:
    """Begin to work. Who starts what nobody has, takes it. Twice is a conflict, not a repetition."""
    start = work_start.StartWork(ticket_id=ticket_id, expected_version=edge.expected_version)
    return await changed(edge, work_start.start_work, start)


@router.post("/tickets/{ticket_id}/wait", response_model=TicketOut)
async def put_on_wait(
    ticket_id: UUID, body: WaitIn, edge: CommandEdge = Depends(command("put_on_wait"))
) -> Response:
    """Wait for the customer or a third party; the pausable SLA clocks stand still."""
    put = wait.PutOnWait(
        ticket_id=ticket_id,
        expected_version=edge.expected_version,
        waiting_on=body.waiting_on,
        reason=body.reason,
        remark=body.remark,
    )
    return await changed(edge, wait.put_on_wait, put)


@router.post("/tickets/{ticket_id}/resumption", response_model=TicketOut)
async def resume_ticket(ticket_id: UUID, edge: CommandEdge = Depends(command("resume_ticket"))) -> Response:
    """End a wait and go on working. A customer's message ends a wait for the customer by itself."""
    resume = resumption.ResumeTicket(ticket_id=ticket_id, expected_version=edge.expected_version)
    return await changed(edge, resumption.resume_ticket, resume)


@router.post("/tickets/{ticket_id}/escalations", response_model=TicketOut)
async def escalate_ticket(
    ticket_id: UUID, body: EscalationIn, edge: CommandEdge = Depends(command("escalate_ticket"))
) -> Response:
    """Raise the ticket by hand (升级). A breached SLA clock raises it by itself."""
    escalate = escalation.EscalateTicket(
        ticket_id=ticket_id, expected_version=edge.expected_version, level=body.level, remark=body.remark
    )
    return await changed(edge, escalation.escalate_ticket, escalate)


@router.post("/tickets/{ticket_id}/commitment", response_model=TicketOut)
async def commit_date(
    ticket_id: UUID, body: CommitmentIn, edge: CommandEdge = Depends(command("commit_date"))
) -> Response:
    """Promise the customer a date (承诺时限), or move the promised one for a reason."""
    commit = commitment.CommitDate(
        ticket_id=ticket_id,
        expected_version=edge.expected_version,
        committed_at=body.committed_at,
        reason=body.reason,
    )
    return await changed(edge, commitment.commit_date, commit)
