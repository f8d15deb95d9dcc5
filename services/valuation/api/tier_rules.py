"""Versions of the tier rules."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import Field
from starlette.responses import Response

from services.valuation.domain.errors import TierRulesNotFoundError
from services.valuation.domain.tiers import Tier
from services.valuation.persistence import tier_rules
from services.valuation.persistence.tier_rules import StoredRules
from services.valuation.usecases import plan_tier_rules as planning
from services.valuation.usecases.plan_tier_rules import PlanTierRules
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Instant, Page
from shared.web.reads import Reader, reading

LARGEST_VERSION = 2**31 - 1
LONGEST_DAYS = 36_500


class TierModel(ApiModel):
    """A tier and the value (margin within the window, minor units) from which it is earned."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[a-z][a-z0-9_-]*$")]
    threshold_minor: Annotated[int, Field(ge=0, le=2**53)]


class TierRulesContent(ApiModel):
    """What rules say. Tiers from the floor up; the floor starts at 0 and is kept by everybody."""

    tiers: Annotated[list[TierModel], Field(min_length=1, max_length=20)]
    window_days: Annotated[int, Field(ge=1, le=LONGEST_DAYS)] = Field(
        default=364, description="Days whose margin is judged."
    )
    band: Annotated[Decimal, Field(ge=0, lt=1, max_digits=7, decimal_places=6)] = Field(
        default=Decimal("0.1"), description="Share of the threshold that may be missing before a warning."
    )
    grace_days: Annotated[int, Field(ge=0, le=LONGEST_DAYS)] = 56
    tenure_days: Annotated[int, Field(ge=0, le=LONGEST_DAYS)] = 84


class PlanTierRulesIn(TierRulesContent):
    """New rules, and when they take effect."""

    effective_from: Instant | None = Field(default=None, description="Now when absent; never in the past.")


class TierRulesOut(ApiModel):
    """One version of the rules. `reviewed_at` is set once its run is done; `/tier-runs` has the report."""

    version: int
    tiers: list[TierModel]
    window_days: int
    band: Decimal
    grace_days: int
    tenure_days: int
    effective_from: Instant
    created_at: Instant
    created_by: str
    reviewed_at: Instant | None

    @classmethod
    def of(cls, stored: StoredRules) -> "TierRulesOut":
        rules = stored.rules
        return cls(
            version=rules.version,
            tiers=[TierModel(name=tier.name, threshold_minor=tier.threshold_minor) for tier in rules.tiers],
            window_days=rules.window_days,
            band=rules.band,
            grace_days=rules.grace_days,
            tenure_days=rules.tenure_days,
            effective_from=rules.effective_from,
            created_at=stored.created_at,
            created_by=stored.created_by,
            reviewed_at=stored.reviewed_at,
        )


def wanted_rules(content: TierRulesContent, effective_from: datetime | None = None) -> PlanTierRules:
    """The rules that a body describes."""
    return PlanTierRules(
        tiers=tuple(Tier(tier.name, tier.threshold_minor) for tier in content.tiers),
        window_days=content.window_days,
        band=content.band,
        grace_days=content.grace_days,
        tenure_days=content.tenure_days,
        effective_from=effective_from,
    )


def tier_rule_routes(wake_reviews: Callable[[], None]) -> APIRouter:
    router = APIRouter(tags=["tier rules"])

    @router.post("/tier-rules", status_code=201, response_model=TierRulesOut)
    async def plan_tier_rules(
        body: PlanTierRulesIn, edge: Annotated[CommandEdge, Depends(command("plan_tier_rules"))]
    ) -> Response:
        """Plan a new version. When it takes effect a run takes it to the customers: promotions at once, demotions with
        warning, and no more tiers questioned than the cap allows (`/tier-runs`). `/tier-rule-previews` says what it
        would do."""
        wanted = wanted_rules(body, body.effective_from)
        answer = await edge.run(
            lambda work: planning.plan_tier_rules(wanted, work),
            present=TierRulesOut.of,
            status=201,
            location=lambda stored: f"/valuation/v1/tier-rules/{stored.rules.version}",
        )
        wake_reviews()
        return answer

    @router.get("/tier-rules", response_model=Page[TierRulesOut])
    async def list_tier_rules(
        reader: Annotated[Reader, Depends(reading("list_tier_rules"))],
        paging: Annotated[Paging, Depends(paging)],
    ) -> Response:
        """All versions, the newest first."""
        after = paging.after(int)
        before = LARGEST_VERSION if after is None else after[0]
        async with reader.session() as session:
            versions = await tier_rules.page(session, before, paging.fetch)
        return paging.page(versions, present=TierRulesOut.of, key=lambda stored: (stored.rules.version,))

    @router.get("/tier-rules/{version}", response_model=TierRulesOut)
    async def get_tier_rules(
        version: Annotated[int, Path(ge=1, le=LARGEST_VERSION)],
        reader: Annotated[Reader, Depends(reading("get_tier_rules"))],
    ) -> Response:
        """One version, as a tier's history names it."""
        async with reader.session() as session:
            stored = await tier_rules.find(session, version)
        if stored is None:
            raise TierRulesNotFoundError
        return reader.answer(TierRulesOut.of(stored))

    return router
