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
    """`announced` get an event each, `digested` become lines of a digest, `next_timer` is set in place of this one."""

    announced: list[Threshold] = field(default_factory=list)
    digested: list[Threshold] = field(default_factory=list)
    next_timer: Timer | None = None


def decide(
    timer: Timer, clock: Clock, subject_id: UUID, *, up_to: datetime, now: datetime, allowance: Allowance
) -> Decision:
    """Thresholds of `clock` up to `up_to` (the horizon), each announced or digested; the rest waits.

    A breach is announced with its true instant however late. Warnings and escalations that are past go into a
    digest. When both are past, the breach is waited for, so that after an outage breaches come in due order
    and the digest is one. An escalation above the storm caps waits for the window's end, and so for a digest.
    """
    caps = allowance.caps
    due = clock.due_thresholds(up_to)
    breach = next((threshold for threshold in due if threshold.kind is ThresholdKind.BREACH), None)
    if (
        breach is not None
        and timer.kind is ThresholdKind.WARNING
        and clock.is_late(breach, now, caps.digest_after)
    ):
        return Decision(next_timer=Timer.of(subject_id, clock, breach))
    decision = Decision()
    deferred: Threshold | None = None
    for threshold in due:
        if threshold.kind is ThresholdKind.BREACH:
            decision.announced.append(threshold)
        elif clock.is_late(threshold, now, caps.digest_after):
            decision.digested.append(threshold)
        elif threshold.kind is ThresholdKind.WARNING or allowance.take(subject_id, threshold.target):
            decision.announced.append(threshold)
        else:
            deferred = deferred or threshold
    ahead = next((threshold for threshold in clock.plan if threshold not in due), None)
    if deferred is not None:
        decision.next_timer = Timer.of(subject_id, clock, deferred, caps.window_end(now))
    elif ahead is not None:
        decision.next_timer = Timer.of(subject_id, clock, ahead)
    return decision
