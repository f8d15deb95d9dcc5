"""The fold: a subject's ledger read from its first line, giving every clock. Pure and total.

Same lines, same pinned versions, same dates, in whatever order the lines arrived. A line that does not apply is
kept and marked *no effect*; there is no error.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from services.sla.domain.catalogue import Choice, Selection
from services.sla.domain.clock_fold import ClockFold
from services.sla.domain.commitment_fold import CommitmentFold, begin, watch_commitments
from services.sla.domain.ledger import APPLIED, Entry, EntryKind, in_order
from services.sla.domain.matching import PROMISED_BY, Facts
from services.sla.domain.metrics import DEFAULTS, LIVE_CHANNELS, Metric, OnTierChange, SubjectKind
from services.sla.domain.policies import ClockKey
from services.sla.domain.tier_history import TierHistory

BEFORE_START = "no effect: before the start"
AFTER_END = "no effect: the subject is gone"
NO_EFFECT = "no effect"

# After these nothing about the subject counts any more.
GONE = frozenset({EntryKind.DELETED, EntryKind.MERGED})
ANSWERS = frozenset({EntryKind.REPLIED, EntryKind.RESPONDED, EntryKind.RESOLVED})
GIVEN_UP = frozenset({EntryKind.CANCELLED, EntryKind.WITHDRAWN, EntryKind.CLOSED}) | GONE
_FACTS: Mapping[EntryKind, tuple[str, ...]] = {
    EntryKind.CLASSIFIED: ("kind", "category", "queue"),
    EntryKind.PRIORITISED: ("priority",),
    EntryKind.SEVERITY_ASSESSED: ("severity",),
    EntryKind.ASSIGNED: ("queue",),
    EntryKind.TRANSFERRED: ("queue",),
}


@dataclass(frozen=True, slots=True)
class Line:
    """An entry with what it did to each clock that it concerned; without any it had no effect."""

    entry: Entry
    effects: Mapping[ClockKey, str]
    note: str | None

    @property
    def effect(self) -> str:
        if not self.effects:
            return self.note or NO_EFFECT
        return "; ".join(f"{key.agreement} {key.metric}: {effect}" for key, effect in self.effects.items())


@dataclass
class SubjectFold:
    """What the ledger says. `clocks` holds every cycle, the current one last.

    `unanswered` is the first message of the customer, the opening one aside, since a person answered.
    """

    subject_kind: SubjectKind
    facts: Facts
    tier: str | None = None
    opened_at: datetime | None = None
    wait: str | None = None
    gone: bool = False
    resolved: bool = False
    closed: bool = False
    unanswered: Entry | None = None
    clocks: dict[ClockKey, list[ClockFold]] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)

    def started(self) -> Iterable[ClockFold]:
        """Every promised cycle that began, in order of key and cycle."""
        return (
            cycle
            for cycles in self.clocks.values()
            for cycle in cycles
            if cycle.was_promised and cycle.run_state is not None
        )


def opening_of(entries: Iterable[Entry]) -> Entry | None:
    """The line that starts the subject: its first opening."""
    return next((entry for entry in in_order(entries) if entry.kind is EntryKind.OPENED), None)


def fold(
    subject_kind: SubjectKind,
    entries: Iterable[Entry],
    selection: Selection | None,
    applied: Mapping[UUID, Selection] = MappingProxyType({}),
) -> SubjectFold:
    """Read the ledger. `selection` holds the policies of the subject's start (None: not started yet), `applied`
    those that hold after each line by which a later version was applied, by the line's id."""
    ordered = in_order(entries)
    reading = _Reading(subject_kind, ordered, selection, applied)
    for entry in ordered:
        reading.read(entry)
    if ordered:
        watch_commitments(reading.subject.clocks, ordered[-1].occurred_at, None)
    return reading.subject


class _Reading:
    def __init__(
        self,
        kind: SubjectKind,
        ordered: list[Entry],
        selection: Selection | None,
        applied: Mapping[UUID, Selection],
    ) -> None:
        self.subject = SubjectFold(kind, Facts(kind))
        self._selection = selection
        self._applied = applied
        self._tiers = TierHistory(ordered)
        self._effects: dict[ClockKey, str] = {}
        self._read_until: datetime | None = None

    def read(self, entry: Entry) -> None:
        self._effects = {}
        note = None
        subject = self.subject
        if subject.gone:
            note = AFTER_END
        elif entry.kind is EntryKind.CORRECTED:
            note = f"moves line {entry.data['entry_id']} to {entry.data['occurred_at']}"
        elif subject.opened_at is None:
            note = self._before_start(entry)
        else:
            if self._read_until is not None:
                watch_commitments(subject.clocks, self._read_until, entry.occurred_at)
            for clock in self._current():
                clock.advance(entry.occurred_at)
            self._apply(entry)
        self._read_until = entry.occurred_at
        subject.lines.append(Line(entry, self._effects, note))

    def _before_start(self, entry: Entry) -> str | None:
        if entry.kind is EntryKind.TIER_CHANGED:
            return "tier at the start, unless a later line says otherwise"
        if entry.kind is not EntryKind.OPENED or self._selection is None:
            return BEFORE_START
        self._open(entry)
        return None

    def _open(self, entry: Entry) -> None:
        subject, data = self.subject, entry.data
        subject.opened_at = entry.occurred_at
        customer = data.get("customer_id")
        names = (*PROMISED_BY, "priority", "severity", "category", "kind", "queue", "channel")
        subject.facts = Facts(
            subject.subject_kind,
            UUID(customer) if customer else None,
            **{name: data.get(name) for name in names},
        )
        subject.tier = self._tiers.at(customer, entry.occurred_at)
        assert self._selection is not None
        chosen = self._selection.choose(subject.facts, subject.tier)
        # What a version applied later promises is followed from the start, with the pauses taken until then.
        later = (key for one in self._applied.values() for key in one.keys(subject.subject_kind))
        for key in dict.fromkeys((*self._selection.keys(subject.subject_kind), *later)):
            subject.clocks[key] = [begin(key, 1, chosen.get(key), subject.tier)]
        state = data.get("state", "new")
        if state in ("resolved", "closed", "cancelled"):
            # Created finished: there is nothing to measure unless it is reopened.
            subject.resolved = True
            subject.closed = state != "resolved"
            return
        subject.wait = "waiting" if state == "waiting" else None
        self._signal(entry, EntryKind.OPENED)
        if state == "in_progress":
            self._signal(entry, EntryKind.WORK_STARTED)
        if subject.facts.channel in LIVE_CHANNELS:
            for clock in self._current():
                if DEFAULTS[clock.key.metric].met_on_live_channel and clock.is_at_work:
                    self._note(clock, clock.fulfil(entry))

    def _apply(self, entry: Entry) -> None:
        kind = entry.kind
        if kind in _FACTS:
            self._facts_changed(entry)
        elif kind is EntryKind.CUSTOMER_CHANGED:
            self._customer_changed(entry)
        elif kind is EntryKind.TIER_CHANGED:
            self._tier_changed(entry)
        elif kind is EntryKind.INHERITED:
            self._inherit(entry)
        elif kind in (EntryKind.COMMITTED, EntryKind.RECOMMITTED):
            self._commit(entry)
        elif kind is EntryKind.REOPENED:
            self._reopen(entry)
        elif kind in APPLIED:
            self._selection = self._applied.get(entry.id, self._selection)
            self._reselect(entry)
        self._follow_wait(entry)
        if kind is EntryKind.REPLIED and entry.data.get("automatic"):
            return
        if kind is EntryKind.CUSTOMER_REPLIED and self.subject.unanswered is None:
            self.subject.unanswered = entry
        elif kind in ANSWERS:
            self.subject.unanswered = None
        self.subject.resolved = self.subject.resolved or kind is EntryKind.RESOLVED
        if kind is not EntryKind.OPENED:
            self._signal(entry, kind)
        if kind in GIVEN_UP:
            self._give_up(entry)

    def _facts_changed(self, entry: Entry) -> None:
        said = {name: entry.data[name] for name in _FACTS[entry.kind] if entry.data.get(name) is not None}
        if entry.kind is EntryKind.CLASSIFIED:
            said["category"] = entry.data.get("category")
        known = self.subject.facts
        if any(getattr(known, name) != value for name, value in said.items()):
            self.subject.facts = replace(known, **said)
            self._reselect(entry)

    def _customer_changed(self, entry: Entry) -> None:
        customer = entry.data["customer_id"]
        self.subject.facts = replace(self.subject.facts, customer_id=UUID(customer))
        assert self.subject.opened_at is not None
        self.subject.tier = self._tiers.at(customer, self.subject.opened_at)
        later = self._tiers.at(customer, entry.occurred_at)
        for clock in self._current():
            follows = clock.choice is not None and clock.choice.target.on_tier_change is OnTierChange.RETARGET
            clock.tier = later if follows else self.subject.tier
        self._reselect(entry)

    def _tier_changed(self, entry: Entry) -> None:
        if entry.data["customer_id"] != str(self.subject.facts.customer_id):
            return
        for clock in self._current():
            if clock.choice is not None and clock.choice.target.on_tier_change is OnTierChange.RETARGET:
                clock.tier = entry.data["tier"]
        self._reselect(entry)

    def _inherit(self, entry: Entry) -> None:
        due_at = datetime.fromisoformat(entry.data["due_at"])
        for clock in self._current():
            agreement, metric = clock.key
            if (agreement, metric) != (entry.data["agreement"], entry.data["metric"]):
                continue
            if DEFAULTS[metric].repeats and not clock.is_at_work and not self._is_settled:
                # What nobody has answered there is to be answered here.
                clock = self._begin(clock, entry)
            self._note(clock, clock.inherit(entry, due_at))

    def _commit(self, entry: Entry) -> None:
        """A date that has passed is missed for good: another promise after it is a new cycle (rule 4)."""
        if self._is_settled:
            return
        committed_at = datetime.fromisoformat(entry.data["committed_at"])
        for clock in self._current():
            if not isinstance(clock, CommitmentFold):
                continue
            if clock.in_force or clock.is_over:
                if clock.is_at_work:
                    self._note(clock, clock.cancel(entry))
                following = CommitmentFold(clock.key, clock.cycle + 1, self._choice(clock), clock.tier)
                self.subject.clocks[clock.key].append(following)
                self._note(following, f"cycle {following.cycle} {following.commit(entry, committed_at)}")
            else:
                self._note(clock, clock.commit(entry, committed_at))

    def _reopen(self, entry: Entry) -> None:
        subject = self.subject
        subject.closed = subject.resolved = False
        subject.wait = None
        for clock in self._current():
            if clock.run_state is None and EntryKind.OPENED in (
                clock.choice.target.starts if clock.choice else ()
            ):
                self._note(clock, clock.start(entry, None))
            elif clock.wants_new_cycle:
                self._begin(clock, entry)
            else:
                self._note(clock, clock.reopen(entry))
            if clock.key.metric is Metric.NEXT_RESPONSE and subject.unanswered and not clock.is_at_work:
                # What the customer wrote after the resolution was no thank-you, since it is open again.
                self._begin(clock, entry, subject.unanswered)
        # What changed while a clock was over counts from its reopening on.
        self._reselect(entry)

    def _begin(self, clock: ClockFold, entry: Entry, since: Entry | None = None) -> ClockFold:
        """Start the clock, or its next cycle, by `entry`; `since` an earlier line that counts only now."""
        started = clock
        if clock.has_begun:
            started = begin(clock.key, clock.cycle + 1, self._choice(clock), clock.tier)
            self.subject.clocks[clock.key].append(started)
        said = started.start(entry, self.subject.wait) if since is None else started.start_late(since, entry)
        self._note(started, said if started is clock else f"cycle {started.cycle} {said}")
        return started

    @property
    def _is_settled(self) -> bool:
        return self.subject.resolved or self.subject.closed

    def _follow_wait(self, entry: Entry) -> None:
        wait = self._wait_after(entry)
        if wait == self.subject.wait:
            return
        self.subject.wait = wait
        if entry.kind in GIVEN_UP or entry.kind is EntryKind.RESOLVED:
            return  # a clock that ends now ends in the state it was in
        for clock in self._current():
            self._note(clock, clock.wait_changed(entry, wait))

    def _wait_after(self, entry: Entry) -> str | None:
        if entry.kind is EntryKind.WAITING:
            return f"waiting_on_{entry.data['waiting_on']}"
        if entry.kind in (EntryKind.RESUMED, EntryKind.WORK_STARTED, EntryKind.RESOLVED, EntryKind.CLOSED):
            return None
        if entry.kind is EntryKind.CUSTOMER_REPLIED and self.subject.wait != "waiting_on_third_party":
            return None  # the cause of the wait is gone, whatever the subject's state is called
        return self.subject.wait

    def _signal(self, entry: Entry, kind: EntryKind) -> None:
        for clock in self._current():
            target = clock.choice.target if clock.choice is not None else None
            defaults = DEFAULTS[clock.key.metric]
            starts = defaults.starts_on if target is None else target.starts
            stops = defaults.stops_on if target is None else target.stops
            if clock.is_at_work and kind in stops:
                self._note(clock, clock.fulfil(entry))
            elif clock.is_at_work and kind is EntryKind.RESOLVED:
                # It goes on, but what the subject was waiting for is over.
                self._note(clock, clock.wait_changed(entry, None))
            if kind not in starts or clock.is_at_work:
                continue
            if not clock.has_begun if not defaults.repeats else not self._is_settled:
                self._begin(clock, entry)

    def _give_up(self, entry: Entry) -> None:
        self.subject.closed = True
        self.subject.gone = entry.kind in GONE
        for clock in self._current():
            if clock.is_at_work:
                self._note(clock, clock.cancel(entry))

    def _reselect(self, entry: Entry) -> None:
        """Each clock at work gets the target that its subject now matches."""
        for clock in self._current():
            if not clock.is_over:
                self._note(clock, clock.retarget(entry, self._choice(clock), self.subject.wait))

    def _choice(self, clock: ClockFold) -> Choice | None:
        assert self._selection is not None
        return self._selection.choose(self.subject.facts, clock.tier).get(clock.key)

    def _current(self) -> list[ClockFold]:
        return [cycles[-1] for cycles in self.subject.clocks.values()]

    def _note(self, clock: ClockFold, effect: str | None) -> None:
        if effect is not None:
            said = self._effects.get(clock.key)
            self._effects[clock.key] = effect if said is None else f"{said}; {effect}"
