"""What one subject's ledger gives to reports."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.sla.domain.clock_fold import ClockFold
from services.sla.domain.clock_status import ClockState, RunState
from services.sla.domain.commitment_fold import Standing, standing
from services.sla.domain.fold import SubjectFold
from services.sla.domain.ledger import EntryKind
from services.sla.domain.metrics import Metric
from services.sla.domain.reports.causes import BreachContext, context_of
from services.sla.domain.subject_view import view
from services.sla.domain.units import MICROSECONDS, Measure

_UNITS = {
    Measure.BUSINESS_TIME: "business_seconds",
    Measure.ELAPSED_TIME: "elapsed_seconds",
    Measure.BUSINESS_DAYS: "business_days",
    Measure.CALENDAR_DAYS: "calendar_days",
}


@dataclass(frozen=True, slots=True)
class CycleFact:
    """One cycle of one clock as it stands.

    described  what it may be grouped by
    unit       of `passed`: seconds or days of the clock's own meter, or None without a policy
    passed     what the clock has counted
    breach     how the subject stood when it was breached, if it was
    """

    described: Mapping[str, str | None]
    started_at: datetime
    state: ClockState
    is_open: bool
    is_fulfilled: bool
    unit: str | None
    passed: float
    breached_at: datetime | None
    breach: BreachContext | None


@dataclass(frozen=True, slots=True)
class CommitmentFact:
    """The dates promised to the customer of one subject, together."""

    described: Mapping[str, str | None]
    promised_at: datetime
    standing: Standing


@dataclass(frozen=True, slots=True)
class SubjectFact:
    """How one subject went. `first_contact`: resolved by one answer at most, with nothing more from the customer
    in between, and never reopened."""

    described: Mapping[str, str | None]
    opened_at: datetime
    resolved: bool
    ever_resolved: bool
    first_contact: bool
    reopenings: int
    given_up: bool


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """All that a subject gives; `subject` is None before it is opened."""

    cycles: list[CycleFact]
    commitments: list[CommitmentFact]
    subject: SubjectFact | None


def facts_of(folded: SubjectFold, at: datetime) -> LedgerFacts:
    """Of a fold of the lines that are known, judged at an instant."""
    facts = folded.facts
    described = {
        "subject_kind": folded.subject_kind.value,
        "priority": facts.priority or facts.severity,
        "tier": folded.tier,
        "category": facts.category,
        "channel": facts.channel,
        "queue": facts.queue,
    }
    return LedgerFacts(
        cycles=[_cycle(folded, clock, described, at) for clock in folded.started()],
        commitments=_commitments(folded, described, at),
        subject=None if folded.opened_at is None else _subject(folded, described, folded.opened_at),
    )


def _cycle(
    folded: SubjectFold, clock: ClockFold, described: Mapping[str, str | None], at: datetime
) -> CycleFact:
    shown = view(clock, at)
    assert clock.started_at is not None
    unit, passed = None, 0.0
    policy = None
    if clock.choice is not None:
        version = clock.choice.version
        policy = f"{version.name} version {version.number}"
        measure = clock.choice.target.duration.unit.measure
        unit = _UNITS[measure]
        end = max(clock.started_at, at if clock.ended_at is None else clock.ended_at)
        position = clock.time.position(end)
        passed = position / MICROSECONDS if unit.endswith("seconds") else float(position)
    return CycleFact(
        described={
            **described,
            "metric": clock.key.metric.value,
            "agreement": clock.key.agreement.value,
            "policy_version": policy,
        },
        started_at=clock.started_at,
        state=shown.state,
        is_open=clock.run_state in (RunState.RUNNING, RunState.PAUSED),
        is_fulfilled=clock.run_state is RunState.ENDED and clock.fulfilled_at is not None,
        unit=unit,
        passed=passed,
        breached_at=shown.breached_at,
        breach=None if shown.breached_at is None else context_of(folded.lines, clock, shown.breached_at),
    )


def _commitments(
    folded: SubjectFold, described: Mapping[str, str | None], at: datetime
) -> list[CommitmentFact]:
    found = []
    for key, cycles in folded.clocks.items():
        stands = standing(cycles, at) if key.metric is Metric.COMMITTED_RESOLUTION else None
        if stands is not None:
            facts = {**described, "metric": key.metric.value, "agreement": key.agreement.value}
            found.append(CommitmentFact(facts, stands.first.at, stands))
    return found


_RESOLVES = frozenset({EntryKind.RESOLVED, EntryKind.CLOSED})
_GIVES_UP = frozenset({EntryKind.CANCELLED, EntryKind.WITHDRAWN, EntryKind.DELETED, EntryKind.MERGED})
_ANSWERS = frozenset({EntryKind.REPLIED, EntryKind.RESPONDED})


def _subject(folded: SubjectFold, described: Mapping[str, str | None], opened_at: datetime) -> SubjectFact:
    resolved = ever_resolved = given_up = False
    answers = messages = reopenings = 0
    for line in folded.lines:
        entry = line.entry
        if entry.occurred_at < opened_at or given_up:
            continue
        if entry.kind in _RESOLVES:
            resolved = ever_resolved = True
        elif entry.kind is EntryKind.REOPENED:
            reopenings += resolved
            resolved = False
        elif entry.kind in _GIVES_UP and not resolved:
            given_up = True
        elif not ever_resolved:
            messages += entry.kind is EntryKind.CUSTOMER_REPLIED
            answers += entry.kind in _ANSWERS and not entry.data.get("automatic")
    return SubjectFact(
        described=described,
        opened_at=opened_at,
        resolved=resolved,
        ever_resolved=ever_resolved,
        first_contact=resolved and not reopenings and answers <= 1 and not messages,
        reopenings=reopenings,
        given_up=given_up,
    )
