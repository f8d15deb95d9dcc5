"""The backtest: every incident folded under the policies, its outcomes counted, the log's own verdict beside."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from careloop.backtest.catalogue import YEARS_AFTER, read_catalogue
from careloop.backtest.ledgers import ledger_of
from careloop.backtest.made_sla import Reason, read_made_sla, reason_for
from careloop.sample.history import Incident, UnreadableHistoryError
from careloop.sample.readers import read_incidents
from services.sla.domain.catalogue import Catalogue
from services.sla.domain.clock_fold import ClockFold
from services.sla.domain.clock_status import ClockState
from services.sla.domain.fold import SubjectFold
from services.sla.domain.ledger import Entry
from services.sla.domain.metrics import Metric, SubjectKind
from services.sla.domain.pinned import fold_pinned
from services.sla.domain.subject_view import view

GROUPS = ("queue", "priority", "category", "channel")
_SECOND = timedelta(seconds=1)


@dataclass
class Attainment:
    """Outcomes of one metric, or of one metric in one group."""

    met: int = 0
    missed: int = 0
    cancelled: int = 0
    running: int = 0

    @property
    def share(self) -> float | None:
        """Met of those decided, to four places; None where none is."""
        decided = self.met + self.missed
        return round(self.met / decided, 4) if decided else None


@dataclass(frozen=True, slots=True)
class Miss:
    """A promise that was broken. `late_seconds` from due to done on the wall clock; None while it still runs."""

    incident: str
    agreement: str
    metric: str
    cycle: int
    group: str | None
    priority: str | None
    started_at: datetime
    due_at: datetime | None
    breached_at: datetime
    fulfilled_at: datetime | None
    late_seconds: float | None


@dataclass
class Comparison:
    """Our verdict on resolution and the log's: `matrix` by (ours, theirs); `reasons` why they are not the same,
    `places` where, by (group, reason)."""

    matrix: Counter[tuple[str, str]] = field(default_factory=Counter)
    reasons: Counter[Reason] = field(default_factory=Counter)
    places: Counter[tuple[str, Reason]] = field(default_factory=Counter)
    examples: dict[Reason, list[str]] = field(default_factory=lambda: defaultdict(list))


@dataclass
class Backtest:
    """`as_of` is the log's last instant. `by_group` by (agreement, metric, group); `mapping` what the log's rows
    became; `comparison` is None where the log has no verdict of its own."""

    as_of: datetime
    group_by: str
    incidents: int = 0
    by_metric: dict[tuple[str, str], Attainment] = field(default_factory=dict)
    by_group: dict[tuple[str, str, str], Attainment] = field(default_factory=dict)
    misses: list[Miss] = field(default_factory=list)
    mapping: Counter[str] = field(default_factory=Counter)
    comparison: Comparison | None = None


def backtest(
    log: Path, policy_file: Path, calendar_file: Path | None, *, group_by: str = "queue", examples: int = 5
) -> Backtest:
    """Run it. Raises `UnreadableHistoryError`, `UnreadableFileError` and what policies and calendars raise."""
    incidents = read_incidents(log)
    theirs = read_made_sla(log)
    instants = [at for one in incidents for at in (one.opened_at, one.updates[-1].at)]
    if not instants:
        raise UnreadableHistoryError(f"{log} has no incident")
    first, as_of = min(instants), max(instants)
    years = range(first.year - 1, as_of.year + YEARS_AFTER)
    catalogue = read_catalogue(policy_file, calendar_file, years)
    result = Backtest(as_of, group_by, comparison=Comparison() if theirs else None)
    for incident in incidents:
        entries = ledger_of(incident, result.mapping)
        folded = _fold(entries, catalogue)
        result.incidents += 1
        _count(result, incident, folded)
        if result.comparison is not None and incident.number in theirs:
            group = folded.facts.value(group_by, folded.tier) or "-"
            one = incident, entries, theirs[incident.number], group
            _compare(result.comparison, one, catalogue, as_of, examples)
    result.misses.sort(key=lambda miss: (miss.breached_at, miss.incident, miss.metric))
    return result


def _fold(entries: Sequence[Entry], catalogue: Catalogue) -> SubjectFold:
    return fold_pinned(SubjectKind.TICKET, entries, catalogue, catalogue.revision)


def _count(result: Backtest, incident: Incident, folded: SubjectFold) -> None:
    facts = folded.facts
    group = facts.value(result.group_by, folded.tier)
    for clock in folded.started():
        shown = view(clock, result.as_of)
        key = str(clock.key.agreement), str(clock.key.metric)
        for counted in (
            result.by_metric.setdefault(key, Attainment()),
            result.by_group.setdefault((*key, group or "-"), Attainment()),
        ):
            _add(counted, shown.state)
        if shown.breached_at is not None:
            late = None
            if shown.due_at is not None and clock.fulfilled_at is not None:
                late = (clock.fulfilled_at - shown.due_at) / _SECOND
            result.misses.append(
                Miss(
                    incident.number,
                    *key,
                    clock.cycle,
                    group,
                    facts.priority,
                    clock.started_at or incident.opened_at,
                    shown.due_at,
                    shown.breached_at,
                    clock.fulfilled_at,
                    late,
                )
            )


def _add(counted: Attainment, state: ClockState) -> None:
    name = {
        ClockState.MET: "met",
        ClockState.MISSED: "missed",
        ClockState.OVERDUE: "missed",
        ClockState.OVERDUE_PAUSED: "missed",
        ClockState.CANCELLED: "cancelled",
    }.get(state, "running")
    setattr(counted, name, getattr(counted, name) + 1)


def _compare(
    comparison: Comparison,
    one: tuple[Incident, Sequence[Entry], bool, str],
    catalogue: Catalogue,
    as_of: datetime,
    examples: int,
) -> None:
    incident, entries, theirs, group = one

    def verdict(ledger: Sequence[Entry]) -> bool | None:
        return _verdict(_resolutions(_fold(ledger, catalogue)), as_of)

    resolutions = _resolutions(_fold(entries, catalogue))
    ours = _verdict(resolutions, as_of)
    said = {True: "met", False: "missed", None: "open"}
    comparison.matrix[said[ours] if resolutions else "not promised", said[theirs]] += 1
    if ours is theirs:
        return
    if not resolutions:
        reason = Reason.NOT_PROMISED
    elif ours is None:
        reason = Reason.NOT_OVER
    else:
        reason = reason_for(entries, theirs, verdict)
    comparison.reasons[reason] += 1
    comparison.places[group, reason] += 1
    if len(comparison.examples[reason]) < examples:
        comparison.examples[reason].append(incident.number)


def _resolutions(folded: SubjectFold) -> list[ClockFold]:
    return [clock for clock in folded.started() if clock.key.metric is Metric.RESOLUTION]


def _verdict(resolutions: Sequence[ClockFold], as_of: datetime) -> bool | None:
    """Kept, broken (in any cycle or agreement), or None while it is open or was given up."""
    states = {view(clock, as_of).state for clock in resolutions}
    if states & {ClockState.MISSED, ClockState.OVERDUE, ClockState.OVERDUE_PAUSED}:
        return False
    return True if states == {ClockState.MET} else None
