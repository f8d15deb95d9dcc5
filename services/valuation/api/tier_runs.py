"""Runs of the tier rules: what a version did to the customers, whom the cap holds back, and letting them go on."""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.valuation.domain.tiering.rule_change import EffectKind
from services.valuation.persistence import tier_runs
from services.valuation.persistence.tier_runs import Candidate, RunKind, RunState, TierRun
from services.valuation.usecases import release_held_customers as releasing
from services.valuation.usecases.release_held_customers import ReleaseHeldCustomers
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Instant, Page
from shared.web.reads import Reader, reading

Reason = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00]+$")]


class MoveOut(ApiModel):
    """Customers that the new rules move alike, the first of them by id."""

    kind: EffectKind = Field(
        description="promoted, kept, replaced (the new rules lack the tier), questioned (in doubt before, too), "
        "endangered (only the new rules question it), overridden (held by a person's decision)."
    )
    tier: str
    to: str = Field(
        description="The tier after the move; for endangered and questioned ones, where they may fall."
    )
    customers: int
    examples: list[UUID]


class TierRunOut(ApiModel):
    """One run and its report. Counts are of customers."""

    id: UUID
    kind: RunKind
    rule_version: int
    state: RunState = Field(description="surveying, admitting, completed, or superseded by a later version.")
    cap: Decimal = Field(description="Share of the customers whose tier this run may question.")
    customers: int = Field(description="Looked at; for a release, by the run that held them back.")
    allowed: int = Field(description="How many the cap lets through; 0 until all were looked at.")
    admitted: int = Field(description="Endangered, and moved to the new version: they are warned.")
    held: int = Field(description="Endangered, and held back under the version before when the run ended.")
    moves: list[MoveOut]
    reason: str | None
    started_at: Instant
    started_by: str
    completed_at: Instant | None
    version: int

    @classmethod
    def of(cls, run: TierRun) -> "TierRunOut":
        return cls.model_validate(run)


class HeldCustomerOut(ApiModel):
    """A customer whom the cap holds back; values in minor units as they were when the run came by."""

    customer_id: UUID
    tier: str
    falls_to: str
    value_minor: int
    keeps_at_minor: int
    shortfall: Decimal = Field(description="What is missing, as a share of what keeps the tier.")

    @classmethod
    def of(cls, candidate: Candidate) -> "HeldCustomerOut":
        return cls(
            customer_id=candidate.customer_id,
            tier=candidate.tier,
            falls_to=candidate.falls_to,
            value_minor=candidate.value_minor,
            keeps_at_minor=candidate.keeps_at_minor,
            shortfall=candidate.shortfall,
        )


class ReleaseIn(ApiModel):
    """How many may go on, as a share of the customers that the run looked at, and why."""

    share: Annotated[Decimal, Field(gt=0, le=1, max_digits=7, decimal_places=6)] = Field(examples=["0.05"])
    reason: Reason


def tier_run_routes(wake_reviews: Callable[[], None]) -> APIRouter:
    router = APIRouter(tags=["tier rules"])

    @router.get("/tier-runs", response_model=Page[TierRunOut])
    async def list_tier_runs(
        reader: Annotated[Reader, Depends(reading("list_tier_runs"))],
        paging: Annotated[Paging, Depends(paging)],
    ) -> Response:
        """All runs, the newest first."""
        after = paging.after(UUID)
        async with reader.session() as session:
            runs = await tier_runs.page(session, None if after is None else after[0], paging.fetch)
        return paging.page(runs, present=TierRunOut.of, key=lambda run: (run.id,))

    @router.get("/tier-runs/{run_id}", response_model=TierRunOut)
    async def get_tier_run(
        run_id: UUID, reader: Annotated[Reader, Depends(reading("get_tier_run"))]
    ) -> Response:
        """The report of one run: who moved from which tier to which, and how many are held back."""
        async with reader.session() as session:
            run = await tier_runs.require(session, run_id)
        return reader.answer(TierRunOut.of(run))

    @router.get("/tier-runs/{run_id}/held-customers", response_model=Page[HeldCustomerOut])
    async def list_held_customers(
        run_id: UUID,
        reader: Annotated[Reader, Depends(reading("list_held_customers"))],
        paging: Annotated[Paging, Depends(paging)],
    ) -> Response:
        """Who still waits for the run's version, those furthest short first."""
        after = paging.after(Decimal, UUID)
        async with reader.session() as session:
            run = await tier_runs.require(session, run_id)
            last = None if after is None else (after[0], after[1])
            waiting = await tier_runs.waiting_page(session, run.rule_version, last, paging.fetch)
        return paging.page(
            waiting, present=HeldCustomerOut.of, key=lambda one: (one.shortfall, one.customer_id)
        )

    @router.post("/tier-runs/{run_id}/releases", status_code=202, response_model=TierRunOut)
    async def release_held_customers(
        run_id: UUID,
        body: ReleaseIn,
        edge: Annotated[CommandEdge, Depends(command("release_held_customers"))],
    ) -> Response:
        """Let a further share go on to the version in force; answered with the run that does it."""
        wanted = ReleaseHeldCustomers(run_id, body.share, body.reason)
        answer = await edge.run(
            lambda work: releasing.release_held_customers(wanted, work),
            present=TierRunOut.of,
            status=202,
            location=lambda run: f"/valuation/v1/tier-runs/{run.id}",
        )
        wake_reviews()
        return answer

    return router
