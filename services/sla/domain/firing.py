"""What is to be done when a timer of a clock goes off. Decides; the subject says it and the worker stores it."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.sla.domain.clock import Clock
from services.sla.domain.storm_caps import Allowance
from services.sla.domain.thresholds import Threshold, ThresholdKind
from services.sla.domain.timers import Timer


@dataclass
class Decision:
    """`announced` get an event each, `past` and `capped` become lines of their targets' digests; then `next_timer`."""

    announced: list[Threshold] = field(default_factory=list)
    past: list[Threshold] = field(default_factory=list)
    capped: list[Threshold] = field(default_factory=list)
    next_timer: Timer | None = None

    @property
    def thresholds(self) -> list[Threshold]:
        """All that take effect."""
        return [*self.announced, *self.past, *self.capped]


def decide(
    timer: Timer, clock: Clock, subject_id: UUID, *, up_to: datetime, now: datetime, allowance: Allowance
) -> Decision:
    """Thresholds of `clock` up to `up_to` (the horizon), each announced or told in a digest.

    A breach, and a date at risk, is announced with its true instant however late. Warnings and escalations that
    are past go into a digest, and so do escalations above the storm caps, whenever they were due: the caps are
    those of the window in which they fire. When warning and breach are both past, the breach is waited for, so
    that after an outage breaches come in due order.
    """
    caps = allowance.caps
    due = clock.due_thresholds(up_to)
    breach = next((threshold for threshold in due if threshold.kind is ThresholdKind.BREACH), None)
    if (
        breach is not None
        and timer.kind in (ThresholdKind.WARNING, ThresholdKind.AT_RISK)
        and clock.is_late(breach, now, caps.digest_after)
    ):
        return Decision(next_timer=Timer.of(subject_id, clock, breach))
    decision = Decision()
    for threshold in due:
        if threshold.kind in (ThresholdKind.BREACH, ThresholdKind.AT_RISK):
            decision.announced.append(threshold)
        elif clock.is_late(threshold, now, caps.digest_after):
            decision.past.append(threshold)
        elif threshold.kind is ThresholdKind.ESCALATION and not allowance.take(subject_id, threshold.target):
            decision.capped.append(threshold)
        else:
            decision.announced.append(threshold)
    ahead = next((threshold for threshold in clock.plan if threshold not in due), None)
    decision.next_timer = None if ahead is None else Timer.of(subject_id, clock, ahead)
    return decision
