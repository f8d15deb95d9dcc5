"""Which kinds of insight helped, against the customers held back."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from services.valuation.domain.insights.rules import KINDS, InsightKind
from services.valuation.domain.insights.usefulness import FEWEST, Group, Interval, Verdict, compare
from services.valuation.domain.ledger import EPOCH
from services.valuation.persistence import insight_queries
from services.valuation.persistence.insight_queries import Observed
from services.valuation.usecases.context import Valuation
from shared.kernel.errors import InvalidInputError
from shared.web.models import ApiModel, Instant
from shared.web.reads import Reader, reading

LONGEST_PERIOD_DAYS = 732
_NOBODY = Observed(Group(0, 0), Group(0, 0), {})


class IntervalOut(ApiModel):
    """A share, or a difference of shares, with its 95 % confidence interval."""

    estimate: float
    low: float
    high: float

    @classmethod
    def of(cls, interval: Interval | None) -> "IntervalOut | None":
        return None if interval is None else cls.model_validate(interval)


class GroupOut(ApiModel):
    """Customers of a group, each counted once, and how many bought within the days observed."""

    customers: int
    bought: int
    rate: IntervalOut | None = Field(description="None when nobody was observed.")

    @classmethod
    def of(cls, group: Group) -> "GroupOut":
        return cls(customers=group.customers, bought=group.bought, rate=IntervalOut.of(group.rate()))


class KindReportOut(ApiModel):
    """One kind of insight: shown (whether or not somebody acted), held back, and the difference of their rates."""

    kind: InsightKind
    shown: GroupOut
    held_back: GroupOut
    difference: IntervalOut | None = Field(description="Shown minus held back; None without either.")
    verdict: Verdict = Field(
        description="helped or harmed: the interval of the difference leaves out 0. not_shown: it does not. "
        f"too_few: fewer than {FEWEST} customers in a group. no_control_group: recovery, where nobody is held back."
    )
    by_status: dict[str, int] = Field(description="Insights shown, by what became of them.")


class InsightReportOut(ApiModel):
    """Insights raised in the period, and purchases within `days` of each."""

    since: Instant
    until: Instant
    days: int
    kinds: list[KindReportOut]


def insight_report_routes(valuation: Valuation) -> APIRouter:
    router = APIRouter(tags=["insights"])

    @router.get("/reports/insights", response_model=InsightReportOut)
    async def report_insights(
        reader: Annotated[Reader, Depends(reading("report_insights"))],
        since: Annotated[
            Instant | None, Query(description="Raised from then on; a year before `until` when absent.")
        ] = None,
        until: Annotated[
            Instant | None,
            Query(description="Raised before; at most `days` ago, so that all had their time."),
        ] = None,
        days: Annotated[int, Query(ge=1, le=365, description="Days in which a purchase counts.")] = 30,
    ) -> Response:
        """By kind: how many bought of those acted for and of those held back, and whether that can be chance."""
        since, until = _period(since, until, valuation.clock.now() - timedelta(days=days))
        async with reader.session() as session:
            observed = await insight_queries.observed(session, since, until, days)
        kinds = [_kind(kind, observed.get(kind, _NOBODY)) for kind in KINDS]
        return reader.answer(InsightReportOut(since=since, until=until, days=days, kinds=kinds))

    return router


def _period(since: datetime | None, until: datetime | None, latest: datetime) -> tuple[datetime, datetime]:
    until = latest if until is None else min(until, latest)
    if until < EPOCH:
        raise InvalidInputError.of("until", "range", "Nothing was raised before 1970")
    since = until - timedelta(days=365) if since is None else since
    if not timedelta(0) <= until - since <= timedelta(days=LONGEST_PERIOD_DAYS):
        raise InvalidInputError.of(
            "since", "period", f"A period ends after it begins, and within {LONGEST_PERIOD_DAYS} days"
        )
    return since, until


def _kind(kind: InsightKind, seen: Observed) -> KindReportOut:
    found = compare(kind, seen.treated, seen.control)
    return KindReportOut(
        kind=kind,
        shown=GroupOut.of(found.treated),
        held_back=GroupOut.of(found.control),
        difference=IntervalOut.of(found.difference),
        verdict=found.verdict,
        by_status=seen.by_status,
    )
