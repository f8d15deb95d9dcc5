"""Fire due timers: lock the subjects, check the generation, let the domain decide, write everything, delete them.

One transaction: thresholds, events and timers change together or not at all. Timers do not overtake the events
that would have stopped them (horizon), nor those that wait behind a dead letter (parked subjects are held).
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.sla.domain.clock import Clock
from services.sla.domain.firing import Decision, decide
from services.sla.domain.storm_caps import Allowance, StormCaps
from services.sla.domain.subject import Subject
from services.sla.domain.thresholds import Threshold, ThresholdKind
from services.sla.persistence import firing_store, timer_store
from services.sla.persistence.timer_store import ClaimedTimer
from shared.db.work import Work
from shared.events.progress import horizon, parked_keys
from shared.kernel import failpoints

AFTER_CLAIM = failpoints.declare(
    "timers.after_claim", "claimed timers are pending again, nothing was written"
)
AFTER_FIRE = failpoints.declare(
    "timers.after_fire", "thresholds and events roll back, the timers are pending"
)
AFTER_DELETE = failpoints.declare("timers.after_delete", "thresholds, events and timers roll back together")

GROUP = "sla"


@dataclass(frozen=True, slots=True)
class FireTimers:
    """limit   at most so many timers at once
    sweeps  look below the low-water mark as well
    hold    how long timers of parked subjects wait until they are looked at again
    ignores_horizon  the consumer makes no progress any more: what is due fires, and may have to be retracted
    """

    limit: int
    caps: StormCaps
    hold: timedelta
    sweeps: bool = False
    ignores_horizon: bool = False


@dataclass
class Fired:
    """What was done: timers dealt with, and the thresholds that took effect.

    `first_due_at` is the earliest timer claimed, `horizon` up to when timers might fire (None: none was due);
    `is_catching_up` when something was past for long.
    """

    timers: int = 0
    first_due_at: datetime | None = None
    horizon: datetime | None = None
    is_catching_up: bool = False
    thresholds: list[Threshold] = field(default_factory=list)

    def add(self, other: "Fired") -> None:
        """Another batch, fired at the same time."""
        self.timers += other.timers
        self.first_due_at = min(filter(None, (self.first_due_at, other.first_due_at)), default=None)
        self.horizon = min(filter(None, (self.horizon, other.horizon)), default=None)
        self.is_catching_up |= other.is_catching_up
        self.thresholds += other.thresholds


async def fire_timers(command: FireTimers, work: Work, works: Callable[[], Work]) -> Fired:
    """Fire up to `limit` due timers. `works` gives each subject a `Work` of its own, so that its events are
    traced apart from those of others."""
    claimed = await timer_store.claim(work, work.now, limit=command.limit, sweeps=command.sweeps)
    return await fire_claimed(command, claimed, work, works)


async def fire_claimed(
    command: FireTimers, claimed: Sequence[ClaimedTimer], work: Work, works: Callable[[], Work]
) -> Fired:
    """Fire timers that this transaction has claimed, as far as the horizon lets it."""
    if not claimed:
        return Fired()
    failpoints.hit(AFTER_CLAIM)
    up_to = work.now if command.ignores_horizon else await horizon(work, GROUP, work.now)
    parked = await parked_keys(work, GROUP)
    held = [one.id for one in claimed if one.timer.subject_id in parked]
    if held:
        await timer_store.hold(work, held, work.now + command.hold)
    free = [one for one in claimed if one.timer.subject_id not in parked and one.timer.due_at <= up_to]
    subjects = await firing_store.lock_free(work, (one.timer for one in free))
    # Whoever holds a subject changes it right now: its timers are looked at again in the next round.
    ready = [one for one in free if one.timer.subject_id in subjects]
    fired = Fired(len(held) + len(ready), claimed[0].timer.due_at, up_to)
    if not ready:
        return fired
    allowance = await _allowance(command.caps, subjects, work)
    decided: dict[UUID, list[tuple[Clock, Decision]]] = defaultdict(list)
    for one in ready:
        subject = subjects[one.timer.subject_id]
        clock = subject.clock(one.timer.clock_id, one.timer.cycle)
        if clock is not None and not one.timer.is_stale(clock):
            decision = decide(one.timer, clock, subject.id, up_to=up_to, now=work.now, allowance=allowance)
            decided[subject.id].append((clock, decision))
            fired.thresholds += decision.thresholds
    fired.is_catching_up = any(
        work.now - threshold.at > command.caps.digest_after for threshold in fired.thresholds
    )
    for subject_id, decisions in sorted(decided.items(), key=_first_due):
        subject = subjects[subject_id]
        subject.fire(decisions, work.now)
        works().record(*subject.take_events())
    await firing_store.save(work, [subjects[subject_id] for subject_id in decided])
    failpoints.hit(AFTER_FIRE)
    await timer_store.delete(work, [one.id for one in ready])
    failpoints.hit(AFTER_DELETE)
    return fired


def _first_due(decided: tuple[UUID, list[tuple[Clock, Decision]]]) -> datetime:
    """Subjects whose breach came first are told of first."""
    announced = [threshold.at for _, decision in decided[1] for threshold in decision.announced]
    others = [threshold.at for _, decision in decided[1] for threshold in decision.thresholds]
    return min(announced or others, default=datetime.max.replace(tzinfo=UTC))


async def _allowance(caps: StormCaps, subjects: dict[UUID, Subject], work: Work) -> Allowance:
    """What is left of the storm caps; asked only where an escalation may be due."""
    escalating = [
        (subject.id, threshold.target)
        for subject in subjects.values()
        for clock in subject.clocks.values()
        for threshold in clock.due_thresholds(work.now)
        if threshold.kind is ThresholdKind.ESCALATION
    ]
    if not escalating:
        return Allowance(caps)
    since = caps.window_start(work.now)
    by_subject, by_target = await timer_store.escalations_since(
        work, since, [subject_id for subject_id, _ in escalating], [target for _, target in escalating]
    )
    return Allowance.after(caps, by_subject, by_target)
