"""Tiers (客户等级): how they stand, their rules, and the history of one customer's."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from services.valuation.api.visibility import require_own
from services.valuation.domain.events import TierReason
from services.valuation.domain.standing import TierChange
from services.valuation.persistence import customers, tier_history, tier_rules, value_queries
from services.valuation.usecases.context import Valuation
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Instant, Page
from shared.web.reads import Reader, reading

NEWEST = 2**62


class TierChangeOut(ApiModel):
    """One line of the history: never altered. Values in minor units."""

    tier: str
    previous_tier: str | None
    reason: TierReason = Field(
        description="initial, promotion, demotion, correction (a refund took a promotion back), rule_change or "
        "override (a person decided)."
    )
    rule_version: int
    value_minor: int = Field(description="The margin within the rules' window that was judged.")
    threshold_minor: int = Field(
        description="What decided: the threshold reached, or the value that was missed."
    )
    effective_at: Instant
    override_id: UUID | None = Field(description="The person's decision, for reason override.")

    @classmethod
    def of(cls, change: TierChange) -> "TierChangeOut":
        return cls.model_validate(change)


class TierShareOut(ApiModel):
    """One tier: who is in it, and what they have brought (minor units)."""

    tier: str
    threshold_minor: int | None = Field(description="None for a tier that the rules no longer have.")
    customers: int
    share_of_customers: float
    warned: int = Field(description="Customers with a demotion warning.")
    realised_value_minor: int
    spend_minor: int
    share_of_value: float | None


class ConcentrationOut(ApiModel):
    """The measured concentration: the top `top_share` of the buyers bring `value_share` of the realised value."""

    buyers: int
    top_share: float
    value_share: float | None


class TierSummaryOut(ApiModel):
    """All customers by tier, and how concentrated the value is (80/20 measured, not assumed)."""

    rule_version: int
    currency: str
    customers: int
    realised_value_minor: int
    default_margin_rate: Decimal
    tiers: list[TierShareOut]
    concentration: ConcentrationOut


def tier_routes(valuation: Valuation) -> APIRouter:
    router = APIRouter(tags=["tiers"])

    @router.get("/tiers", response_model=TierSummaryOut)
    async def summarise_tiers(
        reader: Annotated[Reader, Depends(reading("summarise_tiers"))],
        top_share: Annotated[
            float, Query(gt=0, le=1, description="Point of the concentration curve.", examples=[0.2])
        ] = 0.2,
    ) -> Response:
        """Counts and shares of value by tier, from the floor up."""
        async with reader.session() as session:
            rules = await tier_rules.in_force(session, valuation.clock.now())
            held = await value_queries.by_tier(session)
            total = sum(row["margin_minor"] for row in held.values())
            buyers = sum(row["buyers"] for row in held.values())
            measured = await value_queries.concentration(session, buyers, total, top_share)
        people = sum(row["customers"] for row in held.values())
        thresholds: dict[str, int | None] = {tier.name: tier.threshold_minor for tier in rules.tiers}
        thresholds |= {name: None for name in sorted(held) if name not in thresholds}
        empty = {"customers": 0, "warned": 0, "margin_minor": 0, "spend_minor": 0}
        shares = []
        for name, threshold in thresholds.items():
            row = held.get(name, empty)
            shares.append(
                TierShareOut(
                    tier=name,
                    threshold_minor=threshold,
                    customers=row["customers"],
                    share_of_customers=row["customers"] / people if people else 0.0,
                    warned=row["warned"],
                    realised_value_minor=row["margin_minor"],
                    spend_minor=row["spend_minor"],
                    share_of_value=row["margin_minor"] / total if total > 0 else None,
                )
            )
        return reader.answer(
            TierSummaryOut(
                rule_version=rules.version,
                currency=valuation.ledger.currency,
                customers=people,
                realised_value_minor=total,
                default_margin_rate=valuation.ledger.default_margin_rate,
                tiers=shares,
                concentration=ConcentrationOut.model_validate(measured),
            )
        )

    @router.get("/customers/{customer_id}/tier-history", response_model=Page[TierChangeOut])
    async def list_tier_history(
        customer_id: UUID,
        reader: Annotated[Reader, Depends(reading("list_tier_history"))],
        paging: Annotated[Paging, Depends(paging)],
    ) -> Response:
        """How the customer's tier came about, the latest change first."""
        require_own(reader.principal, customer_id)
        after = paging.after(int)
        async with reader.session() as session:
            await customers.require(session, customer_id)
            before = NEWEST if after is None else after[0]
            changes = await tier_history.page(session, customer_id, before, paging.fetch)
        return paging.page(changes, present=TierChangeOut.of, key=lambda change: (change.sequence,))

    return router
