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

    A breach, and a date at risk, is announced with its true instant however late. Warnings and escalations that
    are past go into a digest. When both are past, the breach is waited for, so that after an outage breaches come
    in due order and the digest is one. An escalation above the storm caps waits for the window's end, and so for
    a digest.
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
    waits = False
    for threshold in due:
        if threshold.kind in (ThresholdKind.BREACH, ThresholdKind.AT_RISK):
            decision.announced.append(threshold)
        elif _waits(threshold, subject_id, now, allowance):
            waits = True
        elif clock.is_late(threshold, now, caps.digest_after):
            decision.digested.append(threshold)
        else:
            if threshold.kind is ThresholdKind.ESCALATION:
                allowance.take(subject_id, threshold.target)
            decision.announced.append(threshold)
    decision.next_timer = _next_timer(clock, subject_id, due, caps.window_end(now) if waits else None)
    return decision


def _waits(threshold: Threshold, subject_id: UUID, now: datetime, allowance: Allowance) -> bool:
    """Whether an escalation of this window is above the caps, and so waits for the window's end."""
    if threshold.kind is not ThresholdKind.ESCALATION or allowance.has(subject_id, threshold.target):
        return False
    return allowance.caps.window_start(threshold.at) == allowance.caps.window_start(now)


def _next_timer(
    clock: Clock, subject_id: UUID, due: list[Threshold], window_end: datetime | None
) -> Timer | None:
    """For what lies ahead, or for the window's end where something waits for it; whichever is first."""
    ahead = next((threshold for threshold in clock.plan if threshold not in due), None)
    if window_end is not None and (ahead is None or window_end < ahead.at):
        return Timer.of(subject_id, clock, due[-1], window_end)
    return None if ahead is None else Timer.of(subject_id, clock, ahead)
