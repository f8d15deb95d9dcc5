"""What firing reads and writes: the subjects and clocks that are due, and of these only what a threshold changes."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from pydantic_core import from_json, to_json
from sqlalchemy.dialects import postgresql as pg

from services.sla.domain.clock import Clock
from services.sla.domain.clock_status import RunState, state_shown
from services.sla.domain.metrics import Agreement, Metric, SubjectKind
from services.sla.domain.policies import ClockKey
from services.sla.domain.subject import Subject
from services.sla.domain.thresholds import Fired, Threshold, ThresholdKind
from services.sla.domain.timers import Timer
from services.sla.domain.units import Duration, Unit
from services.sla.persistence.tables import clocks, subjects
from shared.db.statements import Statement, statement
from shared.db.work import Work
from shared.events.outbox import shard_of

_IDS = sa.bindparam("ids", type_=pg.ARRAY(sa.Uuid))
# Whoever is changing a subject goes first: its timers are looked at again in the next round.
_LOCK_FREE = statement(
    sa.select(
        subjects.c.id,
        subjects.c.kind,
        subjects.c.revision,
        subjects.c.sequence,
        subjects.c.last_occurred_at,
        subjects.c.version,
    )
    .where(subjects.c.id == sa.any_(_IDS))
    .order_by(subjects.c.id)
    .with_for_update(skip_locked=True)
)
# A statement of its own: one that locks as well would read the clocks as they were before it got the lock.
_CLOCKS = statement(
    sa.select(
        clocks.c.id,
        clocks.c.cycle,
        clocks.c.subject_id,
        clocks.c.agreement,
        clocks.c.metric,
        clocks.c.policy_version_id,
        clocks.c.calendar_version_id,
        clocks.c.target_amount,
        clocks.c.target_unit,
        clocks.c.run_state,
        clocks.c.started_at,
        clocks.c.due_at,
        clocks.c.breached_at,
        clocks.c.warned_at,
        clocks.c.generation,
        clocks.c.arming,
        sa.cast(clocks.c.detail, sa.Text).label("detail"),
    ).where(clocks.c.id == sa.any_(_IDS))
)
_CLOCK_VALUES = (
    ("clock_ids", "uuid"),
    ("clock_cycles", "integer"),
    ("states", "text"),
    ("breached_ats", "timestamptz"),
    ("warned_ats", "timestamptz"),
    ("details", "text"),
)
# In the order of `Timer`, then its shard.
_TIMER_VALUES = (
    ("timer_clock_ids", "uuid"),
    ("timer_cycles", "integer"),
    ("timer_subject_ids", "uuid"),
    ("timer_kinds", "text"),
    ("timer_levels", "smallint"),
    ("timer_due_ats", "timestamptz"),
    ("timer_generations", "integer"),
    ("timer_shards", "smallint"),
)
# In the order of `Firing`.
_FIRING_VALUES = (
    ("firing_clock_ids", "uuid"),
    ("firing_cycles", "integer"),
    ("firing_subject_ids", "uuid"),
    ("firing_kinds", "text"),
    ("firing_levels", "smallint"),
    ("firing_repeats", "smallint"),
    ("firing_armings", "integer"),
    ("threshold_ats", "timestamptz"),
    ("fired_ats", "timestamptz"),
    ("targets", "text"),
    ("are_digests", "boolean"),
)
_SUBJECT_VALUES = (("subject_ids", "uuid"), ("sequences", "bigint"), ("last_occurred_ats", "timestamptz"))
# In the order of `DigestLine`.
_LINE_VALUES = (
    ("line_targets", "text"),
    ("line_subject_kinds", "text"),
    ("line_subject_ids", "uuid"),
    ("line_clock_ids", "uuid"),
    ("line_cycles", "integer"),
    ("line_metrics", "text"),
    ("line_kinds", "text"),
    ("line_levels", "smallint"),
    ("line_threshold_ats", "timestamptz"),
    ("line_fired_ats", "timestamptz"),
    ("are_capped", "boolean"),
)
_VALUES = (*_CLOCK_VALUES, *_TIMER_VALUES, *_FIRING_VALUES, *_SUBJECT_VALUES, *_LINE_VALUES)


def _unnest(values: Sequence[tuple[str, str]]) -> str:
    first = _VALUES.index(values[0]) + 1
    return ", ".join(f"${place}::{kind}[]" for place, (_, kind) in enumerate(values, first))


# Arrays, because building and reading records as JSON cost more than the writes themselves. Timers in the past are
# put where claims begin: below the mark nobody looks.
_WRITE = Statement(
    f"""
WITH followed AS (
    UPDATE clocks AS c SET state = f.state, breached_at = f.breached_at, warned_at = f.warned_at,
        detail = c.detail || f.detail::jsonb
    FROM unnest({_unnest(_CLOCK_VALUES)}) AS f (id, cycle, state, breached_at, warned_at, detail)
    WHERE c.id = f.id AND c.cycle = f.cycle
), alarms AS (
    INSERT INTO timers (clock_id, cycle, subject_id, kind, level, due_at, generation, shard)
    SELECT clock_id, cycle, subject_id, kind, level,
        greatest(due_at, (SELECT low_water_at FROM timer_marks)), generation, shard
    FROM unnest({_unnest(_TIMER_VALUES)})
        AS t (clock_id, cycle, subject_id, kind, level, due_at, generation, shard)
), journal AS (
    INSERT INTO firings (clock_id, cycle, subject_id, kind, level, repeat, arming, threshold_at, fired_at,
        target, is_digest)
    SELECT * FROM unnest({_unnest(_FIRING_VALUES)})
), digested AS (
    INSERT INTO digest_lines (target, subject_kind, subject_id, clock_id, cycle, metric, kind, level,
        threshold_at, fired_at, is_capped)
    SELECT * FROM unnest({_unnest(_LINE_VALUES)})
)
UPDATE subjects AS s SET version = s.version + 1, sequence = n.sequence, last_occurred_at = n.last_occurred_at
FROM unnest({_unnest(_SUBJECT_VALUES)}) AS n (id, sequence, last_occurred_at)
WHERE s.id = n.id
""",  # noqa: S608 - names of this module
    tuple(name for name, _ in _VALUES),
    {},
)

# Looking a member up costs a fifth of making it from its value.
_KINDS = {kind.value: kind for kind in ThresholdKind}
_RUN_STATES = {state.value: state for state in RunState}
_UNITS = {unit.value: unit for unit in Unit}
_SUBJECT_KINDS = {kind.value: kind for kind in SubjectKind}
_KEYS = {
    (agreement.value, metric.value): ClockKey(agreement, metric)
    for agreement in Agreement
    for metric in Metric
}


async def lock_free(work: Work, timers: Iterable[Timer]) -> dict[UUID, Subject]:
    """The subjects of these timers that nobody else is changing, each with the clocks that are asked for.

    For firing only: without ledgers and numbers, and the clocks without pauses, retargets and descriptions.
    """
    wanted = {timer.clock_id: timer.subject_id for timer in timers}
    rows = await work.fetch_all(_LOCK_FREE, ids=sorted(set(wanted.values())))
    found = {row["id"]: _subject(row) for row in rows}
    if found:
        ids = [clock_id for clock_id, subject_id in wanted.items() if subject_id in found]
        for row in await work.fetch_all(_CLOCKS, ids=ids):
            clock = _clock(row)
            found[row["subject_id"]].clocks[clock.key, clock.cycle] = clock
    return found


async def save(work: Work, fired: Iterable[Subject]) -> None:
    """Write what firing changed in these subjects, in one statement."""
    followed: list[tuple[Any, ...]] = []
    alarms: list[tuple[Any, ...]] = []
    journal: list[tuple[Any, ...]] = []
    digested: list[tuple[Any, ...]] = []
    counted: list[tuple[Any, ...]] = []
    for subject in fired:
        changes = subject.take_changes()
        followed += [_clock_values(clock, work.now) for clock in changes.clocks]
        shard = shard_of(subject.id)
        alarms += [(*timer, shard) for timer in changes.timers]
        journal += changes.firings
        digested += changes.digest_lines
        counted.append((subject.id, subject.sequence, subject.last_occurred_at))
    if counted:
        columns = (
            *_columns(_CLOCK_VALUES, followed),
            *_columns(_TIMER_VALUES, alarms),
            *_columns(_FIRING_VALUES, journal),
            *_columns(_SUBJECT_VALUES, counted),
            *_columns(_LINE_VALUES, digested),
        )
        await work.execute(_WRITE, **dict(columns))


def _columns(
    values: Sequence[tuple[str, str]], rows: Sequence[tuple[Any, ...]]
) -> Iterable[tuple[str, Sequence[Any]]]:
    names = [name for name, _ in values]
    return zip(names, zip(*rows, strict=True), strict=True) if rows else ((name, ()) for name in names)


def _subject(row: Any) -> Subject:
    return Subject(
        id=row["id"],
        kind=_SUBJECT_KINDS[row["kind"]],
        revision=row["revision"],
        sequence=row["sequence"],
        last_occurred_at=row["last_occurred_at"],
        version=row["version"],
    )


def _clock(row: Any) -> Clock:
    detail: Mapping[str, Any] = from_json(row["detail"])
    return Clock(
        id=row["id"],
        key=_KEYS[row["agreement"], row["metric"]],
        cycle=row["cycle"],
        policy_version_id=row["policy_version_id"],
        calendar_version_id=row["calendar_version_id"],
        target=Duration(row["target_amount"], _UNITS[row["target_unit"]]),
        started_at=row["started_at"],
        run_state=_RUN_STATES[row["run_state"]],
        due_at=row["due_at"],
        breached_at=row["breached_at"],
        warned_at=row["warned_at"],
        generation=row["generation"],
        arming=row["arming"],
        published_breaches=[datetime.fromisoformat(at) for at in detail["published_breaches"]],
        fired={Fired(_KINDS[kind], *rest) for kind, *rest in detail["fired"]},
        plan=tuple(
            Threshold(_KINDS[kind], level, repeat, arming, datetime.fromisoformat(at), target, label)
            for kind, level, repeat, arming, at, target, label in detail["plan"]
        ),
        is_new=False,
    )


def _clock_values(clock: Clock, now: datetime) -> tuple[Any, ...]:
    detail = {
        "published_breaches": [at.isoformat() for at in clock.published_breaches],
        "fired": sorted(clock.fired),
        "plan": [
            (one.kind, one.level, one.repeat, one.arming, one.at.isoformat(), one.target, one.label)
            for one in clock.plan
        ],
    }
    shown = state_shown(
        clock.run_state, is_breached=clock.breached_at is not None, due_at=clock.due_at, now=now
    )
    written = to_json(detail).decode()
    return clock.id, clock.cycle, shown, clock.breached_at, clock.warned_at, written
