"""Thresholds: the points on a clock's scale at which something is to be said, each of them once (rule 8)."""

from collections.abc import Collection, Iterator
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from services.sla.domain.clock_fold import ClockFold
from services.sla.domain.clock_status import RunState
from services.sla.domain.policies import Target


class ThresholdKind(StrEnum):
    """In the order in which they fire at one instant."""

    WARNING = "warning"
    AT_RISK = "at_risk"
    """A promised date will not be kept as things stand."""
    BREACH = "breach"
    ESCALATION = "escalation"


_RANK = {kind: rank for rank, kind in enumerate(ThresholdKind)}


class Fired(NamedTuple):
    """Within a clock and cycle, what names a threshold. `repeat` counts an escalation's repetitions from 0."""

    kind: ThresholdKind
    level: int
    repeat: int
    arming: int


class Threshold(NamedTuple):
    """One that is still to fire, at a definite instant. `target` is whom it is for, `label` how it is written."""

    kind: ThresholdKind
    level: int
    repeat: int
    arming: int
    at: datetime
    target: str
    label: str

    @property
    def name(self) -> Fired:
        return Fired(self.kind, self.level, self.repeat, self.arming)

    @property
    def order(self) -> tuple[datetime, int, int, int]:
        return self.at, _RANK[self.kind], self.level, self.repeat


class _Rung(NamedTuple):
    kind: ThresholdKind
    level: int
    repeat: int
    position: int
    target: str
    label: str


def pending(
    clock: ClockFold, arming: int, armed_at: datetime | None, fired: Collection[Fired]
) -> tuple[Threshold, ...]:
    """What is still to fire, in order, as far as its instant is certain; nothing once the clock is over.

    `armed_at`: when the arming was raised last. What lies behind it and was said before in this cycle is not
    said again, and of the warnings behind it only the last is said at all.
    """
    if clock.run_state not in (RunState.RUNNING, RunState.PAUSED) or clock.choice is None:
        return ()
    said_before = {(name.kind, name.level, name.repeat) for name in fired}
    found = _at_risk(clock, arming, armed_at, fired, said_before)
    behind: Threshold | None = None
    for rung in _ladder(clock.choice.target, clock.due_position):
        is_warning = rung.kind is ThresholdKind.WARNING
        at = clock.time.instant_of(rung.position, clock.rearmed_at if is_warning else clock.not_before)
        name = Fired(rung.kind, rung.level, rung.repeat, arming)
        if at is None or name in fired:
            continue
        threshold = Threshold(*name, at, rung.target, rung.label)
        if armed_at is None or armed_at < at or rung.kind is ThresholdKind.BREACH:
            found.append(threshold)
        elif rung.kind is ThresholdKind.WARNING:
            behind = threshold
        elif name[:3] not in said_before:
            found.append(threshold)
    if behind is not None and behind.name[:3] not in said_before:
        found.append(behind)
    return tuple(sorted(found, key=lambda threshold: threshold.order))


def _at_risk(
    clock: ClockFold,
    arming: int,
    armed_at: datetime | None,
    fired: Collection[Fired],
    said_before: Collection[tuple[ThresholdKind, int, int]],
) -> list[Threshold]:
    """`label` is when the resolution was due as things stood."""
    if clock.risk is None:
        return []
    name = Fired(ThresholdKind.AT_RISK, 0, 0, arming)
    is_behind = armed_at is not None and clock.risk.at < armed_at
    if name in fired or (is_behind and name[:3] in said_before):
        return []
    return [Threshold(*name, clock.risk.at, "", clock.risk.projected_at.isoformat())]


def _ladder(target: Target, due: int) -> Iterator[_Rung]:
    """Warnings by position, then the breach, then escalations."""
    warnings = []
    for level, warning in enumerate(target.warn_at, 1):
        position = warning.position(due, target.duration)
        if 0 < position < due:
            warnings.append(_Rung(ThresholdKind.WARNING, level, 0, position, warning.notify, str(warning)))
    yield from sorted(warnings, key=lambda rung: rung.position)
    yield _Rung(ThresholdKind.BREACH, 0, 0, due, "", "due")
    unit = target.duration.unit
    for level, escalation in enumerate(target.escalations, 1):
        for repeat in range(1 + escalation.repeat_cap):
            offset = unit.position(escalation.offset + repeat * (escalation.repeat_every or 0))
            label = f"{escalation.offset} after due"
            yield _Rung(ThresholdKind.ESCALATION, level, repeat, due + offset, escalation.target, label)
