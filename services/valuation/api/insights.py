"""Insights: suggested actions with their reason, taken, done or dismissed."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from services.valuation.domain.insights import words
from services.valuation.domain.insights.insight import Dismissal, Insight, Outcome
from services.valuation.domain.insights.insight_status import InsightStatus
from services.valuation.domain.insights.rules import InsightKind
from services.valuation.persistence import insights
from services.valuation.usecases import handle_insight as handling
from services.valuation.usecases.handle_insight import CompleteInsight, DismissInsight, TakeInsight
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Instant, Page
from shared.web.reads import Reader, reading

Note = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00]+$")]


class InsightOut(ApiModel):
    """A suggestion: why, what to do, who is asked and by when; and what came of it."""

    id: UUID
    customer_id: UUID
    kind: InsightKind
    reason: str
    reason_zh: str
    action: str
    action_zh: str
    owner: str = Field(description="The team that is asked.", examples=["account_manager"])
    status: InsightStatus
    rule_version: int
    raised_at: Instant
    due_at: Instant
    expires_at: Instant
    taken_by: str | None
    taken_at: Instant | None
    ended_by: str | None
    ended_at: Instant | None
    outcome: str | None = Field(description="What came of it, or why it was dismissed.")
    note: str | None
    version: int

    @classmethod
    def of(cls, one: Insight) -> "InsightOut":
        reason, reason_zh = words.reason(one.kind, one.facts)
        action, action_zh = words.action(one.kind)
        return cls(
            id=one.id,
            customer_id=one.customer_id,
            kind=one.kind,
            reason=reason,
            reason_zh=reason_zh,
            action=action,
            action_zh=action_zh,
            owner=one.owner,
            status=one.status,
            rule_version=one.rule_version,
            raised_at=one.raised_at,
            due_at=one.due_at,
            expires_at=one.expires_at,
            taken_by=one.taken_by,
            taken_at=one.taken_at,
            ended_by=one.ended_by,
            ended_at=one.ended_at,
            outcome=one.outcome,
            note=one.note,
            version=one.version,
        )


class CompleteInsightIn(ApiModel):
    """What came of it."""

    outcome: Outcome
    note: Note | None = None


class DismissInsightIn(ApiModel):
    """Why nothing will be done."""

    reason: Dismissal
    note: Note | None = None


def insight_routes() -> APIRouter:
    router = APIRouter(tags=["insights"])

    @router.get("/insights", response_model=Page[InsightOut])
    async def list_insights(
        reader: Annotated[Reader, Depends(reading("list_insights"))],
        paging: Annotated[Paging, Depends(paging)],
        status: Annotated[InsightStatus | None, Query()] = None,
        customer_id: Annotated[UUID | None, Query()] = None,
        kind: Annotated[InsightKind | None, Query()] = None,
    ) -> Response:
        """Suggestions, the latest first. The held-back control group is not among them."""
        after = paging.after(UUID)
        async with reader.session() as session:
            found = await insights.page(
                session,
                status=status,
                customer_id=customer_id,
                kind=kind,
                before=None if after is None else after[0],
                limit=paging.fetch,
            )
        return paging.page(found, present=InsightOut.of, key=lambda one: (one.id,))

    @router.get("/insights/{insight_id}", response_model=InsightOut)
    async def get_insight(
        insight_id: UUID, reader: Annotated[Reader, Depends(reading("get_insight"))]
    ) -> Response:
        """One suggestion."""
        async with reader.session() as session:
            found = await insights.find(session, insight_id)
        return reader.answer(InsightOut.of(found))

    @router.post("/insights/{insight_id}/taking", response_model=InsightOut)
    async def take_insight(
        insight_id: UUID, edge: Annotated[CommandEdge, Depends(command("take_insight"))]
    ) -> Response:
        """Take it, so that nobody else calls the same customer; If-Match as last read."""
        wanted = TakeInsight(insight_id, edge.expected_version)
        return await edge.run(lambda work: handling.handle_insight(wanted, work), present=InsightOut.of)

    @router.post("/insights/{insight_id}/outcome", response_model=InsightOut)
    async def complete_insight(
        insight_id: UUID,
        body: CompleteInsightIn,
        edge: Annotated[CommandEdge, Depends(command("complete_insight"))],
    ) -> Response:
        """Say what came of it; If-Match as last read."""
        wanted = CompleteInsight(insight_id, edge.expected_version, body.outcome, body.note)
        return await edge.run(lambda work: handling.handle_insight(wanted, work), present=InsightOut.of)

    @router.post("/insights/{insight_id}/dismissal", response_model=InsightOut)
    async def dismiss_insight(
        insight_id: UUID,
        body: DismissInsightIn,
        edge: Annotated[CommandEdge, Depends(command("dismiss_insight"))],
    ) -> Response:
        """Decide that nothing will be done; If-Match as last read."""
        wanted = DismissInsight(insight_id, edge.expected_version, body.reason, body.note)
        return await edge.run(lambda work: handling.handle_insight(wanted, work), present=InsightOut.of)

    return router
