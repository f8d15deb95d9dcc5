"""Root cause analysis (根本原因分析) and the corrective action that follows."""

from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.complaints.api.complaint_model import ComplaintOut
from services.complaints.api.desk import Desk, answer, desk, target
from services.complaints.api.inputs import Code, Words
from services.complaints.domain.cause_codes import CAUSE_CODES
from services.complaints.usecases import record_corrective_action as acting
from services.complaints.usecases import record_root_cause as analysing
from services.complaints.usecases import verify_corrective_action as verifying
from shared.web.commands import CommandEdge, command
from shared.web.models import ApiModel
from shared.web.reads import Reader, reading

router = APIRouter(tags=["findings"])


class CauseCodeOut(ApiModel):
    code: str
    name: str
    name_zh: str
    meaning: str
    is_fault: bool = Field(description="Something of ours went wrong.")
    retired: bool = Field(description="Kept for old complaints; not accepted any more.")


class CauseCodesOut(ApiModel):
    """The catalogue of causes."""

    items: list[CauseCodeOut]


class RootCauseIn(ApiModel):
    cause_code: Code
    analysis: Words = Field(description="How the cause was established.")


class CorrectiveActionIn(ApiModel):
    corrective: Words = Field(description="What puts this case right.")
    preventive: Words | None = Field(default=None, description="What keeps it from happening again.")


class VerificationIn(ApiModel):
    evidence: Words = Field(description="How it was checked that the action works.")


@router.get("/cause-codes", response_model=CauseCodesOut)
async def list_cause_codes(reader: Reader = Depends(reading("list_cause_codes"))) -> Response:
    """The cause codes that decisions and analyses use."""
    return reader.answer(CauseCodesOut(items=[CauseCodeOut.model_validate(cause) for cause in CAUSE_CODES]))


@router.post("/complaints/{complaint_id}/root-cause", response_model=ComplaintOut)
async def record_root_cause(
    complaint_id: UUID,
    body: RootCauseIn,
    edge: CommandEdge = Depends(command("record_root_cause")),
    at: Desk = Depends(desk),
) -> Response:
    """Record or correct the root cause."""
    record = analysing.RecordRootCause(
        target=target(edge, complaint_id), cause_code=body.cause_code, analysis=body.analysis
    )
    return await answer(edge, at, lambda work: analysing.record_root_cause(record, work))


@router.post("/complaints/{complaint_id}/corrective-action", response_model=ComplaintOut)
async def record_corrective_action(
    complaint_id: UUID,
    body: CorrectiveActionIn,
    edge: CommandEdge = Depends(command("record_corrective_action")),
    at: Desk = Depends(desk),
) -> Response:
    """Record what is done about the cause; a new text has to be verified anew."""
    record = acting.RecordCorrectiveAction(
        target=target(edge, complaint_id), corrective=body.corrective, preventive=body.preventive
    )
    return await answer(edge, at, lambda work: acting.record_corrective_action(record, work))


@router.post("/complaints/{complaint_id}/corrective-action/verification", response_model=ComplaintOut)
async def verify_corrective_action(
    complaint_id: UUID,
    body: VerificationIn,
    edge: CommandEdge = Depends(command("verify_corrective_action")),
    at: Desk = Depends(desk),
) -> Response:
    """Record that somebody else than its author has checked that the action works."""
    verify = verifying.VerifyCorrectiveAction(target=target(edge, complaint_id), evidence=body.evidence)
    return await answer(edge, at, lambda work: verifying.verify_corrective_action(verify, work))
