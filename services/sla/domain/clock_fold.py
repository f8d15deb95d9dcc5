"""One cycle of one clock while its ledger is read: the rules of sla.md §3, one method an input."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.sla.domain.catalogue import Choice
from services.sla.domain.clock_status import RunState
from services.sla.domain.ledger import Entry
from services.sla.domain.meters import ElapsedMeter, meter_of
from services.sla.domain.metrics import DEFAULTS, OnReopen, PauseCause
from services.sla.domain.policies import ClockKey
from services.sla.domain.running_time import RunningTime
from services.sla.domain.units import Duration

RUNNING = "running"
NO_POLICY = "no policy matches"


@dataclass(frozen=True, slots=True)
class Retarget:
    """A change to another target: when, what counted before (None: no policy matched), and the new target's
    notice in its own unit."""

    at: datetime
    previous: Duration | None
    previous_calendar: str | None
    notice: float


class Risk(NamedTuple):
    """`at`: the first instant at which the projected end lay behind the promised date."""

    at: datetime
    projected_at: datetime


class ClockFold:
    """What the inputs read so far make of the clock.

    due_position  where on the clock's own scale it is due: the target, or more after a retarget with notice
    breaches      due instants that passed while the clock ran, each before a later input
    in_force      whether the due date that counts now is among them
    rearmed_at    when the last retarget or restart took effect
    not_before    before which the due date does not lie, whatever the position says
    earlier       the running times that restarts put behind the clock, oldest first
    risk          since when, or from when on, a promised date is at risk (`commitment_fold`)
    last_choice   the target that counts, or counted last
    was_promised  whether a policy ever asked for it; without one it is followed, so that a policy that
                  begins to match finds the time and the pauses already taken
    """

    def __init__(self, key: ClockKey, cycle: int, choice: Choice | None, tier: str | None) -> None:
        self.key = key
        self.cycle = cycle
        self.choice = choice
        self.tier = tier
        self.was_promised = choice is not None
        self.last_choice = choice
        self.started_at: datetime | None = None
        self.fulfilled_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.end_cause: str | None = None
        self.due_position = 0 if choice is None else choice.target.duration.position
        self.breaches: list[datetime] = []
        self.in_force = False
        self.rearmed_at: datetime | None = None
        self.not_before: datetime | None = None
        self.retargets: list[Retarget] = []
        self.time = RunningTime(ElapsedMeter())
        self.earlier: list[RunningTime] = []
        self.risk: Risk | None = None
        self._state: RunState | None = None
        self._due_at: datetime | None = None
        # Where each target that was left would have been due, and since when it has not counted.
        self._left: dict[tuple[Duration, UUID | None], tuple[int, datetime]] = {}

    @property
    def run_state(self) -> RunState | None:
        """None before the start. A clock that no policy asks for any more is cancelled, until one does."""
        if self.choice is None and self._state is not None:
            return RunState.CANCELLED
        return self._state

    @property
    def target(self) -> Duration | None:
        """What is promised, or was last; None where no policy ever did."""
        return None if self.last_choice is None else self.last_choice.target.duration

    @property
    def has_begun(self) -> bool:
        return self._state is not None

    @property
    def is_at_work(self) -> bool:
        """Whether it runs or stands still, rather than being over or not begun."""
        return self._state is RunState.RUNNING or self._state is RunState.PAUSED

    @property
    def is_over(self) -> bool:
        return self._state in (RunState.ENDED, RunState.CANCELLED)

    @property
    def due_at(self) -> datetime | None:
        """The due instant. Absent while paused before it; of an ended clock, as it was at its end."""
        if self.choice is None or self.started_at is None:
            return None
        reached = self.time.instant_of(self.due_position, self.not_before)
        if reached is None and self.is_over and self.ended_at is not None:
            left = self.due_position - self.time.position(self.ended_at)
            reached = self.time.meter.reach(self.ended_at, left)
        return reached

    def pauses_for(self, wait: PauseCause | str | None) -> bool:
        """Whether this clock stands still in that state; a wait of unknown cause pauses what any wait pauses."""
        pauses = DEFAULTS[self.key.metric].pauses_on if self.choice is None else self.choice.target.pauses
        return wait is not None and (wait in pauses or (wait == "waiting" and bool(pauses)))

    def advance(self, at: datetime) -> None:
        """Let time pass up to `at`, exclusive: the input at `at` comes before a threshold at `at`."""
        if self._due_at is not None and self._due_at < at and not self.in_force:
            self.breaches.append(self._due_at)
            self.in_force = True

    def start(self, entry: Entry, wait: str | None) -> str:
        at = entry.occurred_at
        self.started_at = at
        if self.choice is not None:
            self.time.use(meter_of(self.choice.target.duration.unit, self.choice.timeline, at))
        self._go(at, entry, wait)
        return "started" if self._state is RunState.RUNNING else "started paused"

    def wait_changed(self, entry: Entry, wait: str | None) -> str | None:
        """Pause or go on; None when neither."""
        if not self.is_at_work or self.pauses_for(wait) == (self._state is RunState.PAUSED):
            return None
        self._go(entry.occurred_at, entry, wait)
        return "paused" if self._state is RunState.PAUSED else "resumed"

    def fulfil(self, entry: Entry) -> str:
        self._end(entry, RunState.ENDED)
        self.fulfilled_at = entry.occurred_at
        return "fulfilled"

    def cancel(self, entry: Entry) -> str:
        self._end(entry, RunState.CANCELLED)
        return "cancelled"

    def start_late(self, since: Entry, entry: Entry) -> str:
        """Begin at `since`, which counts only now: with notice, as after a retarget."""
        said = self.start(since, None)
        if self.choice is not None:
            at = entry.occurred_at
            floor = self.time.position(at) + self.choice.target.notice_position
            self.due_position = max(self.due_position, floor)
            self._rearm(at)
            self._due_at = self._next_due()
        return said

    def reopen(self, entry: Entry) -> str | None:
        """Continue or restart a cycle that is over; a new cycle is made by the subject."""
        reopening = self._reopening
        if not self.is_over or reopening not in (OnReopen.CONTINUE, OnReopen.RESTART):
            return None
        if DEFAULTS[self.key.metric].repeats and self._state is RunState.ENDED:
            return None  # what was fulfilled is not wanted again; what comes next is a new cycle
        if reopening is OnReopen.CONTINUE:
            self._go_on(entry)
            return "reopened"
        self.fulfilled_at = self.ended_at = self.end_cause = None
        self.earlier.append(self.time)
        self.time = RunningTime(self.time.meter)
        self.retargets = []
        self._left = {}
        self._rearm(entry.occurred_at)
        if self.choice is not None:
            self.due_position = self.choice.target.duration.position
        self.start(entry, None)
        return "restarted"

    def _go_on(self, entry: Entry) -> None:
        """With what was left; the time it stood ended does not count."""
        assert self.ended_at is not None
        self.time.turn(self.ended_at, counts=False, cause=self.end_cause or "ended", entry_id=entry.id)
        self.fulfilled_at = self.ended_at = self.end_cause = None
        self._go(entry.occurred_at, entry, None)

    @property
    def wants_new_cycle(self) -> bool:
        return self.is_over and self._reopening is OnReopen.NEW_CYCLE

    def projected_end(self, at: datetime) -> datetime | None:
        """When it is due if it runs from `at` on; an instant before `at` when that has passed."""
        if not self.is_at_work:
            return None
        if self._state is RunState.PAUSED:
            return self.time.meter.reach(at, max(self.due_position - self.time.position(at), 0))
        return self.time.reaches(self.due_position, self.not_before)

    def retarget(self, entry: Entry, choice: Choice | None, wait: str | None) -> str | None:
        """Another target counts from now on (rule 3): due = the later of the refolded due date and now + notice,
        which lifts no promise that was made before (see `_floor`).

        Pauses already taken stay. None when nothing changes for this clock.
        """
        at = entry.occurred_at
        previous = self.choice
        if choice is None:
            self._leave(at)
            self.choice = self._due_at = None
            self.was_promised = self.was_promised and self.has_begun
            return None if previous is None else f"cancelled: {NO_POLICY}"
        if self.started_at is None:
            self._promise(choice)
            self.due_position = choice.target.duration.position
            return None if choice.is_same(previous) else "retargeted before the start"
        if not choice.times_like(previous):
            self._retime(at, previous, choice)
        elif choice.is_same(previous):
            return None
        self._promise(choice)
        if self.pauses_for(wait) != (self._state is RunState.PAUSED):
            self._go(at, entry, wait)
        self._due_at = self._next_due()
        return "retargeted"

    def inherit(self, entry: Entry, due_at: datetime) -> str | None:
        """Rule 6: the earlier due date of what was merged into the subject, never before the merge."""
        if not self.is_at_work or self.choice is None:
            return None
        at = entry.occurred_at
        due_at = max(at, due_at)
        mine = self.projected_end(at)
        if self.in_force or (mine is not None and mine <= due_at):
            return None
        self.due_position = min(
            self.due_position, self.time.position(at) + self.time.meter.within(at, due_at)
        )
        self._rearm(at)
        if self._state is RunState.RUNNING:
            self.not_before = due_at
        self._due_at = self._next_due()
        return "inherited an earlier due date"

    def _promise(self, choice: Choice) -> None:
        self.choice = self.last_choice = choice
        self.was_promised = True

    def _leave(self, at: datetime) -> None:
        """The target of now counts no more; where it was due is remembered, should it come back."""
        if self.choice is not None and self.is_at_work and not self.in_force:
            self._left[self.choice.timing] = self.due_position, at

    def _retime(self, at: datetime, previous: Choice | None, choice: Choice) -> None:
        assert self.started_at is not None
        self._leave(at)
        promised = self.projected_end(at) if self.was_promised and not self.in_force else None
        measured = self.time.meter
        self.time.use(meter_of(choice.target.duration.unit, choice.timeline, self.started_at))
        target = choice.target.duration
        floor, not_before = self._floor(at, choice, promised, type(measured) is type(self.time.meter))
        self.due_position = max(target.position, floor)
        self._note_retarget(at, previous, choice)
        self._rearm(at)
        self.not_before = not_before

    def _floor(
        self, at: datetime, choice: Choice, promised: datetime | None, is_same_measure: bool
    ) -> tuple[int, datetime]:
        """How far the clock must at least get after a retarget, and before when it is not due.

        That is the notice, but a notice gives no more than the promise before it left (`promised`, None when
        it was broken or there was none), and no target that comes back gives more than it did, the time
        apart in which it did not count: else any change of priority would buy time.
        """
        position, notice = self.time.position(at), choice.target.notice_position
        floor = position + notice
        left = self._left.get(choice.timing)
        if left is not None:
            due_position, left_at = left
            floor = min(floor, due_position + self.time.passed_since(left_at, at))
        if promised is None:
            return floor, at
        is_paused = self._state is RunState.PAUSED
        if is_paused and not is_same_measure:
            return floor, at  # what is left in one unit says nothing about the other while time stands still
        promised = max(promised, at)
        reached = self.time.meter.reach(at, max(floor - position, 0))
        floor = min(floor, position + self.time.meter.within(at, promised))
        if is_paused:
            return floor, at
        # Another unit or calendar may have no position at that very instant: the instant itself counts then.
        return floor, promised if reached is None else max(at, min(promised, reached))

    @property
    def _reopening(self) -> OnReopen:
        return DEFAULTS[self.key.metric].on_reopen if self.choice is None else self.choice.target.reopening

    def _note_retarget(self, at: datetime, previous: Choice | None, choice: Choice) -> None:
        notice = choice.target.duration.unit.amount(choice.target.notice_position)
        if previous is None:
            self.retargets.append(Retarget(at, None, None, notice))
            return
        calendar = None if previous.calendar is None else previous.calendar.name
        self.retargets.append(Retarget(at, previous.target.duration, calendar, notice))

    def _go(self, at: datetime, entry: Entry, wait: str | None) -> None:
        stands_still = self.pauses_for(wait)
        cause = str(wait) if stands_still else RUNNING
        self.time.turn(at, counts=not stands_still, cause=cause, entry_id=entry.id)
        self._state = RunState.PAUSED if stands_still else RunState.RUNNING
        self._due_at = self._next_due()

    def _next_due(self) -> datetime | None:
        if self.choice is None:
            return None
        return self.time.reaches(self.due_position, self.not_before)

    def _end(self, entry: Entry, state: RunState) -> None:
        self.time.close(entry.occurred_at)
        self._state = state
        self._due_at = None
        self.ended_at = entry.occurred_at
        self.end_cause = entry.kind.value

    def _rearm(self, at: datetime) -> None:
        self.rearmed_at = self.not_before = at
        self.in_force = False
