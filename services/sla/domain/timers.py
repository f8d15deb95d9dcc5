"""Timers: alarms for the next threshold of each clock. The clock's plan decides; an alarm only asks."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.sla.domain.clock import Clock
from services.sla.domain.thresholds import Threshold, ThresholdKind


# Tuples: made by the thousand a second, at a third of what a frozen dataclass costs.
class Timer(NamedTuple):
    """When to ask which clock. `due_at` is when to look, which is the threshold's instant or later."""

    clock_id: UUID
    cycle: int
    subject_id: UUID
    kind: ThresholdKind
    level: int
    due_at: datetime
    generation: int

    @classmethod
    def of(cls, subject_id: UUID, clock: Clock, threshold: Threshold, at: datetime | None = None) -> "Timer":
        """The alarm for a threshold, at its instant unless said otherwise."""
        return cls(
            clock_id=clock.id,
            cycle=clock.cycle,
            subject_id=subject_id,
            kind=threshold.kind,
            level=threshold.level,
            due_at=at or threshold.at,
            generation=clock.generation,
        )

    def is_stale(self, clock: Clock | None) -> bool:
        """Whether the clock has changed since: then whoever changed it set the alarm anew."""
        return clock is None or clock.generation != self.generation


class Firing(NamedTuple):
    """One threshold that took effect: the journal in which each has its line once."""

    clock_id: UUID
    cycle: int
    subject_id: UUID
    kind: ThresholdKind
    level: int
    repeat: int
    arming: int
    threshold_at: datetime
    fired_at: datetime
    target: str
    is_digest: bool
