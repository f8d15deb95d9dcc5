"""Reports on value: what each tier brings less what serving it costs, and where that is best (最优服务水平)."""

from typing import Annotated, Self

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.valuation.domain.values.service_level import (
    LEVELS,
    Best,
    Level,
    LevelSums,
    Verdict,
    best_level,
)
from services.valuation.domain.values.words import best_words
from services.valuation.persistence import service_levels, tier_rules
from services.valuation.persistence.indicator_facts import Moment
from services.valuation.usecases.context import Valuation
from shared.web.models import ApiModel, Instant
from shared.web.reads import Reader, reading


class LevelOut(ApiModel):
    """Customers of a tier that get about as much service. Figures a year are of one customer, in minor units."""

    level: Level = Field(
        description="none; low, middle, high: thirds of those with a cost, by cost a year; new: a customer for under"
        " 90 days; unpriced: has cases without a cost rate. The last two are not compared."
    )
    customers: int
    customer_years: float
    lowest_cost_a_year: float
    highest_cost_a_year: float
    value_a_year: float
    cost_a_year: float
    net_a_year: float
    net_interval: list[float] | None = Field(
        description="95 % confidence interval of the net; None below 30 customers."
    )

    @classmethod
    def of(cls, sums: LevelSums) -> Self:
        interval = sums.interval()
        return cls(
            level=sums.level,
            customers=sums.customers,
            customer_years=sums.years,
            lowest_cost_a_year=sums.lowest,
            highest_cost_a_year=sums.highest,
            value_a_year=(sums.margin + sums.saved) / sums.years,
            cost_a_year=sums.cost / sums.years,
            net_a_year=sums.net_a_year,
            net_interval=None if interval is None else list(interval),
        )


class BestLevelOut(ApiModel):
    """The service level at which value less cost is highest, and how sure that is."""

    verdict: Verdict = Field(
        description="clear of all other levels, unclear, or too_few customers to compare levels."
    )
    level: Level | None
    cannot_be_told_from: list[Level]
    words: str
    words_zh: str

    @classmethod
    def of(cls, best: Best, currency: str) -> Self:
        said, said_zh = best_words(best, currency)
        return cls(
            verdict=best.verdict,
            level=None if best.level is None else best.level.level,
            cannot_be_told_from=[one.level for one in best.rivals],
            words=said,
            words_zh=said_zh,
        )


class TierNetOut(ApiModel):
    """One tier: realised value, cost to serve, and what is left, since the beginning (minor units)."""

    tier: str
    customers: int
    customer_years: float
    realised_margin_minor: int
    cost_saved_minor: int
    cost_to_serve_minor: int
    net_minor: int
    net_a_year: float | None = Field(description="Net of one customer in a year.")
    unpriced_cases: int = Field(description="Cases without a cost rate: the cost is understated by theirs.")
    levels: list[LevelOut]
    best_level: BestLevelOut

    @classmethod
    def of(cls, tier: str, levels: list[LevelSums], currency: str) -> Self:
        ordered = sorted(levels, key=lambda one: LEVELS.index(one.level))
        years = sum(one.years for one in levels)
        net = sum(one.net for one in levels)
        return cls(
            tier=tier,
            customers=sum(one.customers for one in levels),
            customer_years=years,
            realised_margin_minor=sum(one.margin for one in levels),
            cost_saved_minor=sum(one.saved for one in levels),
            cost_to_serve_minor=sum(one.cost for one in levels),
            net_minor=net,
            net_a_year=net / years if years else None,
            unpriced_cases=sum(one.unpriced_cases for one in levels),
            levels=[LevelOut.of(one) for one in ordered],
            best_level=BestLevelOut.of(best_level(ordered), currency),
        )


class ValueLessCostOut(ApiModel):
    """Value less cost by tier, from the floor up; tiers that the rules no longer have come last."""

    currency: str
    as_of: Instant
    rule_version: int
    tiers: list[TierNetOut]


def value_report_routes(valuation: Valuation) -> APIRouter:
    router = APIRouter(tags=["value reports"])

    @router.get("/reports/value-less-cost", response_model=ValueLessCostOut)
    async def report_value_less_cost(
        reader: Annotated[Reader, Depends(reading("report_value_less_cost"))],
    ) -> Response:
        """What each tier has brought and cost, and the service level at which the difference is best."""
        ledger, now = valuation.ledger, valuation.clock.now()
        async with reader.session() as session:
            rules = await tier_rules.in_force(session, now)
            found = await service_levels.level_sums(session, Moment.of(now, ledger.calendar))
        names = [tier.name for tier in rules.tiers]
        names += sorted(name for name in found if name not in names)
        return reader.answer(
            ValueLessCostOut(
                currency=ledger.currency,
                as_of=now,
                rule_version=rules.version,
                tiers=[TierNetOut.of(name, found.get(name, []), ledger.currency) for name in names],
            )
        )

    return router
