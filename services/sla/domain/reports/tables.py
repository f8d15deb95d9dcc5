"""Tables: facts counted by group. Memory is bounded by the groups, and by one number a clock for percentiles."""

from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from services.sla.domain.clock_status import ClockState
from services.sla.domain.reports.errors import ReportTooLargeError
from services.sla.domain.reports.facts import CommitmentFact, CycleFact, LedgerFacts, SubjectFact
from services.sla.domain.reports.periods import Period

MOST_GROUPS = 5_000
PERCENTILES = (50, 90, 95)
PERIOD = "period"
Value = str | int | float | None
Row = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Scope:
    """What is counted, and by what: starts in [start_at, end_at), only those that `wanted` names, by the names of
    `group_by` and, when there is a `period`, by that first."""

    start_at: datetime
    end_at: datetime
    zone: ZoneInfo
    group_by: tuple[str, ...]
    period: Period | None = None
    wanted: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        return self.group_by if self.period is None else (PERIOD, *self.group_by)

    def has(self, at: datetime, described: Mapping[str, str | None]) -> bool:
        return self.start_at <= at < self.end_at and all(
            described.get(name) == value for name, value in self.wanted.items() if name in described
        )

    def group(self, at: datetime, described: Mapping[str, str | None]) -> tuple[str | None, ...]:
        """The values of the columns."""
        values = tuple(described.get(name) for name in self.group_by)
        return values if self.period is None else (self.period.of(at, self.zone), *values)


class Table(Protocol):
    """Of one report. `rows` are in the order of their groups, each with a value for every column."""

    @property
    def columns(self) -> list[str]: ...

    def add(self, facts: LedgerFacts) -> None: ...

    def rows(self) -> list[Row]: ...


class _Grouped:
    """Counts by group."""

    grouped: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._groups: dict[tuple[str | None, ...], dict[str, int]] = {}

    @property
    def columns(self) -> list[str]:
        """Groups, then counts, then what is worked out from them."""
        return [*self.scope.columns, *self.grouped, *self.counted, *self.derived]

    def _of(self, group: tuple[str | None, ...]) -> dict[str, int]:
        found = self._groups.get(group)
        if found is None:
            if len(self._groups) >= MOST_GROUPS:
                raise ReportTooLargeError(f"The report would have more than {MOST_GROUPS} rows.")
            found = self._groups[group] = dict.fromkeys(self.counted, 0)
        return found

    def _named(self) -> Iterable[tuple[Row, dict[str, int]]]:
        names = (*self.scope.columns, *self.grouped)
        for group in sorted(self._groups, key=lambda group: [(one is None, one or "") for one in group]):
            yield dict(zip(names, group, strict=True)), self._groups[group]


class AttainmentTable(_Grouped):
    """Promises kept and missed. A breach is a miss from its instant on, also of clocks that still run.

    `attainment` is the share kept of those that were decided. Giving up what would have been missed improves it,
    so `attainment_of_promised` stands beside it: there, what was given up counts as not kept.
    """

    counted = ("clocks", "met", "missed", "cancelled", "open", "open_breached")
    derived = ("attainment", "attainment_of_promised")

    def add(self, facts: LedgerFacts) -> None:
        for cycle in facts.cycles:
            if self.scope.has(cycle.started_at, cycle.described):
                counts = self._of(self.scope.group(cycle.started_at, cycle.described))
                is_breached = cycle.breached_at is not None
                counts["clocks"] += 1
                counts["met"] += cycle.state is ClockState.MET
                counts["missed"] += is_breached
                counts["cancelled"] += cycle.state is ClockState.CANCELLED
                counts["open"] += cycle.is_open
                counts["open_breached"] += cycle.is_open and is_breached

    def rows(self) -> list[Row]:
        return [{**group, **counts, **attainment_of(counts)} for group, counts in self._named()]


class DurationTable(_Grouped):
    """How long fulfilled clocks took, by their own meters: nearest-rank percentiles, so each is a real case."""

    grouped = ("unit",)
    counted = ("clocks",)
    derived = (*(f"p{percent}" for percent in PERCENTILES), "mean", "longest")

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self._values: dict[tuple[Value, ...], array[float]] = {}

    def add(self, facts: LedgerFacts) -> None:
        for cycle in facts.cycles:
            if cycle.is_fulfilled and self._has(cycle):
                group = (*self.scope.group(cycle.started_at, cycle.described), cycle.unit)
                self._of(group)["clocks"] += 1
                self._values.setdefault(group, array("d")).append(cycle.passed)

    def rows(self) -> list[Row]:
        rows: list[Row] = []
        for group, counts in self._named():
            values = sorted(self._values[tuple(group.values())])
            ranked = {f"p{percent}": percentile(values, percent) for percent in PERCENTILES}
            mean = round(sum(values) / len(values), 3)
            rows.append({**group, **counts, **ranked, "mean": mean, "longest": values[-1]})
        return rows

    def _has(self, cycle: CycleFact) -> bool:
        return cycle.unit is not None and self.scope.has(cycle.started_at, cycle.described)


class BreachTable(_Grouped):
    """Breaches by cause, and how the subject stood then."""

    counted = ("breaches", "open")

    def add(self, facts: LedgerFacts) -> None:
        for cycle in facts.cycles:
            if cycle.breach is None or not self.scope.has(cycle.started_at, cycle.described):
                continue
            stood = {
                "queue_at_breach": cycle.breach.queue,
                "priority_at_breach": cycle.breach.priority,
                "cause": cycle.breach.cause.value,
            }
            counts = self._of(self.scope.group(cycle.started_at, {**cycle.described, **stood}))
            counts["breaches"] += 1
            counts["open"] += cycle.is_open

    def rows(self) -> list[Row]:
        return [{**group, **counts} for group, counts in self._named()]


class CommitmentTable(_Grouped):
    """Dates promised to customers: promised anew, and kept by the first and by the latest promise."""

    counted = (
        "promised",
        "recommitted",
        "recommitments",
        "kept_first",
        "missed_first",
        "kept_latest",
        "missed_latest",
    )
    derived = ("attainment_first", "attainment_latest")

    def add(self, facts: LedgerFacts) -> None:
        for one in facts.commitments:
            if self.scope.has(one.promised_at, one.described):
                self._count(one)

    def rows(self) -> list[Row]:
        return [
            {
                **group,
                **counts,
                "attainment_first": share(
                    counts["kept_first"], counts["kept_first"] + counts["missed_first"]
                ),
                "attainment_latest": share(
                    counts["kept_latest"], counts["kept_latest"] + counts["missed_latest"]
                ),
            }
            for group, counts in self._named()
        ]

    def _count(self, one: CommitmentFact) -> None:
        counts = self._of(self.scope.group(one.promised_at, one.described))
        stands = one.standing
        counts["promised"] += 1
        counts["recommitted"] += stands.recommitments > 0
        counts["recommitments"] += stands.recommitments
        counts["kept_first"] += stands.kept_first is True
        counts["missed_first"] += stands.kept_first is False
        counts["kept_latest"] += stands.kept_latest is True
        counts["missed_latest"] += stands.kept_latest is False


class ResolutionTable(_Grouped):
    """Of the subjects opened: resolved (and not reopened since), at first contact, reopened.

    Everything opened is in the denominator, so that cancelling or merging improves no rate.
    """

    counted = ("opened", "resolved", "ever_resolved", "first_contact", "reopened", "reopenings", "given_up")
    derived = ("resolution_rate", "first_contact_rate", "reopen_rate")

    def add(self, facts: LedgerFacts) -> None:
        one = facts.subject
        if one is not None and self.scope.has(one.opened_at, one.described):
            self._count(one)

    def rows(self) -> list[Row]:
        return [
            {
                **group,
                **counts,
                "resolution_rate": share(counts["resolved"], counts["opened"]),
                "first_contact_rate": share(counts["first_contact"], counts["ever_resolved"]),
                "reopen_rate": share(counts["reopened"], counts["ever_resolved"]),
            }
            for group, counts in self._named()
        ]

    def _count(self, one: SubjectFact) -> None:
        counts = self._of(self.scope.group(one.opened_at, one.described))
        counts["opened"] += 1
        counts["resolved"] += one.resolved
        counts["ever_resolved"] += one.ever_resolved
        counts["first_contact"] += one.first_contact
        counts["reopened"] += one.reopenings > 0
        counts["reopenings"] += one.reopenings
        counts["given_up"] += one.given_up


_SUBJECT = ("subject_kind", "priority", "tier", "category", "channel", "queue")
_CLOCK = ("metric", "agreement", *_SUBJECT, "policy_version")


@dataclass(frozen=True, slots=True)
class Kind:
    """A report that can be asked for: its table, what it may be grouped and narrowed by, and how it is usually."""

    table: Callable[[Scope], Table]
    names: tuple[str, ...]
    usual: tuple[str, ...]


KINDS: Mapping[str, Kind] = {
    "attainment": Kind(AttainmentTable, _CLOCK, ("metric", "priority", "tier")),
    "durations": Kind(DurationTable, _CLOCK, ("metric",)),
    "breaches": Kind(
        BreachTable, (*_CLOCK, "cause", "queue_at_breach", "priority_at_breach"), ("metric", "cause")
    ),
    "commitments": Kind(CommitmentTable, ("agreement", *_SUBJECT), ("subject_kind",)),
    "resolution": Kind(ResolutionTable, _SUBJECT, ("subject_kind",)),
}


def share(part: int, whole: int) -> float | None:
    """Rounded to four places; None of nothing."""
    return round(part / whole, 4) if whole else None


def percentile(ordered: list[float], percent: int) -> float:
    """Nearest rank: the least value that at least `percent` of 100 do not exceed."""
    return ordered[max(-(-len(ordered) * percent // 100) - 1, 0)]


def attainment_of(counts: Mapping[str, int]) -> Row:
    """Both shares of `AttainmentTable`, of its counts; None where nothing is over."""
    met, decided = counts["met"], counts["met"] + counts["missed"]
    return {
        "attainment": share(met, decided),
        "attainment_of_promised": share(met, decided + counts["cancelled"]),
    }
