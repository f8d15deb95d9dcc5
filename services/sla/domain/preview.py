"""What a draft would do to the clocks that are open: pure, one subject at a time, tallied in bounded memory."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.sla.domain.catalogue import Catalogue, Selection
from services.sla.domain.clock import clock_id_of
from services.sla.domain.clock_fold import ClockFold
from services.sla.domain.clock_status import RunState
from services.sla.domain.fold import SubjectFold, fold, opening_of
from services.sla.domain.ledger import APPLIED, Entry, EntryKind, in_order
from services.sla.domain.metrics import SubjectKind
from services.sla.domain.policies import ClockKey
from shared.kernel.ids import new_id

MOST_LISTED = 200
_HOUR, _DAY = 3_600, 86_400
# Upper edges of how far due dates move, in seconds; the last bucket has none.
EDGES = (
    -7 * _DAY, -_DAY, -4 * _HOUR, -_HOUR, -1, 0, _HOUR, 4 * _HOUR, _DAY, 7 * _DAY,
)  # fmt: skip
_SECOND = timedelta(seconds=1)


class Assumption(StrEnum):
    """What a preview takes for granted."""

    APPLIED_NOW = "applied_now"
    """The draft is applied retroactively now: what a job would do, rule 3 included."""
    IN_FORCE_FROM_START = "in_force_from_start"
    """It had been in force all along: how these clocks would stand."""


@dataclass(frozen=True, slots=True)
class OpenSubject:
    """What is needed of a subject to fold it."""

    id: UUID
    kind: SubjectKind
    revision: int
    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class Listed:
    """A clock named in the result."""

    clock_id: UUID
    subject_kind: SubjectKind
    subject_id: UUID
    key: ClockKey
    due_at_before: datetime | None
    due_at_after: datetime | None


@dataclass
class Tally:
    """Counts of clocks; `moves` by bucket of `EDGES`; lists up to `MOST_LISTED`.

    promised   clocks that only the draft promises; dropped: that nobody would promise any more
    undatable  clocks without a due date before or after (beyond the calendar's years)
    """

    subjects: int = 0
    clocks: int = 0
    unmoved: int = 0
    promised: int = 0
    dropped: int = 0
    undatable: int = 0
    moves: list[int] = field(default_factory=lambda: [0] * (len(EDGES) + 1))
    newly_breached: int = 0
    saved: int = 0
    breached_list: list[Listed] = field(default_factory=list)
    saved_list: list[Listed] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Another part of the same preview."""
        for name in (
            "subjects", "clocks", "unmoved", "promised", "dropped", "undatable", "newly_breached", "saved",
        ):  # fmt: skip
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.moves = [mine + theirs for mine, theirs in zip(self.moves, other.moves, strict=True)]
        for mine, theirs in (
            (self.breached_list, other.breached_list),
            (self.saved_list, other.saved_list),
        ):
            mine += theirs[: MOST_LISTED - len(mine)]


@dataclass(frozen=True, slots=True)
class _Standing:
    """How a clock stands at one instant; `due_at` as if a paused one went on now."""

    is_promised: bool
    due_at: datetime | None
    is_overdue: bool
    was_breached: bool


def preview(
    subjects: Sequence[OpenSubject],
    catalogue: Catalogue,
    draft_id: UUID,
    line: EntryKind,
    assumption: Assumption,
    now: datetime,
) -> Tally:
    """Of some subjects. `catalogue` holds the draft version as one more; `line` is the kind of line that would
    apply it."""
    tally = Tally()
    applying = Entry(new_id(), line, now, now, "sla", 0, new_id())
    for subject in subjects:
        opening = opening_of(subject.entries)
        if opening is None:
            continue
        tally.subjects += 1
        pinned = _Pinned(subject, opening.occurred_at, catalogue, draft_id)
        if assumption is Assumption.APPLIED_NOW:
            _applied_now(tally, subject, pinned, applying)
        else:
            _from_start(tally, subject, pinned, now)
    return tally


class _Pinned:
    """The selections under which a subject is folded: as it is, and with the draft."""

    def __init__(
        self, subject: OpenSubject, started_at: datetime, catalogue: Catalogue, draft_id: UUID
    ) -> None:
        self.now: dict[UUID, Selection] = {}
        self.all: dict[UUID, Selection] = {}
        self.base = catalogue.selection(started_at, subject.revision)
        self.drafted = catalogue.selection(started_at, subject.revision, (draft_id,))
        versions: tuple[UUID, ...] = ()
        lines = [entry for entry in subject.entries if entry.kind in APPLIED and "version_id" in entry.data]
        if not lines:
            self.then = self.drafted
            return
        for entry in in_order(lines):
            versions = (*versions, UUID(entry.data["version_id"]))
            self.now[entry.id] = catalogue.selection(started_at, subject.revision, versions)
            self.all[entry.id] = catalogue.selection(started_at, subject.revision, (draft_id, *versions))
        self.then = catalogue.selection(started_at, subject.revision, (*versions, draft_id))


def _applied_now(tally: Tally, subject: OpenSubject, pinned: _Pinned, applying: Entry) -> None:
    now = applying.occurred_at
    folded = fold(subject.kind, subject.entries, pinned.base, {**pinned.now, applying.id: pinned.then})
    if folded.gone:
        return
    for clock in _current(folded):
        clock.advance(now)
        before = _standing(clock, now)
        # What the fold would do at the line that applies the draft.
        choice = pinned.then.choose(folded.facts, clock.tier).get(clock.key)
        clock.retarget(applying, choice, folded.wait)
        after = _standing(clock, now)
        lifted = before.is_overdue and not after.is_overdue
        _count(tally, subject, clock.key, (before, after), after.is_overdue and not before.is_overdue, lifted)


def _from_start(tally: Tally, subject: OpenSubject, pinned: _Pinned, now: datetime) -> None:
    as_is = fold(subject.kind, subject.entries, pinned.base, pinned.now)
    as_if = fold(subject.kind, subject.entries, pinned.drafted, pinned.all)
    if as_is.gone:
        return
    mine = {clock.key: clock for clock in _current(as_is)}
    theirs = {clock.key: clock for clock in _current(as_if)}
    nothing = _Standing(False, None, False, False)
    for key in dict.fromkeys((*mine, *theirs)):
        before = _standing(mine[key], now) if key in mine else nothing
        after = _standing(theirs[key], now) if key in theirs else nothing
        breaks = after.was_breached and not before.was_breached
        _count(tally, subject, key, (before, after), breaks, before.was_breached and not after.was_breached)


def _current(folded: SubjectFold) -> list[ClockFold]:
    return [cycles[-1] for cycles in folded.clocks.values() if cycles[-1].is_at_work]


def _standing(clock: ClockFold, now: datetime) -> _Standing:
    if clock.choice is None:
        return _Standing(False, None, False, bool(clock.breaches))
    due_at = clock.due_at or clock.projected_end(now)
    is_overdue = clock.in_force or (
        clock.run_state is RunState.RUNNING and due_at is not None and due_at <= now
    )
    return _Standing(True, due_at, is_overdue, is_overdue or bool(clock.breaches))


def _count(
    tally: Tally,
    subject: OpenSubject,
    key: ClockKey,
    stands: tuple[_Standing, _Standing],
    breaks: bool,
    is_saved: bool,
) -> None:
    before, after = stands
    if not before.is_promised and not after.is_promised:
        return
    tally.clocks += 1
    if not before.is_promised:
        tally.promised += 1
    elif not after.is_promised:
        tally.dropped += 1
    elif before.due_at is None or after.due_at is None:
        tally.undatable += 1
    elif before.due_at == after.due_at:
        tally.unmoved += 1
    else:
        tally.moves[bisect_left(EDGES, (after.due_at - before.due_at) / _SECOND)] += 1
    for is_so, name, listed in (
        (breaks, "newly_breached", tally.breached_list),
        (is_saved, "saved", tally.saved_list),
    ):
        if is_so:
            setattr(tally, name, getattr(tally, name) + 1)
            if len(listed) < MOST_LISTED:
                clock_id = clock_id_of(subject.id, key)
                listed.append(Listed(clock_id, subject.kind, subject.id, key, before.due_at, after.due_at))
