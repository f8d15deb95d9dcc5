"""Why time counted or did not: every interval between two instants with its reason."""

import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from services.sla.domain.calendars.public_data import OffsetSpan
from services.sla.domain.calendars.resolution import DayKind, DayPlan
from services.sla.domain.calendars.timeline import (
    EPOCH_ORDINAL,
    MICROSECONDS,
    SECONDS_PER_DAY,
    instant_of,
    microseconds_of,
)
from services.sla.domain.calendars.windows import MINUTES_PER_DAY, SECONDS_PER_MINUTE


class IntervalReason(StrEnum):
    """Open: `business_hours`, `exception`, `makeup_workday`. Closed: the others, or `exception` for a closed date."""

    BUSINESS_HOURS = "business_hours"
    EXCEPTION = "exception"
    MAKEUP_WORKDAY = "makeup_workday"
    OUTSIDE_HOURS = "outside_hours"
    WEEKEND = "weekend"
    """A weekday that has no windows at all, whichever it is."""
    HOLIDAY = "holiday"


class ExplainedInterval(NamedTuple):
    """Half-open, aware UTC. `name`: the holiday's, or the ISO date that a make-up workday replaces."""

    start_at: datetime
    end_at: datetime
    is_open: bool
    reason: IntervalReason
    name: str | None


class DayPlans(Protocol):
    """What an explanation needs to know of a timeline."""

    def day_plan(self, on: date) -> DayPlan: ...
    def offsets_of(self, year: int) -> Sequence[OffsetSpan]: ...


def explain(days: DayPlans, start: datetime, end: datetime) -> list[ExplainedInterval]:
    """Cuts the time wherever the reason can change, names each piece, and joins equal neighbours."""
    explained: list[ExplainedInterval] = []
    for piece in _pieces(days, start, end):
        last = explained[-1] if explained else None
        if last is not None and last[2:] == piece[2:]:
            explained[-1] = last._replace(end_at=piece.end_at)
        else:
            explained.append(piece)
    return explained


def _pieces(days: DayPlans, start: datetime, end: datetime) -> Iterator[ExplainedInterval]:
    first, last = microseconds_of(start), microseconds_of(end)
    for year in range(start.astimezone(UTC).year, end.astimezone(UTC).year + 1):
        year_start = microseconds_of(datetime(year, 1, 1, tzinfo=UTC))
        year_end = microseconds_of(datetime(year + 1, 1, 1, tzinfo=UTC))
        for span in days.offsets_of(year):
            span_first = max(first, year_start, span.start * MICROSECONDS)
            span_last = min(last, year_end, span.end * MICROSECONDS)
            if span_first < span_last:
                yield from _pieces_of_span(days, span_first, span_last, span.offset * MICROSECONDS)


def _pieces_of_span(days: DayPlans, first: int, last: int, offset: int) -> Iterator[ExplainedInterval]:
    """All in microseconds; the offset is constant between `first` and `last`."""
    day = SECONDS_PER_DAY * MICROSECONDS
    ordinal = EPOCH_ORDINAL + (first + offset) // day
    begun = days.day_plan(date.fromordinal(ordinal - 1))
    while (ordinal - EPOCH_ORDINAL) * day - offset < last:
        plan = days.day_plan(date.fromordinal(ordinal))
        midnight = (ordinal - EPOCH_ORDINAL) * day - offset
        edges = {
            midnight + minute * SECONDS_PER_MINUTE * MICROSECONDS
            for minute in (0, MINUTES_PER_DAY, *_edges_of(plan), *_edges_of(begun, days_ago=1))
            if 0 <= minute <= MINUTES_PER_DAY
        }
        cuts = sorted({min(max(edge, first), last) for edge in edges})
        for cut, following in itertools.pairwise(cuts):
            is_open, reason, name = _reason_at((cut - midnight) // MICROSECONDS, plan, begun)
            yield ExplainedInterval(instant_of(cut), instant_of(following), is_open, reason, name)
        begun = plan
        ordinal += 1


def _edges_of(plan: DayPlan, days_ago: int = 0) -> list[int]:
    return [minute - days_ago * MINUTES_PER_DAY for window in plan.windows for minute in window]


def _reason_at(second: int, plan: DayPlan, begun: DayPlan) -> tuple[bool, IntervalReason, str | None]:
    """`second` of a date with this plan; what the day before began may still be open."""
    for windows_plan, at in ((begun, second + SECONDS_PER_DAY), (plan, second)):
        for window in windows_plan.windows:
            if window.start_minute * SECONDS_PER_MINUTE <= at < window.end_minute * SECONDS_PER_MINUTE:
                return True, _OPEN_REASONS[windows_plan.kind], windows_plan.name
    if plan.windows:
        return False, IntervalReason.OUTSIDE_HOURS, None
    return False, _CLOSED_REASONS[plan.kind], plan.name if plan.kind is DayKind.HOLIDAY else None


_OPEN_REASONS = {
    DayKind.EXCEPTION: IntervalReason.EXCEPTION,
    DayKind.MAKEUP_WORKDAY: IntervalReason.MAKEUP_WORKDAY,
    DayKind.WEEKLY: IntervalReason.BUSINESS_HOURS,
}
_CLOSED_REASONS = {
    DayKind.EXCEPTION: IntervalReason.EXCEPTION,
    DayKind.MAKEUP_WORKDAY: IntervalReason.WEEKEND,
    DayKind.HOLIDAY: IntervalReason.HOLIDAY,
    DayKind.WEEKLY: IntervalReason.WEEKEND,
}
