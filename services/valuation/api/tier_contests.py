"""Contests: the customer says that a tier is wrong, and a person reviews what the rules decided."""

from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field, model_validator
from starlette.responses import Response

from services.valuation.api.tier_overrides import Reason, TierName
from services.valuation.api.visibility import require_own
from services.valuation.domain.tiering.contest import ContestOutcome, ContestStep, TierContest
from services.valuation.domain.tiering.contest_status import ContestStatus
from services.valuation.domain.tiering.errors import TierContestNotFoundError
from services.valuation.persistence import customers, tier_contests
from services.valuation.usecases import contest_tier as contesting
from services.valuation.usecases.contest_tier import ContestTarget, FileContest, GrantContest, UpholdTier
from services.valuation.usecases.context import Valuation
from shared.db.work import Work
from shared.web.authentication import Principal
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Instant, Page
from shared.web.reads import Reader, reading

Grounds = Annotated[str, Field(min_length=1, max_length=4000, pattern=r"^[^\x00]+$")]


class ContestTierIn(ApiModel):
    """The tier held that is thought wrong, and why."""

    tier: TierName
    grounds: Grounds


class DecideContestIn(ApiModel):
    """`upheld`: the tier stands. `overridden`: `tier` is held until `expires_at`. Always with a reason."""

    outcome: ContestOutcome
    reason: Reason
    tier: TierName | None = None
    expires_at: Instant | None = None

    @model_validator(mode="after")
    def _upheld_changes_nothing(self) -> Self:
        if self.outcome == "upheld" and (self.tier is not None or self.expires_at is not None):
            raise ValueError("a tier that is upheld stays as it is: leave out tier and expires_at")
        return self


class ContestStepOut(ApiModel):
    """One line of the audit: never altered."""

    place: int
    command: Literal["file", "take", "uphold", "override", "withdraw"]
    status: ContestStatus
    at: Instant
    by: str
    reason: str | None

    @classmethod
    def of(cls, step: ContestStep) -> "ContestStepOut":
        return cls.model_validate(step)


class TierContestOut(ApiModel):
    """A contest; tier, rule version and value as they were when it was filed (value in minor units)."""

    id: UUID
    customer_id: UUID
    tier: str
    rule_version: int
    value_minor: int
    grounds: str | None = Field(description="What the customer says; None once it was erased.")
    status: ContestStatus
    filed_by: str
    filed_at: Instant
    reviewer: str | None
    reason: str | None
    override_id: UUID | None
    decided_at: Instant | None
    version: int

    @classmethod
    def of(cls, contest: TierContest) -> "TierContestOut":
        return cls.model_validate(contest)


class TierContestWithStepsOut(TierContestOut):
    """A contest with its audit."""

    steps: list[ContestStepOut]


def tier_contest_routes(valuation: Valuation) -> APIRouter:
    router = APIRouter(tags=["tiers"])

    @router.post("/customers/{customer_id}/tier-contests", status_code=201, response_model=TierContestOut)
    async def contest_tier(
        customer_id: UUID,
        body: ContestTierIn,
        edge: Annotated[CommandEdge, Depends(command("contest_tier"))],
    ) -> Response:
        """Ask for a person's review of the tier held; the customer itself, or an agent for it."""
        require_own(edge.principal, customer_id)
        wanted = FileContest(customer_id, body.tier, body.grounds)
        return await edge.run(
            lambda work: contesting.file_contest(wanted, work, valuation),
            present=TierContestOut.of,
            status=201,
            location=lambda contest: f"/valuation/v1/tier-contests/{contest.id}",
        )

    @router.get("/customers/{customer_id}/tier-contests", response_model=Page[TierContestOut])
    async def list_customer_tier_contests(
        customer_id: UUID,
        reader: Annotated[Reader, Depends(reading("list_customer_tier_contests"))],
        paging: Annotated[Paging, Depends(paging)],
    ) -> Response:
        """The customer's contests, the newest first."""
        require_own(reader.principal, customer_id)
        after = paging.after(UUID)
        async with reader.session() as session:
            await customers.require(session, customer_id)
            before = None if after is None else after[0]
            found = await tier_contests.page(session, customer_id, None, before, paging.fetch)
        return paging.page(found, present=TierContestOut.of, key=lambda one: (one.id,))

    @router.get("/tier-contests", response_model=Page[TierContestOut])
    async def list_tier_contests(
        reader: Annotated[Reader, Depends(reading("list_tier_contests"))],
        paging: Annotated[Paging, Depends(paging)],
        status: Annotated[ContestStatus | None, Query(description="`open` is the queue of reviews.")] = None,
    ) -> Response:
        """All contests, the newest first."""
        after = paging.after(UUID)
        async with reader.session() as session:
            before = None if after is None else after[0]
            found = await tier_contests.page(session, None, status, before, paging.fetch)
        return paging.page(found, present=TierContestOut.of, key=lambda one: (one.id,))

    @router.get("/tier-contests/{contest_id}", response_model=TierContestWithStepsOut)
    async def get_tier_contest(
        contest_id: UUID, reader: Annotated[Reader, Depends(reading("get_tier_contest"))]
    ) -> Response:
        """One contest with its audit."""
        async with reader.session() as session:
            contest = await tier_contests.require(session, contest_id)
        if _of_customer(reader.principal) not in (None, contest.customer_id):
            raise TierContestNotFoundError
        return reader.answer(TierContestWithStepsOut.model_validate(contest))

    @router.post("/tier-contests/{contest_id}/reviewer", response_model=TierContestOut)
    async def take_tier_contest(
        contest_id: UUID, edge: Annotated[CommandEdge, Depends(command("take_tier_contest"))]
    ) -> Response:
        """Become the one who reviews it; neither who filed it nor who decided on the tier before may."""
        target = ContestTarget(contest_id, edge.expected_version)
        return await edge.run(lambda work: contesting.take_contest(target, work), present=TierContestOut.of)

    @router.post("/tier-contests/{contest_id}/decision", response_model=TierContestOut)
    async def decide_tier_contest(
        contest_id: UUID,
        body: DecideContestIn,
        edge: Annotated[CommandEdge, Depends(command("decide_tier_contest"))],
    ) -> Response:
        """Uphold the tier, or hold another one for a time. Final; the customer may contest anew."""
        target = ContestTarget(contest_id, edge.expected_version)

        async def decide(work: Work) -> TierContest:
            if body.outcome == "upheld":
                return await contesting.uphold_tier(UpholdTier(target, body.reason), work)
            granted = GrantContest(target, body.reason, body.tier, body.expires_at)
            return await contesting.grant_contest(granted, work, valuation)

        return await edge.run(decide, present=TierContestOut.of)

    @router.post("/tier-contests/{contest_id}/withdrawal", response_model=TierContestOut)
    async def withdraw_tier_contest(
        contest_id: UUID, edge: Annotated[CommandEdge, Depends(command("withdraw_tier_contest"))]
    ) -> Response:
        """Take it back before it is decided."""
        target = ContestTarget(contest_id, edge.expected_version, _of_customer(edge.principal))
        return await edge.run(
            lambda work: contesting.withdraw_contest(target, work), present=TierContestOut.of
        )

    return router


def _of_customer(principal: Principal) -> UUID | None:
    return principal.customer_id if principal.is_customer else None
