"""A clock as it is stored: what the fold gave last, what was published of it, and what is to fire."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from services.sla.domain import events
from services.sla.domain.clock_fold import ClockFold, Retarget
from services.sla.domain.clock_status import RunState
from services.sla.domain.ledger import Entry
from services.sla.domain.policies import ClockKey
from services.sla.domain.thresholds import Fired, Threshold, ThresholdKind, pending
from services.sla.domain.units import Duration
from shared.kernel.ids import derived_id

# What reports group and filter clocks by: the subject's facts when it was last heard of.
DESCRIBED = ("priority", "tier", "category", "channel", "queue")

# Why a promised date moved: by another promise, which has an event of its own.
RECOMMITMENT = "recommitment"


def clock_id_of(subject_id: UUID, key: ClockKey) -> UUID:
    """The same clock has the same id wherever and whenever it is computed."""
    return derived_id("clock", str(subject_id), key.agreement, key.metric)


class Said(NamedTuple):
    """An event to publish, without what the subject adds to it."""

    event: type[events.ClockEvent]
    facts: dict[str, object]
    threshold: Threshold | None = None
    """The threshold that took effect by it, for the journal."""


@dataclass
class Clock:
    """One cycle of one clock.

    generation  raised whenever the next threshold changes, so that older timers find nothing to do
    arming      raised by a retarget or a retraction, so that thresholds may fire once more
    armed_at    when that was
    published_breaches  due instants that were announced and not retracted, oldest first
    plan        thresholds to fire, in order
    """

    id: UUID
    key: ClockKey
    cycle: int
    policy_version_id: UUID
    calendar_version_id: UUID | None
    target: Duration
    started_at: datetime
    run_state: RunState = RunState.RUNNING
    due_at: datetime | None = None
    fulfilled_at: datetime | None = None
    ended_at: datetime | None = None
    breached_at: datetime | None = None
    warned_at: datetime | None = None
    due_position: int = 0
    rearmed_at: datetime | None = None
    generation: int = 0
    arming: int = 0
    armed_at: datetime | None = None
    published_breaches: list[datetime] = field(default_factory=list)
    fired: set[Fired] = field(default_factory=set)
    plan: tuple[Threshold, ...] = ()
    pauses: list[tuple[datetime, datetime | None]] = field(default_factory=list)
    retargets: list[Retarget] = field(default_factory=list)
    described: Mapping[str, str | None] = field(default_factory=lambda: dict.fromkeys(DESCRIBED))
    is_new: bool = True

    @classmethod
    def of(cls, subject_id: UUID, folded: ClockFold) -> "Clock":
        """A clock that begins; raises nothing, `folded` was promised and has started."""
        assert folded.last_choice is not None
        assert folded.target is not None
        assert folded.started_at is not None
        calendar = folded.last_choice.calendar
        return cls(
            id=clock_id_of(subject_id, folded.key),
            key=folded.key,
            cycle=folded.cycle,
            policy_version_id=folded.last_choice.version.id,
            calendar_version_id=None if calendar is None else calendar.id,
            target=folded.target,
            started_at=folded.started_at,
        )

    def follow(
        self, folded: ClockFold, cause: Entry, reason: str, *, gone: bool, now: datetime
    ) -> list[Said]:
        """Take over what the fold says now; the events that tell others, in order.

        `reason`: why a due date moved, if it did. A subject that is gone escalates nothing any more.
        """
        before = (self.run_state, self.due_at, self.started_at, self.policy_version_id, self.outcome)
        is_new, self.is_new = self.is_new, False
        self._copy(folded)
        said = [] if is_new else self._retract(folded, now)
        gone_by = self._breaches_gone_by(folded, gone, now)
        if is_new:
            self.armed_at = folded.rearmed_at
        elif (folded.rearmed_at, folded.due_position) != (self.rearmed_at, self.due_position):
            self._raise_arming(folded.rearmed_at or now)
        self.rearmed_at, self.due_position = folded.rearmed_at, folded.due_position
        if self._is_told_of_another_breach:
            self._raise_arming(folded.rearmed_at or now)
        said += [*self._moved(before, is_new, cause, reason), *gone_by]
        self.breached_at = min([*folded.breaches, *self.published_breaches], default=None)
        if self.outcome is not None and (is_new or self.outcome != before[4]):
            said.append(self._over())
        head = self.plan[:1]
        self.plan = () if gone else tuple(self._to_fire(folded))
        if self.plan[:1] != head:
            self.generation += 1
        return said

    def vanish(self, now: datetime) -> list[Said]:
        """The ledger, as it is known by now, never made this promise: what was told of it is taken back."""
        if self.run_state is RunState.CANCELLED and not self.published_breaches:
            return []
        false, self.published_breaches = self.published_breaches, []
        if false:
            self._raise_arming(now)
        self.run_state, self.ended_at, self.fulfilled_at = RunState.CANCELLED, now, None
        self.breached_at = self.due_at = None
        if self.plan:
            self.plan = ()
            self.generation += 1
        retracted = [Said(events.BreachRetracted, {"retracted_breached_at": at}) for at in false]
        return [*retracted, Said(events.ClockCancelled, {"cancelled_at": now})]

    @property
    def outcome(self) -> tuple[RunState, datetime | None, datetime | None] | None:
        """How it ended, or None."""
        if self.run_state not in (RunState.ENDED, RunState.CANCELLED):
            return None
        return self.run_state, self.fulfilled_at, self.breached_at

    def due_thresholds(self, up_to: datetime) -> list[Threshold]:
        return [threshold for threshold in self.plan if threshold.at <= up_to]

    def mark_fired(self, threshold: Threshold) -> None:
        """It took effect; it will not again in this arming."""
        self.fired.add(threshold.name)
        self.plan = tuple(other for other in self.plan if other is not threshold)
        if threshold.kind is ThresholdKind.BREACH:
            self.published_breaches.append(threshold.at)
            self.breached_at = min(self.published_breaches)
        elif threshold.kind is ThresholdKind.WARNING and self.warned_at is None:
            self.warned_at = threshold.at

    def is_late(self, threshold: Threshold, now: datetime, grace: timedelta) -> bool:
        """Whether it is too late to say it as if it had just been reached."""
        return now - threshold.at > grace

    @property
    def _is_told_of_another_breach(self) -> bool:
        """Whether this arming's breach was that of an earlier due date, so that the one of now needs another."""
        told = Fired(ThresholdKind.BREACH, 0, 0, self.arming) in self.fired
        return told and self.due_at is not None and self.due_at not in self.published_breaches

    def _to_fire(self, folded: ClockFold) -> Iterator[Threshold]:
        """What is pending, without a breach that was told already: late inputs may lead to the same due date."""
        for threshold in pending(folded, self.arming, self.armed_at, self.fired):
            if threshold.kind is not ThresholdKind.BREACH or threshold.at not in self.published_breaches:
                yield threshold

    def _copy(self, folded: ClockFold) -> None:
        assert folded.started_at is not None
        assert folded.run_state is not None
        if folded.choice is not None:
            self.policy_version_id = folded.choice.version.id
            calendar = folded.choice.calendar
            self.calendar_version_id = None if calendar is None else calendar.id
        if folded.target is not None:
            self.target = folded.target
        self.started_at = folded.started_at
        self.run_state = folded.run_state
        self.due_at = folded.due_at
        self.fulfilled_at = folded.fulfilled_at
        self.ended_at = folded.ended_at
        self.pauses = folded.time.pauses()
        self.retargets = list(folded.retargets)

    def _retract(self, folded: ClockFold, now: datetime) -> list[Said]:
        """Published breaches that the ledger no longer bears out."""
        true = set(folded.breaches)
        if folded.run_state is RunState.RUNNING and self.due_at is not None and self.due_at <= now:
            true.add(self.due_at)
        false = [breached_at for breached_at in self.published_breaches if breached_at not in true]
        if false:
            self.published_breaches = [at for at in self.published_breaches if at in true]
            self._raise_arming(now)
        return [Said(events.BreachRetracted, {"retracted_breached_at": at}) for at in false]

    def _raise_arming(self, at: datetime) -> None:
        self.arming += 1
        self.armed_at = at

    def _moved(
        self,
        before: tuple[RunState, datetime | None, datetime, UUID, object],
        is_new: bool,
        cause: Entry,
        reason: str,
    ) -> list[Said]:
        run_state, due_at, started_at, policy_version_id, _ = before
        at = cause.occurred_at
        paused, running = RunState.PAUSED, RunState.RUNNING
        if is_new or (started_at != self.started_at and self.outcome is None):
            said = [Said(events.ClockStarted, {"started_at": self.started_at})]
            return [*said, Said(events.ClockPaused, {"paused_at": at})] if self.run_state is paused else said
        said = []
        if policy_version_id != self.policy_version_id or (
            due_at != self.due_at and run_state is self.run_state and self.outcome is None
        ):
            if reason == RECOMMITMENT:
                why = cause.data.get("reason")
                said.append(Said(events.ClockRecommitted, {"previous_due_at": due_at, "reason": why}))
            else:
                said.append(Said(events.ClockRetargeted, {"previous_due_at": due_at, "reason": reason}))
        if run_state is not self.run_state:
            if self.run_state is paused:
                said.append(Said(events.ClockPaused, {"paused_at": at}))
            elif self.run_state is running:
                said.append(Said(events.ClockResumed, {"resumed_at": at}))
        return said

    def _breaches_gone_by(self, folded: ClockFold, gone: bool, now: datetime) -> list[Said]:
        """Breaches that no timer will announce any more, because the clock is over or was given another due date."""
        missing = [at for at in folded.breaches if at not in self.published_breaches]
        if missing and folded.in_force and folded.run_state in (RunState.RUNNING, RunState.PAUSED):
            missing.pop()  # the one in force is the timers' to announce, in due order
        if gone or not missing:
            return []
        self.published_breaches = sorted([*self.published_breaches, *missing])
        said = []
        for at in missing:
            threshold = Threshold(ThresholdKind.BREACH, 0, 0, self.arming, at, "", "due")
            is_first = threshold.name not in self.fired
            self.fired.add(threshold.name)
            facts: dict[str, object] = {"breached_at": at, "fired_at": now}
            said.append(Said(events.ClockBreached, facts, threshold if is_first else None))
        return said

    def _over(self) -> Said:
        if self.breached_at is not None:
            facts = {"fulfilled_at": self.fulfilled_at, "breached_at": self.breached_at}
            return Said(events.ClockMissed, dict(facts))
        if self.run_state is RunState.ENDED:
            return Said(events.ClockMet, {"fulfilled_at": self.fulfilled_at})
        return Said(events.ClockCancelled, {"cancelled_at": self.ended_at})
