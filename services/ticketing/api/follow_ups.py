"""The follow-up (回访): what the customer says after closure."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from services.ticketing.api.changes import changed
from services.ticketing.api.inputs import Message
from services.ticketing.api.ticket_model import TicketOut
from services.ticketing.domain.follow_up import CSAT_RANGE, NPS_RANGE, FollowUpAnswer
from services.ticketing.usecases.record_follow_up import RecordFollowUp
from services.ticketing.usecases.record_follow_up import record_follow_up as record
from shared.web.commands import CommandEdge, command
from shared.web.models import ApiModel

router = APIRouter(tags=["follow-up"])


class FollowUpIn(ApiModel):
    """At least one score."""

    csat: Annotated[int, Field(ge=CSAT_RANGE[0], le=CSAT_RANGE[1])] | None = Field(
        default=None, description="Satisfaction, 1 to 5."
    )
    nps: Annotated[int, Field(ge=NPS_RANGE[0], le=NPS_RANGE[1])] | None = Field(
        default=None, description="Would you recommend us, 0 to 10."
    )
    comment: Message | None = None


@router.post("/tickets/{ticket_id}/follow-up", response_model=TicketOut)
async def record_follow_up(
    ticket_id: UUID, body: FollowUpIn, edge: CommandEdge = Depends(command("record_follow_up"))
) -> Response:
    """The customer's answer, once for each closure. No If-Match: it does not depend on anything else."""
    answer = FollowUpAnswer(csat=body.csat, nps=body.nps, comment=body.comment)
    recording = RecordFollowUp(ticket_id=ticket_id, answer=answer, owner_id=edge.principal.customer_id)
    return await changed(edge, record, recording)
