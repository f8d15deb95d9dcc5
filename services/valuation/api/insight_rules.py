"""Versions of the insight rules."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.valuation.domain.insights.rules import (
    KINDS,
    LARGEST_CONTROL_SHARE,
    LONGEST_DAYS,
    LONGEST_LEAD_DAYS,
    InsightKind,
    InsightRules,
    KindRule,
)
from services.valuation.persistence import insight_rules
from services.valuation.persistence.insight_rules import StoredInsightRules
from services.valuation.usecases import set_insight_rules as setting
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Instant, Page
from shared.web.reads import Reader, reading

LARGEST_VERSION = 2**31 - 1
Days = Annotated[int, Field(ge=0, le=LONGEST_DAYS)]
Share = Annotated[float, Field(ge=0, le=1)]


class KindRuleModel(ApiModel):
    """One kind: who is asked, how many days they have, and when it is too late."""

    owner: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[a-z][a-z0-9_-]*$")] = (
        "account_manager"
    )
    due_days: Days = 7
    expires_days: Days = 30
    is_enabled: bool = True


class InsightRulesIn(ApiModel):
    """New rules, in force at once. A kind that is left out keeps the rule of a fresh installation."""

    control_share: Annotated[float, Field(ge=0, le=LARGEST_CONTROL_SHARE)] = Field(
        default=0.1, description="Share of customers held back, a kind; never for recovery."
    )
    control_seed: Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[!-~]+$")] = "1"
    churn_drop: Share = Field(default=0.2, description="P(alive) fell by at least so much …")
    churn_below: Share = Field(default=0.5, description="… to below this.")
    churn_quiet_days: Days = 56
    overdue_factor: Annotated[float, Field(ge=1, le=100)] = Field(
        default=2.0, description="Silence in usual intervals between purchase days."
    )
    overdue_min_repeats: Annotated[int, Field(ge=1, le=1000)] = 2
    date_lead_days: Annotated[int, Field(ge=0, le=LONGEST_LEAD_DAYS)] = 7
    csat_at_most: Annotated[int, Field(ge=0, le=5)] = 2
    nps_at_most: Annotated[int, Field(ge=-1, le=10)] = 6
    top_tiers: Annotated[int, Field(ge=0, le=20)] = 1
    kinds: dict[InsightKind, KindRuleModel] = Field(default_factory=dict)

    def to_rules(self) -> InsightRules:
        """Raises `InsightRulesInvalidError`."""
        given = {kind: KindRule(**rule.model_dump()) for kind, rule in self.kinds.items()}
        figures = self.model_dump(exclude={"kinds"})
        return InsightRules(0, **figures, kinds={kind: given.get(kind, KindRule()) for kind in KINDS})


class InsightRulesOut(InsightRulesIn):
    """One version of the rules."""

    version: int
    created_at: Instant
    created_by: str

    @classmethod
    def of(cls, stored: StoredInsightRules) -> "InsightRulesOut":
        return cls(
            version=stored.rules.version,
            created_at=stored.created_at,
            created_by=stored.created_by,
            **stored.rules.document(),
        )


def insight_rule_routes() -> APIRouter:
    router = APIRouter(tags=["insight rules"])

    @router.post("/insight-rules", status_code=201, response_model=InsightRulesOut)
    async def set_insight_rules(
        body: InsightRulesIn, edge: Annotated[CommandEdge, Depends(command("set_insight_rules"))]
    ) -> Response:
        """Set new rules; insights that were raised keep the version that raised them."""
        wanted = body.to_rules()
        return await edge.run(
            lambda work: setting.set_insight_rules(wanted, work), present=InsightRulesOut.of, status=201
        )

    @router.get("/insight-rules", response_model=Page[InsightRulesOut])
    async def list_insight_rules(
        reader: Annotated[Reader, Depends(reading("list_insight_rules"))],
        paging: Annotated[Paging, Depends(paging)],
    ) -> Response:
        """All versions, the newest first: that one holds."""
        after = paging.after(int)
        before = LARGEST_VERSION if after is None else after[0]
        async with reader.session() as session:
            versions = await insight_rules.page(session, before, paging.fetch)
        return paging.page(versions, present=InsightRulesOut.of, key=lambda stored: (stored.rules.version,))

    return router
