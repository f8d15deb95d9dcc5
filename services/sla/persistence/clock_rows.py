"""Clocks and ledger lines to and from their rows. Written as JSON records: one statement takes any number."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.sla.domain.clock import DESCRIBED, Clock
from services.sla.domain.clock_fold import Retarget
from services.sla.domain.clock_status import RunState, state_shown
from services.sla.domain.events import DigestLine
from services.sla.domain.ledger import Entry, EntryKind
from services.sla.domain.metrics import Agreement, Metric
from services.sla.domain.policies import ClockKey
from services.sla.domain.subject import Subject
from services.sla.domain.thresholds import Fired, Threshold, ThresholdKind
from services.sla.domain.timers import Firing, Timer
from services.sla.domain.units import Duration, Unit
from shared.events.outbox import shard_of


def entry_of(row: Any) -> Entry:
    return Entry(
        id=row["id"],
        kind=EntryKind(row["kind"]),
        occurred_at=row["occurred_at"],
        recorded_at=row["recorded_at"],
        source=row["source"],
        sequence=row["sequence"],
        event_id=row["event_id"],
        claimed_at=row["claimed_at"],
        data=row["data"],
    )


def entry_record(subject_id: UUID, entry: Entry) -> dict[str, Any]:
    return {
        "id": str(entry.id),
        "subject_id": str(subject_id),
        "kind": entry.kind,
        "occurred_at": entry.occurred_at.isoformat(),
        "recorded_at": entry.recorded_at.isoformat(),
        "claimed_at": _text(entry.claimed_at),
        "source": entry.source,
        "sequence": entry.sequence,
        "event_id": str(entry.event_id),
        "data": dict(entry.data),
    }


def clock_of(row: Any) -> Clock:
    detail = row["detail"]
    return Clock(
        id=row["id"],
        key=ClockKey(Agreement(row["agreement"]), Metric(row["metric"])),
        cycle=row["cycle"],
        policy_version_id=row["policy_version_id"],
        calendar_version_id=row["calendar_version_id"],
        target=Duration(row["target_amount"], Unit(row["target_unit"])),
        started_at=row["started_at"],
        run_state=RunState(row["run_state"]),
        due_at=row["due_at"],
        fulfilled_at=row["fulfilled_at"],
        ended_at=row["ended_at"],
        breached_at=row["breached_at"],
        warned_at=row["warned_at"],
        due_position=row["due_position"],
        rearmed_at=row["rearmed_at"],
        generation=row["generation"],
        arming=row["arming"],
        armed_at=row["armed_at"],
        published_breaches=[datetime.fromisoformat(at) for at in detail["published_breaches"]],
        fired={Fired(ThresholdKind(kind), *rest) for kind, *rest in detail["fired"]},
        plan=tuple(_threshold(one) for one in detail["plan"]),
        pauses=pauses_of(detail),
        retargets=[_retarget(one) for one in detail["retargets"]],
        described={name: row[name] for name in DESCRIBED},
        is_new=False,
    )


def pauses_of(detail: Mapping[str, Any]) -> list[tuple[datetime, datetime | None]]:
    """When the clock stood still."""
    return [
        (datetime.fromisoformat(start), None if end is None else datetime.fromisoformat(end))
        for start, end in detail["pauses"]
    ]


def clock_record(subject: Subject, clock: Clock, now: datetime) -> dict[str, Any]:
    shown = state_shown(
        clock.run_state, is_breached=clock.breached_at is not None, due_at=clock.due_at, now=now
    )
    return {
        "id": str(clock.id),
        "cycle": clock.cycle,
        "subject_id": str(subject.id),
        "subject_kind": subject.kind,
        "customer_id": None if subject.customer_id is None else str(subject.customer_id),
        "agreement": clock.key.agreement,
        "metric": clock.key.metric,
        "policy_version_id": str(clock.policy_version_id),
        "calendar_version_id": None if clock.calendar_version_id is None else str(clock.calendar_version_id),
        "target_amount": clock.target.amount,
        "target_unit": clock.target.unit,
        **clock.described,
        "run_state": clock.run_state,
        "state": shown,
        "started_at": clock.started_at.isoformat(),
        "due_at": _text(clock.due_at),
        "due_position": clock.due_position,
        "rearmed_at": _text(clock.rearmed_at),
        "fulfilled_at": _text(clock.fulfilled_at),
        "ended_at": _text(clock.ended_at),
        "breached_at": _text(clock.breached_at),
        "warned_at": _text(clock.warned_at),
        "generation": clock.generation,
        "arming": clock.arming,
        "armed_at": _text(clock.armed_at),
        "detail": {
            "pauses": [[start.isoformat(), _text(end)] for start, end in clock.pauses],
            "retargets": [_retarget_record(retarget) for retarget in clock.retargets],
            "published_breaches": [at.isoformat() for at in clock.published_breaches],
            "fired": sorted(list(name) for name in clock.fired),
            "plan": [_threshold_record(threshold) for threshold in clock.plan],
        },
    }


def timer_record(timer: Timer) -> dict[str, Any]:
    return {
        "clock_id": str(timer.clock_id),
        "cycle": timer.cycle,
        "subject_id": str(timer.subject_id),
        "kind": timer.kind,
        "level": timer.level,
        "due_at": timer.due_at.isoformat(),
        "generation": timer.generation,
        "shard": shard_of(timer.subject_id),
    }


def firing_record(firing: Firing) -> dict[str, Any]:
    return {
        "clock_id": str(firing.clock_id),
        "cycle": firing.cycle,
        "kind": firing.kind,
        "level": firing.level,
        "repeat": firing.repeat,
        "arming": firing.arming,
        "subject_id": str(firing.subject_id),
        "threshold_at": firing.threshold_at.isoformat(),
        "fired_at": firing.fired_at.isoformat(),
        "target": firing.target,
        "is_digest": firing.is_digest,
    }


def digest_line_record(line: DigestLine) -> dict[str, Any]:
    return line._asdict() | {
        "subject_id": str(line.subject_id),
        "clock_id": str(line.clock_id),
        "threshold_at": line.threshold_at.isoformat(),
        "fired_at": line.fired_at.isoformat(),
    }


def _threshold(written: list[Any]) -> Threshold:
    kind, level, repeat, arming, at, target, label = written
    return Threshold(ThresholdKind(kind), level, repeat, arming, datetime.fromisoformat(at), target, label)


def _threshold_record(threshold: Threshold) -> list[Any]:
    at = threshold.at.isoformat()
    return [*threshold.name, at, threshold.target, threshold.label]


def _retarget(written: dict[str, Any]) -> Retarget:
    previous = written["from"]
    return Retarget(
        at=datetime.fromisoformat(written["at"]),
        previous=None if previous is None else Duration(previous["amount"], Unit(previous["unit"])),
        previous_calendar=None if previous is None else previous["calendar"],
        notice=written["notice"],
    )


def _retarget_record(retarget: Retarget) -> dict[str, Any]:
    previous = retarget.previous
    before = {
        "from": None
        if previous is None
        else {"amount": previous.amount, "unit": previous.unit, "calendar": retarget.previous_calendar}
    }
    return {"at": retarget.at.isoformat(), **before, "notice": retarget.notice}


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
