"""A subject's promises as they stand at one instant."""

from dataclasses import dataclass
from datetime import datetime

from services.sla.domain.clock_fold import ClockFold
from services.sla.domain.clock_status import ClockState, RunState, state_shown
from services.sla.domain.units import Measure


@dataclass(frozen=True, slots=True)
class MetricView:
    """`elapsed` and `remaining` in the target's unit (remaining falls below zero when overdue); `percent` of
    what is due. `within_hours`: whether the calendar is open now; None where no calendar counts."""

    clock: ClockFold
    state: ClockState
    due_at: datetime | None
    elapsed: float
    remaining: float
    percent: float
    breached_at: datetime | None
    within_hours: bool | None


def view(clock: ClockFold, now: datetime) -> MetricView:
    """Of a started cycle, at `now`."""
    assert clock.started_at is not None
    assert clock.run_state is not None
    due_at = clock.due_at
    at = max(clock.started_at, now if clock.ended_at is None else clock.ended_at)
    position = clock.time.position(at)
    breaches = list(clock.breaches)
    if clock.run_state is RunState.RUNNING and due_at is not None and due_at <= now and not clock.in_force:
        breaches.append(due_at)
    unit = None if clock.choice is None else clock.choice.target.duration.unit
    return MetricView(
        clock=clock,
        state=state_shown(clock.run_state, is_breached=bool(breaches), due_at=due_at, now=now),
        due_at=due_at,
        elapsed=0.0 if unit is None else unit.amount(position),
        remaining=0.0 if unit is None else unit.amount(clock.due_position - position),
        percent=round(100 * position / clock.due_position, 2) if clock.due_position else 0.0,
        breached_at=min(breaches, default=None),
        within_hours=_within_hours(clock, now),
    )


def _within_hours(clock: ClockFold, now: datetime) -> bool | None:
    if clock.choice is None or clock.choice.timeline is None:
        return None
    if clock.choice.target.duration.unit.measure is Measure.ELAPSED_TIME:
        return None
    days = clock.choice.timeline.days
    return days.first_year <= now.year <= days.last_year and clock.choice.timeline.is_open(now)
