"""Why a clock is due when it is: every interval from start to now with its reason, and the arithmetic."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.sla.domain.calendars import BusinessTimeline, CalendarYearOutOfRangeError
from services.sla.domain.clock_fold import ClockFold
from services.sla.domain.commitment_fold import CommitmentFold
from services.sla.domain.matching import why
from services.sla.domain.running_time import Segment
from services.sla.domain.units import Measure

MOST_INTERVALS = 2_000
BEFORE_RESTART = "before the restart"


@dataclass(frozen=True, slots=True)
class ExplainedSpan:
    """Half-open. `counted` is how far the clock moved in it, in its unit; `entry_id` the line that caused it."""

    start_at: datetime
    end_at: datetime
    counts: bool
    reason: str
    name: str | None
    counted: float
    entry_id: UUID


@dataclass(frozen=True, slots=True)
class Explanation:
    """`spans` from start to the clock's end or now; `truncated` when there were more than can be shown."""

    matched: str
    spans: Sequence[ExplainedSpan]
    truncated: bool
    arithmetic: Sequence[str]


def explain(clock: ClockFold, now: datetime) -> Explanation:
    """Of a started cycle."""
    spans: list[ExplainedSpan] = []
    truncated = False
    for span in _spans(clock, now):
        if len(spans) == MOST_INTERVALS:
            truncated = True
            break
        spans.append(span)
    matched = "no policy matches any more"
    if clock.choice is not None:
        version = clock.choice.version
        matched = f"{version.name}, version {version.number}: {why(version.match)}"
    return Explanation(matched, spans, truncated, _arithmetic(clock, now))


def _spans(clock: ClockFold, now: datetime) -> Iterator[ExplainedSpan]:
    yield from _before_restarts(clock)
    for segment in clock.time.segments:
        end_at = segment.end_at or max(now, segment.start_at)
        if end_at <= segment.start_at:
            continue
        if segment.counts and clock.choice is not None:
            yield from _counting(clock, segment, end_at)
        else:
            reason = "paused" if segment.counts is False else segment.cause
            yield ExplainedSpan(segment.start_at, end_at, False, reason, segment.cause, 0.0, segment.entry_id)


def _before_restarts(clock: ClockFold) -> Iterator[ExplainedSpan]:
    """What passed before the clock began again: it happened, and counts no more."""
    starts = [time.segments[0].start_at for time in (*clock.earlier[1:], clock.time) if time.segments]
    for time, restarted_at in zip(clock.earlier, starts, strict=False):
        last = None
        for segment in time.segments:
            if segment.end_at is not None:
                last = segment
                yield ExplainedSpan(
                    segment.start_at,
                    segment.end_at,
                    False,
                    BEFORE_RESTART,
                    segment.cause,
                    0.0,
                    segment.entry_id,
                )
        if last is not None and last.end_at is not None and last.end_at < restarted_at:
            yield ExplainedSpan(last.end_at, restarted_at, False, "paused", "ended", 0.0, last.entry_id)


def _counting(clock: ClockFold, segment: Segment, end_at: datetime) -> Iterator[ExplainedSpan]:
    assert clock.choice is not None
    unit, timeline = clock.choice.target.duration.unit, clock.choice.timeline
    meter = clock.time.meter
    if unit.measure is Measure.BUSINESS_TIME and timeline is not None:
        for piece in _open_and_closed(timeline, segment.start_at, end_at):
            start, end, is_open, reason, name = piece
            counted = unit.amount(meter.measure(start, end)) if is_open else 0.0
            yield ExplainedSpan(start, end, is_open, reason, name, counted, segment.entry_id)
        return
    counted = unit.amount(meter.measure(segment.start_at, end_at))
    reason = "running" if unit.measure is Measure.ELAPSED_TIME else f"{unit.measure.replace('_', ' ')} ended"
    yield ExplainedSpan(segment.start_at, end_at, True, reason, None, counted, segment.entry_id)


def _open_and_closed(
    timeline: BusinessTimeline, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime, bool, str, str | None]]:
    try:
        pieces = timeline.explain(start, end)
    except CalendarYearOutOfRangeError:
        yield start, end, False, "outside the calendar's years", None
        return
    for piece in pieces:
        yield piece.start_at, piece.end_at, piece.is_open, str(piece.reason), piece.name


def _arithmetic(clock: ClockFold, now: datetime) -> list[str]:
    if clock.choice is None or clock.started_at is None:
        return ["no target counts"]
    if isinstance(clock, CommitmentFold):
        return _commitments(clock)
    target = clock.choice.target
    unit = target.duration.unit
    said = [f"target {target.duration}, started {clock.started_at.isoformat()}"]
    for start, end in clock.time.pauses():
        until = "now" if end is None else end.isoformat()
        said.append(f"stood still from {start.isoformat()} until {until}")
    for retarget in clock.retargets:
        before = "no target" if retarget.previous is None else str(retarget.previous)
        said.append(
            f"retargeted at {retarget.at.isoformat()}: {before} before; at least {retarget.notice:g} more from then"
        )
    said += [f"restarted at {clock.started_at.isoformat()}"] if clock.earlier else []
    if clock.due_position != target.duration.position:
        said.append(f"due at {unit.amount(clock.due_position):g} on its own scale, not at the target")
    at = now if clock.ended_at is None else clock.ended_at
    position = clock.time.position(max(at, clock.started_at))
    left = clock.due_position - position
    said.append(f"passed {unit.amount(position):g}, left {unit.amount(left):g} {unit.replace('_', ' ')}")
    due_at = clock.due_at
    said.append("due when it goes on" if due_at is None else f"due {due_at.isoformat()}")
    return said


def _commitments(clock: CommitmentFold) -> list[str]:
    said = []
    for place, promise in enumerate(clock.promises):
        verb = "moved to" if place else "promised"
        why = "" if promise.reason is None else f" ({promise.reason})"
        by = "" if promise.by is None else f" by {promise.by}"
        said.append(f"{promise.at.isoformat()}: {verb} {promise.committed_at.isoformat()}{why}{by}")
    if clock.risk is not None:
        said.append(
            f"at risk from {clock.risk.at.isoformat()} on: the resolution was then due"
            f" {clock.risk.projected_at.isoformat()}"
        )
    return [*said, "a date: nothing pauses or moves it but another promise"]
