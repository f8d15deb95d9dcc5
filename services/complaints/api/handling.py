"""What its owner and colleagues do with a complaint before it is decided."""

from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.complaints.api.complaint_model import ComplaintOut
from services.complaints.api.desk import Desk, answer, desk, target
from services.complaints.api.inputs import PersonId, Reason, Words
from services.complaints.domain.outcomes import Channel, Severity, WaitingOn
from services.complaints.usecases import add_investigation_note as noting
from services.complaints.usecases import assess_severity as assessing
from services.complaints.usecases import assign_complaint as assigning
from services.complaints.usecases import record_contact_attempt as attempting
from services.complaints.usecases import respond_to_complaint as responding
from services.complaints.usecases import resume_complaint as resuming
from services.complaints.usecases import wait_for_others as waiting
from shared.web.commands import CommandEdge, command
from shared.web.models import ApiModel

router = APIRouter(tags=["handling"])


class AssignmentIn(ApiModel):
    owner_id: PersonId = Field(description="The one person who answers for it: the `sub` of their token.")
    reason: Reason | None = None


class ResponseIn(ApiModel):
    """What a person answers the customer."""

    channel: Channel = Field(description="How it was said; with `by_mail` it is `email`.")
    text: Words
    by_mail: bool = Field(default=False, description="Mail the text to the address given at intake.")


class WaitIn(ApiModel):
    waiting_on: WaitingOn
    reason: Reason | None = None


class ResumptionIn(ApiModel):
    reason: Reason | None = None


class SeverityIn(ApiModel):
    severity: Severity
    reason: Reason


class InvestigationNoteIn(ApiModel):
    text: Words


class ContactAttemptIn(ApiModel):
    channel: Channel
    reached: bool
    note: Reason | None = None


@router.post("/complaints/{complaint_id}/assignment", response_model=ComplaintOut)
async def assign_complaint(
    complaint_id: UUID,
    body: AssignmentIn,
    edge: CommandEdge = Depends(command("assign_complaint")),
    at: Desk = Depends(desk),
) -> Response:
    """Give it to its one owner, or to another one."""
    assign = assigning.AssignComplaint(
        target=target(edge, complaint_id), owner_id=body.owner_id, reason=body.reason
    )
    return await answer(edge, at, lambda work: assigning.assign_complaint(assign, work))


@router.post("/complaints/{complaint_id}/response", response_model=ComplaintOut)
async def respond_to_complaint(
    complaint_id: UUID,
    body: ResponseIn,
    edge: CommandEdge = Depends(command("respond_to_complaint")),
    at: Desk = Depends(desk),
) -> Response:
    """Record a person's answer: this is what ends the 24 hours."""
    respond = responding.RespondToComplaint(
        target=target(edge, complaint_id),
        channel=Channel.EMAIL if body.by_mail else body.channel,
        text=body.text,
        by_mail=body.by_mail,
    )
    return await answer(edge, at, lambda work: responding.respond_to_complaint(respond, work))


@router.post("/complaints/{complaint_id}/wait", response_model=ComplaintOut)
async def wait_for_others(
    complaint_id: UUID,
    body: WaitIn,
    edge: CommandEdge = Depends(command("wait_for_others")),
    at: Desk = Depends(desk),
) -> Response:
    """Wait for the customer or a third party."""
    wait = waiting.WaitForOthers(
        target=target(edge, complaint_id), waiting_on=body.waiting_on, reason=body.reason
    )
    return await answer(edge, at, lambda work: waiting.wait_for_others(wait, work))


@router.post("/complaints/{complaint_id}/resumption", response_model=ComplaintOut)
async def resume_complaint(
    complaint_id: UUID,
    body: ResumptionIn | None = None,
    edge: CommandEdge = Depends(command("resume_complaint")),
    at: Desk = Depends(desk),
) -> Response:
    """Go on after a wait."""
    resume = resuming.ResumeComplaint(target=target(edge, complaint_id), reason=body.reason if body else None)
    return await answer(edge, at, lambda work: resuming.resume_complaint(resume, work))


@router.post("/complaints/{complaint_id}/severity", response_model=ComplaintOut)
async def assess_severity(
    complaint_id: UUID,
    body: SeverityIn,
    edge: CommandEdge = Depends(command("assess_severity")),
    at: Desk = Depends(desk),
) -> Response:
    """Judge how bad it is; what closure needs follows from it."""
    assess = assessing.AssessSeverity(
        target=target(edge, complaint_id), severity=body.severity, reason=body.reason
    )
    return await answer(edge, at, lambda work: assessing.assess_severity(assess, work))


@router.post("/complaints/{complaint_id}/investigation-notes", response_model=ComplaintOut)
async def add_investigation_note(
    complaint_id: UUID,
    body: InvestigationNoteIn,
    edge: CommandEdge = Depends(command("add_investigation_note")),
    at: Desk = Depends(desk),
) -> Response:
    """Write down what was found, for staff only; it is read in the timeline."""
    note = noting.AddInvestigationNote(target=target(edge, complaint_id), text=body.text)
    return await answer(edge, at, lambda work: noting.add_investigation_note(note, work))


@router.post("/complaints/{complaint_id}/contact-attempts", response_model=ComplaintOut)
async def record_contact_attempt(
    complaint_id: UUID,
    body: ContactAttemptIn,
    edge: CommandEdge = Depends(command("record_contact_attempt")),
    at: Desk = Depends(desk),
) -> Response:
    """Record a try to reach the customer; those in vain count towards the outcome `unreachable`."""
    attempt = attempting.RecordContactAttempt(
        target=target(edge, complaint_id), channel=body.channel, reached=body.reached, note=body.note
    )
    return await answer(edge, at, lambda work: attempting.record_contact_attempt(attempt, work))
