"""A clock's timeline laid out for drawing: the intervals of its explanation, its thresholds, what happened, now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, pairwise

from services.sla.domain.calendars import BusinessTimeline, CalendarYearOutOfRangeError
from services.sla.domain.calendars.timeline import offset_at
from services.sla.domain.clock_fold import ClockFold
from services.sla.domain.clock_status import RunState
from services.sla.domain.explanation import Explanation
from services.sla.domain.fold import Line

MOST_THRESHOLDS = 40
MOST_EVENTS = 40
# A stretch that does not count is drawn no longer than this share of what counts.
LONGEST_SKIP = 0.12
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Interval:
    """Half-open, on the axis from `start_x` to `end_x` (0 to 1). `kind`: counted, closed, paused, ahead.

    `is_compressed`: drawn shorter than it lasted.
    """

    start_at: datetime
    end_at: datetime
    start_x: float
    end_x: float
    kind: str
    reason: str
    name: str | None
    is_compressed: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """A point on the axis. `kind`: warning, due, escalation, event, now."""

    at: datetime
    x: float
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Picture:
    """`is_bounded`: more intervals, thresholds or events exist than are shown."""

    intervals: Sequence[Interval]
    thresholds: Sequence[Mark]
    events: Sequence[Mark]
    now: Mark | None
    zone: str
    is_bounded: bool


@dataclass(frozen=True, slots=True)
class _Stretch:
    start_at: datetime
    end_at: datetime
    kind: str
    reason: str
    name: str | None

    @property
    def seconds(self) -> float:
        return (self.end_at - self.start_at) / _SECOND


class LocalTime:
    """Wall-clock time of the clock's calendar, from the offsets that its version holds; UTC without one."""

    def __init__(self, clock: ClockFold) -> None:
        self._timeline: BusinessTimeline | None = None
        self.zone = "UTC"
        if clock.choice is not None and clock.choice.calendar is not None:
            self._timeline = clock.choice.calendar.timeline
            self.zone = clock.choice.calendar.resolved.specification.timezone

    def of(self, at: datetime) -> datetime:
        """Naive local time; UTC outside the calendar's years."""
        utc = at.astimezone(UTC)
        offset = 0
        if self._timeline is not None:
            try:
                offset = offset_at(self._timeline.offsets_of(utc.year), int(utc.timestamp()))
            except CalendarYearOutOfRangeError:
                offset = 0
        return utc.replace(tzinfo=None) + timedelta(seconds=offset)


def picture(clock: ClockFold, explanation: Explanation, lines: Sequence[Line], now: datetime) -> Picture:
    """Of a started cycle; the intervals are those of `explanation`, one for one, and then what lies ahead."""
    assert clock.started_at is not None
    stretches = [
        _Stretch(span.start_at, span.end_at, _kind(span.counts, span.reason), span.reason, span.name)
        for span in explanation.spans
    ]
    thresholds, more_thresholds = _bounded(list(_thresholds(clock)), MOST_THRESHOLDS)
    last = stretches[-1].end_at if stretches else clock.started_at
    is_over = clock.run_state in (RunState.ENDED, RunState.CANCELLED)
    ahead = max((at for at, _, _ in thresholds), default=last)
    if ahead > last and not explanation.truncated:
        reason = "after its end" if is_over else "still to come"
        stretches.append(_Stretch(last, ahead, "ahead", reason, None))
    intervals = _laid_out(stretches)
    happened = [
        (line.entry.occurred_at, str(line.entry.kind), "event")
        for line in lines
        if clock.key in line.effects and line.entry.occurred_at >= clock.started_at
    ]
    events, more_events = _bounded(happened, MOST_EVENTS)
    is_shown = bool(intervals) and intervals[0].start_at <= now <= intervals[-1].end_at
    return Picture(
        intervals=intervals,
        thresholds=_marks(thresholds, intervals),
        events=_marks(events, intervals),
        now=Mark(now, _x(now, intervals), "now", "now") if is_shown else None,
        zone=LocalTime(clock).zone,
        is_bounded=explanation.truncated or more_thresholds or more_events,
    )


def _kind(counts: bool, reason: str) -> str:
    if counts:
        return "counted"
    return "paused" if reason == "paused" else "closed"


def _thresholds(clock: ClockFold) -> Iterator[tuple[datetime, str, str]]:
    if clock.choice is None:
        return
    target = clock.choice.target
    for warning in target.warn_at:
        at = clock.time.instant_of(warning.position(clock.due_position, target.duration), clock.rearmed_at)
        if at is not None:
            yield at, f"warning: {warning}", "warning"
    if clock.due_at is not None:
        yield clock.due_at, "due", "due"
    for level, escalation in enumerate(target.escalations, 1):
        position = clock.due_position + target.duration.unit.position(escalation.offset)
        at = clock.time.instant_of(position, clock.not_before)
        if at is not None:
            yield at, f"escalation {level}: {escalation.target}", "escalation"


def _bounded(
    marks: list[tuple[datetime, str, str]], most: int
) -> tuple[list[tuple[datetime, str, str]], bool]:
    """The earliest of them, the due date always among them."""
    in_order = sorted(marks, key=lambda mark: mark[0])
    due = [mark for mark in in_order[most:] if mark[2] == "due"]
    return in_order[:most] + due, len(in_order) > most


def _laid_out(stretches: Sequence[_Stretch]) -> list[Interval]:
    """Widths to scale, but long stretches that do not count are cut short, so that what counts can be seen."""
    counted = sum(stretch.seconds for stretch in stretches if stretch.kind == "counted")
    longest = (
        max(counted, max((s.seconds for s in stretches if s.kind == "ahead"), default=0.0)) * LONGEST_SKIP
    )
    if counted == 0 and not any(stretch.kind == "ahead" for stretch in stretches):
        longest = float("inf")
    ahead_most = counted if counted > 0 else float("inf")
    widths = []
    for stretch in stretches:
        most = {"counted": float("inf"), "ahead": ahead_most}.get(stretch.kind, longest)
        widths.append(min(stretch.seconds, most))
    whole = sum(widths) or 1.0
    edges = [0.0]
    for width in widths:
        edges.append(edges[-1] + width / whole)
    return [
        Interval(
            stretch.start_at,
            stretch.end_at,
            start_x,
            end_x,
            stretch.kind,
            stretch.reason,
            stretch.name,
            is_compressed=width < stretch.seconds,
        )
        for stretch, width, (start_x, end_x) in zip(stretches, widths, pairwise(edges), strict=True)
    ]


def _marks(marks: Sequence[tuple[datetime, str, str]], intervals: Sequence[Interval]) -> list[Mark]:
    if not intervals:
        return []
    first, last = intervals[0].start_at, intervals[-1].end_at
    return [Mark(at, _x(at, intervals), kind, label) for at, label, kind in marks if first <= at <= last]


def _x(at: datetime, intervals: Sequence[Interval]) -> float:
    for interval in intervals:
        if at < interval.end_at:
            share = max(at - interval.start_at, timedelta()) / (interval.end_at - interval.start_at)
            return interval.start_x + share * (interval.end_x - interval.start_x)
    return intervals[-1].end_x if intervals else 0.0


def edges(drawn: Picture) -> list[tuple[datetime, float]]:
    """Instants worth a label on the axis: where intervals meet."""
    ends = ((one.end_at, one.end_x) for one in drawn.intervals)
    first = ((one.start_at, one.start_x) for one in drawn.intervals[:1])
    return list(chain(first, ends))
