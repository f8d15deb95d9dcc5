"""How a complaint ends: decided or withdrawn, delivered, asked, closed in the loop (闭环), reopened."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import ConfigDict, Field
from starlette.responses import Response

from services.complaints.api.complaint_model import ComplaintOut
from services.complaints.api.desk import Desk, answer, desk, target
from services.complaints.api.inputs import Code, Reason, Words
from services.complaints.domain.outcomes import Channel, Outcome
from services.complaints.usecases import close_complaint as closing
from services.complaints.usecases import decide_complaint as deciding
from services.complaints.usecases import record_delivery as delivering
from services.complaints.usecases import record_satisfaction as asking
from services.complaints.usecases import reopen_complaint as reopening
from services.complaints.usecases import withdraw_complaint as withdrawing
from shared.web.commands import CommandEdge, command
from shared.web.models import ApiModel

router = APIRouter(tags=["ending"])


class DecisionIn(ApiModel):
    """The outcome; the customer's withdrawal has a path of its own."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "outcome": "upheld",
                    "cause_code": "billing_error",
                    "explanation": "The invoice was charged twice; the second amount was paid back.",
                }
            ]
        }
    )

    outcome: Literal["upheld", "partly_upheld", "not_upheld", "out_of_remit", "unreachable"]
    cause_code: Code
    explanation: Words = Field(description="Said to the customer in the confirmation (合理解释).")


class WithdrawalIn(ApiModel):
    reason: Reason | None = None
    cause_code: Code | None = Field(
        default=None, description="Unless given: the one that was analysed, else `not_established`."
    )


class DeliveryIn(ApiModel):
    """A person brought a message to the customer by another way than our mail."""

    channel: Channel
    customer_asked: bool = Field(description="The customer was also asked whether they are satisfied.")
    message_id: UUID | None = Field(default=None, description="Unless given, the decision is meant.")
    note: Reason | None = None


class SatisfactionIn(ApiModel):
    satisfied: bool
    score: Annotated[int, Field(ge=1, le=5)] | None = Field(
        default=None, description="From 1 (not at all) to 5 (fully)."
    )
    comment: Words | None = None


class ClosureIn(ApiModel):
    """Nothing needs to be said: what closure needs is on record or it is not."""


class ReopeningIn(ApiModel):
    reason: Reason


@router.post("/complaints/{complaint_id}/decision", response_model=ComplaintOut)
async def decide_complaint(
    complaint_id: UUID,
    body: DecisionIn,
    edge: CommandEdge = Depends(command("decide_complaint")),
    at: Desk = Depends(desk),
) -> Response:
    """Decide it; the confirmation goes to the address given at intake, or is left for a person to bring."""
    decide = deciding.DecideComplaint(
        target=target(edge, complaint_id),
        outcome=Outcome(body.outcome),
        cause_code=body.cause_code,
        explanation=body.explanation,
    )
    return await answer(edge, at, lambda work: deciding.decide_complaint(decide, work, at.policy))


@router.post("/complaints/{complaint_id}/withdrawal", response_model=ComplaintOut)
async def withdraw_complaint(
    complaint_id: UUID,
    body: WithdrawalIn | None = None,
    edge: CommandEdge = Depends(command("withdraw_complaint")),
    at: Desk = Depends(desk),
) -> Response:
    """The customer takes it back: an outcome of its own."""
    given = body or WithdrawalIn()
    withdraw = withdrawing.WithdrawComplaint(
        target=target(edge, complaint_id), reason=given.reason, cause_code=given.cause_code
    )
    return await answer(edge, at, lambda work: withdrawing.withdraw_complaint(withdraw, work))


@router.post("/complaints/{complaint_id}/deliveries", response_model=ComplaintOut)
async def record_delivery(
    complaint_id: UUID,
    body: DeliveryIn,
    edge: CommandEdge = Depends(command("record_delivery")),
    at: Desk = Depends(desk),
) -> Response:
    """Record that a person brought the decision (or another message) to the customer."""
    deliver = delivering.RecordDelivery(
        target=target(edge, complaint_id),
        channel=body.channel,
        customer_asked=body.customer_asked,
        message_id=body.message_id,
        note=body.note,
    )
    return await answer(edge, at, lambda work: delivering.record_delivery(deliver, work))


@router.post("/complaints/{complaint_id}/satisfaction", response_model=ComplaintOut)
async def record_satisfaction(
    complaint_id: UUID,
    body: SatisfactionIn,
    edge: CommandEdge = Depends(command("record_satisfaction")),
    at: Desk = Depends(desk),
) -> Response:
    """Whether the customer is satisfied, told by them or written down by staff."""
    record = asking.RecordSatisfaction(
        target=target(edge, complaint_id), satisfied=body.satisfied, score=body.score, comment=body.comment
    )
    return await answer(edge, at, lambda work: asking.record_satisfaction(record, work))


@router.post("/complaints/{complaint_id}/closure", response_model=ComplaintOut)
async def close_complaint(
    complaint_id: UUID,
    body: ClosureIn | None = None,
    edge: CommandEdge = Depends(command("close_complaint")),
    at: Desk = Depends(desk),
) -> Response:
    """Close the loop, if all is there that the outcome needs; else the problem lists what is missing."""
    close = closing.CloseComplaint(target=target(edge, complaint_id))
    return await answer(edge, at, lambda work: closing.close_complaint(close, work, at.policy))


@router.post("/complaints/{complaint_id}/reopening", response_model=ComplaintOut)
async def reopen_complaint(
    complaint_id: UUID,
    body: ReopeningIn,
    edge: CommandEdge = Depends(command("reopen_complaint")),
    at: Desk = Depends(desk),
) -> Response:
    """Take a decided or recently closed complaint up again; its decision falls."""
    reopen = reopening.ReopenComplaint(target=target(edge, complaint_id), reason=body.reason)
    return await answer(edge, at, lambda work: reopening.reopen_complaint(reopen, work, at.policy))
