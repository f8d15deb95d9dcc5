"""Policies as they are written: from their JSON form to matches and targets, with every fault named by field."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, TypeVar

from services.sla.domain.errors import InvalidPolicyError
from services.sla.domain.ledger import EntryKind
from services.sla.domain.matching import PROMISED_BY
from services.sla.domain.metrics import (
    DEFAULTS,
    STARTS,
    STOPS,
    Agreement,
    Metric,
    OnReopen,
    OnTierChange,
    PauseCause,
    SubjectKind,
)
from services.sla.domain.policies import Escalation, Match, Target, WarningLevel
from services.sla.domain.units import MICROSECONDS, Duration, Unit
from shared.kernel.errors import FieldError, InvalidInputError

E = TypeVar("E", bound=StrEnum)

MOST_WARNINGS = 10
MOST_ESCALATIONS = 10
MOST_REPEATS = 50
LONGEST_DAYS = 3_660
_SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True)
class PolicyContent:
    """What one version of a policy says, apart from when it holds."""

    agreement: Agreement
    match: Match
    targets: Mapping[Metric, Target]


def read_policy(document: Mapping[str, Any]) -> PolicyContent:
    """Read the JSON form (as the API takes it, and as it is stored).

    Raises `InvalidPolicyError` with a field error for everything that is wrong.
    """
    faults: list[FieldError] = []
    agreement = _one(Agreement, document.get("agreement"), "agreement", faults)
    match = _read_match(document.get("match") or {}, faults)
    targets = _read_targets(document, match, faults)
    if faults or agreement is None or match is None:
        raise refused(faults)
    return PolicyContent(agreement, match, targets)


def refused(faults: Sequence[FieldError]) -> InvalidInputError:
    """The error of these faults, the first of which is its detail."""
    return InvalidPolicyError(faults[0].message, field_errors=faults)


def _read_match(written: Mapping[str, Any], faults: list[FieldError]) -> Match | None:
    kind = _one(SubjectKind, written.get("subject_kind"), "match.subject_kind", faults)
    if kind is None:
        return None
    names = [field.name for field in fields(Match) if field.name != "subject_kind"]
    given = {name: frozenset(str(value) for value in written.get(name) or ()) for name in names}
    # Left out unseen, an unknown condition would make the policy one for everybody.
    faults += [
        FieldError(f"match.{name}", "unknown", f"There is no condition {name}.")
        for name in sorted(written.keys() - {*names, "subject_kind"})
    ]
    is_complaint = kind is SubjectKind.COMPLAINT
    absent = {"severity": not is_complaint, **dict.fromkeys(("priority", *PROMISED_BY), is_complaint)}
    for name, is_absent in absent.items():
        if given[name] and is_absent:
            message = f"Subjects of kind {kind} have no {name}."
            faults.append(FieldError(f"match.{name}", "subject_kind", message))
    return Match(kind, **given)


def _read_targets(
    document: Mapping[str, Any], match: Match | None, faults: list[FieldError]
) -> dict[Metric, Target]:
    written = document.get("targets") or ()
    if not written:
        faults.append(FieldError("targets", "required", "A policy needs at least one target."))
    targets: dict[Metric, Target] = {}
    for place, one in enumerate(written):
        path = f"targets[{place}]"
        target = _read_target(one, path, faults)
        if target is None:
            continue
        if target.metric in targets:
            faults.append(FieldError(f"{path}.metric", "unique", f"{target.metric} has a target already."))
        if match is not None and match.subject_kind not in DEFAULTS[target.metric].subject_kinds:
            message = f"A {match.subject_kind} has no {target.metric}."
            faults.append(FieldError(f"{path}.metric", "subject_kind", message))
        if target.duration.unit.needs_calendar and document.get("calendar_id") is None:
            message = f"{target.duration.unit} needs a calendar."
            faults.append(FieldError("calendar_id", "required", message))
        targets[target.metric] = target
    return targets


def _read_target(written: Mapping[str, Any], path: str, faults: list[FieldError]) -> Target | None:
    metric = _one(Metric, written.get("metric"), f"{path}.metric", faults)
    if metric is Metric.COMMITTED_RESOLUTION:
        return _read_commitment(written, path, faults)
    unit = _one(Unit, written.get("unit"), f"{path}.unit", faults)
    if metric is None or unit is None:
        return None
    duration = _read_duration(written, metric, unit, path, faults)
    target = Target(
        metric=metric,
        duration=duration,
        starts_on=_inputs(written, "starts_on", STARTS, path, faults),
        stops_on=_inputs(written, "stops_on", STOPS, path, faults),
        pauses_on=_pauses(written, path, faults),
        warn_at=_read_warnings(written, duration.amount, path, faults),
        escalations=_read_escalations(written, path, faults),
        on_reopen=_optional(OnReopen, written.get("on_reopen"), f"{path}.on_reopen", faults),
        on_tier_change=_optional(
            OnTierChange, written.get("on_tier_change"), f"{path}.on_tier_change", faults
        )
        or OnTierChange.KEEP,
        notice=written.get("notice"),
    )
    # Every update ends the wait for it and begins the wait for the next one.
    if target.starts & target.stops and metric is not Metric.PERIODIC_UPDATE:
        both = ", ".join(sorted(target.starts & target.stops))
        faults.append(FieldError(f"{path}.stops_on", "impossible", f"Starts and stops on the same: {both}."))
    if DEFAULTS[metric].repeats and target.on_reopen not in (None, OnReopen.CONTINUE):
        message = f"{metric} begins anew by itself; what a closing cut short goes on when it is reopened."
        faults.append(FieldError(f"{path}.on_reopen", "impossible", message))
    if target.notice is not None and not 0 <= target.notice <= duration.amount:
        message = "Notice is between nothing and the whole target, in its unit."
        faults.append(FieldError(f"{path}.notice", "range", message))
    return target


def _read_duration(
    written: Mapping[str, Any], metric: Metric, unit: Unit, path: str, faults: list[FieldError]
) -> Duration:
    if written.get("duration") is None:
        faults.append(FieldError(f"{path}.duration", "required", f"{path}.duration is required."))
    duration = Duration(int(written.get("duration") or 0), unit)
    most = LONGEST_DAYS if unit.counts_days else LONGEST_DAYS * _SECONDS_PER_DAY * MICROSECONDS
    # An acknowledgement may be promised at once: in the very transaction of the receipt.
    is_at_once = metric is Metric.ACKNOWLEDGEMENT and written.get("duration") == 0
    if not is_at_once and not 0 < duration.position <= most:
        message = f"A target is more than nothing and at most {LONGEST_DAYS} days."
        faults.append(FieldError(f"{path}.duration", "impossible", message))
    return duration


def _read_commitment(written: Mapping[str, Any], path: str, faults: list[FieldError]) -> Target:
    """Who is warned of a promised date: the date itself is not a policy's (rule 4)."""
    for name in ("duration", "starts_on", "pauses_on", "notice"):
        if written.get(name):
            message = f"A commitment is a date that was promised to the customer: it has no {name}."
            faults.append(FieldError(f"{path}.{name}", "not_of_commitments", message))
    if written.get("unit") not in (None, Unit.ELAPSED_HOURS):
        message = "A date comes nearer day and night: its warnings and escalations are in elapsed_hours."
        faults.append(FieldError(f"{path}.unit", "not_of_commitments", message))
    on_reopen = _optional(OnReopen, written.get("on_reopen"), f"{path}.on_reopen", faults)
    if on_reopen not in (None, OnReopen.CONTINUE, OnReopen.NOTHING):
        message = "No reopening moves a promised date: it continues, or nothing."
        faults.append(FieldError(f"{path}.on_reopen", "not_of_commitments", message))
    if written.get("on_tier_change") == OnTierChange.RETARGET:
        message = "No tier moves a promised date."
        faults.append(FieldError(f"{path}.on_tier_change", "not_of_commitments", message))
    return Target(
        metric=Metric.COMMITTED_RESOLUTION,
        duration=Duration(0, Unit.ELAPSED_HOURS),
        stops_on=_inputs(written, "stops_on", STOPS, path, faults),
        warn_at=_read_warnings(written, None, path, faults),
        escalations=_read_escalations(written, path, faults),
        on_reopen=on_reopen,
    )


def _inputs(
    written: Mapping[str, Any], name: str, known: frozenset[EntryKind], path: str, faults: list[FieldError]
) -> frozenset[EntryKind] | None:
    values = written.get(name)
    if values is None:
        return None
    if not values:
        faults.append(FieldError(f"{path}.{name}", "required", f"{name} names at least one input."))
    strangers = sorted(set(values) - known)
    if strangers:
        message = f"{', '.join(strangers)}: known are {', '.join(sorted(known))}."
        faults.append(FieldError(f"{path}.{name}", "unknown", message))
        return None
    return frozenset(EntryKind(value) for value in values)


def _pauses(written: Mapping[str, Any], path: str, faults: list[FieldError]) -> frozenset[PauseCause] | None:
    values = written.get("pauses_on")
    if values is None:
        return None
    causes = [_one(PauseCause, value, f"{path}.pauses_on", faults) for value in values]
    return frozenset(cause for cause in causes if cause is not None)


def _read_warnings(
    written: Mapping[str, Any], amount: int | None, path: str, faults: list[FieldError]
) -> tuple[WarningLevel, ...]:
    """`amount`: the target's, where it is known beforehand."""
    warnings = []
    for place, one in enumerate(written.get("warn_at") or ()):
        field = f"{path}.warn_at[{place}]"
        at = one if isinstance(one, Mapping) else {"share": one}
        share, before = at.get("share"), at.get("before")
        if (share is None) == (before is None):
            faults.append(FieldError(field, "one_of", "A warning has a share or a time before due."))
        elif share is not None and not 0 < share < 1:
            faults.append(FieldError(field, "range", "A share lies between 0 and 1, both excluded."))
        elif before is not None and not (before > 0 and (amount is None or before < amount)):
            message = "A warning comes before due and after the start, in the target's unit."
            faults.append(FieldError(field, "range", message))
        warnings.append(WarningLevel(share=share, before=before, notify=at.get("notify") or "assignee"))
    if len(warnings) > MOST_WARNINGS:
        faults.append(FieldError(f"{path}.warn_at", "most", f"At most {MOST_WARNINGS} warnings."))
    return tuple(warnings)


def _read_escalations(
    written: Mapping[str, Any], path: str, faults: list[FieldError]
) -> tuple[Escalation, ...]:
    escalations: list[Escalation] = []
    for place, one in enumerate(written.get("escalations") or ()):
        field = f"{path}.escalations[{place}]"
        escalation = Escalation(
            offset=int(one.get("offset") or 0),
            target=str(one.get("target") or ""),
            repeat_every=one.get("repeat_every"),
            repeat_cap=int(one.get("repeat_cap") or 0),
        )
        if not escalation.target:
            faults.append(FieldError(f"{field}.target", "required", "An escalation says to whom."))
        if escalation.offset < 0:
            faults.append(FieldError(f"{field}.offset", "range", "An escalation comes at or after due."))
        if escalations and escalation.offset < escalations[-1].offset:
            faults.append(FieldError(f"{field}.offset", "order", "Levels come one after another."))
        if not 0 <= escalation.repeat_cap <= MOST_REPEATS:
            faults.append(FieldError(f"{field}.repeat_cap", "range", f"0 to {MOST_REPEATS} repetitions."))
        if (escalation.repeat_cap > 0) != (escalation.repeat_every is not None):
            message = "A repetition has both: how often (repeat_every) and how many times (repeat_cap)."
            faults.append(FieldError(f"{field}.repeat_every", "both", message))
        elif escalation.repeat_every is not None and escalation.repeat_every < 1:
            message = "Repetitions lie at least one unit apart."
            faults.append(FieldError(f"{field}.repeat_every", "range", message))
        escalations.append(escalation)
    if len(escalations) > MOST_ESCALATIONS:
        faults.append(FieldError(f"{path}.escalations", "most", f"At most {MOST_ESCALATIONS} levels."))
    return tuple(escalations)


def _one(kind: Callable[[Any], E], value: object, field: str, faults: list[FieldError]) -> E | None:
    try:
        return kind(value)
    except ValueError:
        rule = "required" if value is None else "unknown"
        said = "is required" if value is None else f"{value!r} is not known"
        faults.append(FieldError(field, rule, f"{field} {said}."))
        return None


def _optional(kind: Callable[[Any], E], value: object, field: str, faults: list[FieldError]) -> E | None:
    return None if value is None else _one(kind, value, field, faults)
