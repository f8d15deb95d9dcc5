"""CTR: a date that was promised to the customer, while its ledger is read (sla.md §3, rule 4).

The date is the owner's of the subject; here it is only measured. No pause, policy, calendar, tier or reopening
moves it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.sla.domain.catalogue import Choice
from services.sla.domain.clock_fold import ClockFold, Risk
from services.sla.domain.clock_status import RunState
from services.sla.domain.ledger import Entry
from services.sla.domain.metrics import Agreement, Metric, PauseCause
from services.sla.domain.policies import ClockKey
from services.sla.domain.units import Duration, Unit

_HOUR = timedelta(hours=1)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Promise:
    """`at`: when it took effect, which is when the customer had been told. `by` as far as the source says."""

    at: datetime
    committed_at: datetime
    reason: str | None
    by: str | None


class CommitmentFold(ClockFold):
    """One cycle of a CTR clock: one date, or several of which each was moved before it had passed."""

    def __init__(self, key: ClockKey, cycle: int, choice: Choice | None, tier: str | None) -> None:
        super().__init__(key, cycle, choice, tier)
        self.promises: list[Promise] = []

    @property
    def target(self) -> Duration | None:
        """From the first promise of the cycle to the date, in hours begun."""
        if not self.promises:
            return None
        hours = -((self.promises[0].at - self.promises[-1].committed_at) // _HOUR)
        return Duration(max(hours, 0), Unit.ELAPSED_HOURS)

    def pauses_for(self, wait: PauseCause | str | None) -> bool:
        return False

    def commit(self, entry: Entry, committed_at: datetime) -> str:
        """Promise the date, or move it to another one: the promise in force is the latest."""
        at = entry.occurred_at
        is_first = not self.has_begun
        if is_first:
            self.started_at = at
        assert self.started_at is not None
        self.promises.append(
            Promise(at, committed_at, entry.data.get("reason"), entry.data.get("committed_by"))
        )
        self.due_position = self.time.meter.measure(self.started_at, committed_at)
        self.risk = None
        if is_first:
            self._go(at, entry, None)
            return f"promised for {committed_at.isoformat()}"
        self._rearm(at)
        self._due_at = self._next_due()
        return f"promised anew for {committed_at.isoformat()}"

    def retarget(self, entry: Entry, choice: Choice | None, wait: str | None) -> str | None:
        """Another policy may warn others; the date stays, and so does the promise when no policy matches."""
        if choice is None or choice.is_same(self.choice):
            return None
        self._promise(choice)
        return "measured by another policy, for the same date" if self.has_begun else None

    def inherit(self, entry: Entry, due_at: datetime) -> str | None:
        """The earlier date of what was merged into the subject; also where nothing had been promised here."""
        if self.is_over or self.in_force:
            return None
        if self.promises and self.promises[-1].committed_at <= due_at:
            return None
        return self.commit(entry, due_at)

    def watch(self, resolution: ClockFold, start: datetime, end: datetime | None) -> None:
        """Note when, in [start, end), the projected end of `resolution` passes the date; once a promise.

        While the resolution clock stands still its end moves away with every second.
        """
        if self.risk is not None or not self.is_at_work or self.in_force or not self.promises:
            return
        date = self.promises[-1].committed_at
        end = date if end is None else min(end, date)
        projected = resolution.projected_end(start)
        if projected is None or start >= date:
            return
        if projected > date:
            self.risk = Risk(start, projected)
        elif resolution.run_state is RunState.PAUSED and start < end:
            self._watch_standing(resolution, date, start, end)

    def _watch_standing(self, resolution: ClockFold, date: datetime, start: datetime, end: datetime) -> None:
        """The first instant in (start, end) from which what is left no longer fits, by halving."""
        low, high = 0, (end - start) // _MICROSECOND
        while low < high:
            middle = (low + high) // 2
            projected = resolution.projected_end(start + middle * _MICROSECOND)
            if projected is not None and projected > date:
                high = middle
            else:
                low = middle + 1
        at = start + low * _MICROSECOND
        projected = resolution.projected_end(at)
        if at < end and projected is not None and projected > date:
            self.risk = Risk(at, projected)

    def _next_due(self) -> datetime | None:
        # The date itself, also where a resolution that did not hold stood in between.
        return self.time.instant_of(self.due_position, self.not_before)

    def _go_on(self, entry: Entry) -> None:
        """A date does not move: what was not resolved after all was never resolved by it."""
        assert self.ended_at is not None
        self.time.turn(self.ended_at, counts=True, cause=self.end_cause or "ended", entry_id=entry.id)
        self.fulfilled_at = self.ended_at = self.end_cause = None
        self._go(entry.occurred_at, entry, None)


@dataclass(frozen=True, slots=True)
class Standing:
    """All promises of one subject together. `kept_…` is None while that is open, or when it was given up."""

    first: Promise
    latest: Promise
    recommitments: int
    kept_first: bool | None
    kept_latest: bool | None


def standing(cycles: Sequence[ClockFold], now: datetime) -> Standing | None:
    """Attainment against the first and the latest promise; None when nothing was promised.

    Only a resolution by the first date keeps the first promise, whatever was promised afterwards.
    """
    promises = [one for cycle in cycles if isinstance(cycle, CommitmentFold) for one in cycle.promises]
    if not promises:
        return None
    last = cycles[-1]
    first, latest = promises[0], promises[-1]
    return Standing(first, latest, len(promises) - 1, _kept(first, last, now), _kept(latest, last, now))


def _kept(promise: Promise, last: ClockFold, now: datetime) -> bool | None:
    if last.fulfilled_at is not None:
        return last.fulfilled_at <= promise.committed_at
    until = now if last.ended_at is None else min(now, last.ended_at)
    return False if until > promise.committed_at else None


def watch_commitments(
    clocks: Mapping[ClockKey, Sequence[ClockFold]], start: datetime, end: datetime | None
) -> None:
    """Between two lines, nothing happening: does a promised date come into danger? (`end` None: no line more)"""
    if end is not None and end <= start:
        return  # lines of one instant: what was between them lasted no time
    for key, cycles in clocks.items():
        clock = cycles[-1]
        if isinstance(clock, CommitmentFold) and clock.is_at_work:
            resolution = _resolution(clocks, key)
            if resolution is not None:
                clock.watch(resolution, start, end)


def _resolution(clocks: Mapping[ClockKey, Sequence[ClockFold]], key: ClockKey) -> ClockFold | None:
    """The time to resolve that the date is held against: of its own agreement, else that of the customer's."""
    for agreement in (key.agreement, Agreement.SLA):
        cycles = clocks.get(ClockKey(agreement, Metric.RESOLUTION))
        if cycles and cycles[-1].is_at_work and cycles[-1].choice is not None:
            return cycles[-1]
    return None


def begin(key: ClockKey, cycle: int, choice: Choice | None, tier: str | None) -> ClockFold:
    """A cycle of the kind that its metric needs, not started."""
    kind = CommitmentFold if key.metric is Metric.COMMITTED_RESOLUTION else ClockFold
    return kind(key, cycle, choice, tier)
