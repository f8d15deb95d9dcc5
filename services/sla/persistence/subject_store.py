"""Subjects with their ledgers and clocks: locked all at once, written all at once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from services.sla.domain.errors import SubjectNotFoundError
from services.sla.domain.events import DigestLine
from services.sla.domain.metrics import SubjectKind
from services.sla.domain.subject import Subject
from services.sla.persistence.clock_rows import (
    clock_of,
    clock_record,
    digest_line_record,
    entry_of,
    entry_record,
    firing_record,
    timer_record,
)
from services.sla.persistence.tables import clocks, digest_lines, firings, ledger, subjects, timers
from shared.db.statements import Statement, statement
from shared.db.work import Session, Work

_IDS = sa.bindparam("ids", type_=pg.ARRAY(sa.Uuid))
_CHOSEN = sa.select(subjects).where(subjects.c.id == sa.any_(_IDS)).order_by(subjects.c.id)
_GET = statement(_CHOSEN)
_LOCK = statement(_CHOSEN.with_for_update())
_LEDGER = statement(sa.select(ledger).where(ledger.c.subject_id == sa.any_(_IDS)))
_CLOCKS = statement(sa.select(clocks).where(clocks.c.subject_id == sa.any_(_IDS)))
# In one round trip: those never heard of are added, the others locked, in order of id.
_LOCK_OR_ADD = Statement(
    "WITH known AS (SELECT * FROM subjects WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE), "
    "added AS (INSERT INTO subjects (id, kind, revision, is_open, sequence, version) "
    "SELECT n.id, n.kind, c.revision, true, 0, 1 "
    "FROM unnest($1::uuid[], $2::text[]) AS n (id, kind) CROSS JOIN catalogue AS c "
    "WHERE NOT EXISTS (SELECT FROM known AS k WHERE k.id = n.id) ORDER BY n.id "
    "ON CONFLICT DO NOTHING RETURNING *) "
    "SELECT *, true AS is_known FROM known UNION ALL SELECT *, false FROM added",
    ("ids", "kinds"),
    {},
)

_CLOCK_COLUMNS = tuple(column.name for column in clocks.columns if column.computed is None)
# Written once, when the subject is first heard of.
_PINNED = ("kind", "revision")
_SUBJECT_COLUMNS = (
    "number",
    "external_number",
    "customer_id",
    "opened_at",
    "is_open",
    "sequence",
    "last_occurred_at",
)


_POSTGRES = pg.dialect()  # type: ignore[no-untyped-call]


def _typed(table: sa.Table, names: Sequence[str]) -> str:
    return ", ".join(f"{name} {table.c[name].type.compile(dialect=_POSTGRES)}" for name in names)


_LINE_COLUMNS = tuple(column.name for column in ledger.columns)
_NAMES = ", ".join(_CLOCK_COLUMNS)
_LINES = ", ".join(_LINE_COLUMNS)
_TIMER_COLUMNS = ("clock_id", "cycle", "subject_id", "kind", "level", "due_at", "generation", "shard")
_FIRING_COLUMNS = tuple(column.name for column in firings.columns)
_FIRINGS = ", ".join(_FIRING_COLUMNS)
_DIGESTED_COLUMNS = DigestLine._fields
_DIGESTED = ", ".join(_DIGESTED_COLUMNS)
_OVERWRITTEN = ", ".join(
    f"{name} = excluded.{name}" for name in _CLOCK_COLUMNS if name not in ("id", "cycle")
)
_TAKEN = ", ".join(f"{name} = excluded.{name}" for name in _SUBJECT_COLUMNS)
_STATE_COLUMNS = (*_PINNED, *_SUBJECT_COLUMNS)
_STATE = ", ".join(_STATE_COLUMNS)
# All that a transaction changed in one round trip. Parts do not see each other, and need not. Timers in the past
# are put where claims begin: below the mark nobody looks. The subjects are there and locked; written as an upsert
# each is found by its key, where the plan of a joined update may read the whole table.
_WRITE = Statement(
    f"""
WITH lines AS (
    INSERT INTO ledger ({_LINES})
    SELECT {_LINES} FROM jsonb_to_recordset($1::jsonb) AS l ({_typed(ledger, _LINE_COLUMNS)})
), followed AS (
    INSERT INTO clocks ({_NAMES})
    SELECT {_NAMES} FROM jsonb_to_recordset($2::jsonb) AS c ({_typed(clocks, _CLOCK_COLUMNS)})
    ON CONFLICT (id, cycle) DO UPDATE SET {_OVERWRITTEN}
), alarms AS (
    INSERT INTO timers (clock_id, cycle, subject_id, kind, level, due_at, generation, shard)
    SELECT clock_id, cycle, subject_id, kind, level,
        greatest(due_at, (SELECT low_water_at FROM timer_marks)), generation, shard
    FROM jsonb_to_recordset($3::jsonb) AS t ({_typed(timers, _TIMER_COLUMNS)})
), journal AS (
    INSERT INTO firings ({_FIRINGS})
    SELECT {_FIRINGS} FROM jsonb_to_recordset($4::jsonb) AS f ({_typed(firings, _FIRING_COLUMNS)})
), digested AS (
    INSERT INTO digest_lines ({_DIGESTED})
    SELECT {_DIGESTED} FROM jsonb_to_recordset($6::jsonb) AS d ({_typed(digest_lines, _DIGESTED_COLUMNS)})
)
INSERT INTO subjects AS s (id, version, {_STATE})
SELECT id, 1, {_STATE} FROM jsonb_to_recordset($5::jsonb) AS n (id uuid, {_typed(subjects, _STATE_COLUMNS)})
ON CONFLICT (id) DO UPDATE SET version = s.version + 1, {_TAKEN}
""",  # noqa: S608 - names of this module
    ("lines", "clocks", "timers", "firings", "subjects", "digest_lines"),
    {},
)


async def lock_or_add(work: Work, kinds: Mapping[UUID, SubjectKind]) -> dict[UUID, Subject]:
    """The subjects with ledgers and clocks, locked in order of id; those never heard of are added.

    A new one pins the catalogue's revision of this moment.
    """
    if not kinds:
        return {}
    ids = sorted(kinds)
    rows = await work.fetch_all(_LOCK_OR_ADD, ids=ids, kinds=[kinds[one].value for one in ids])
    known = [row["id"] for row in rows if row["is_known"]]
    elsewhere = sorted(kinds.keys() - {row["id"] for row in rows})
    if elsewhere:
        # Somebody else added them meanwhile and has committed since.
        late = await work.fetch_all(_LOCK, ids=elsewhere)
        known += [row["id"] for row in late]
        rows += late
    found = {row["id"]: _subject(row) for row in rows}
    await _fill(work, found, known)
    return found


async def lock(work: Work, subject_id: UUID, kind: SubjectKind) -> Subject:
    """One known subject, locked. Raises `SubjectNotFoundError`."""
    rows = await work.fetch_all(_LOCK, ids=[subject_id])
    if not rows or rows[0]["kind"] != kind:
        raise SubjectNotFoundError
    found = {subject_id: _subject(rows[0])}
    await _fill(work, found, [subject_id])
    return found[subject_id]


async def get(session: Session, subject_id: UUID, kind: SubjectKind) -> Subject:
    """For reading. Raises `SubjectNotFoundError`."""
    row = await session.fetch_one(_GET, ids=[subject_id])
    if row is None or row["kind"] != kind:
        raise SubjectNotFoundError
    found = {subject_id: _subject(row)}
    await _fill(session, found, [subject_id])
    return found[subject_id]


async def save(work: Work, changed: Iterable[Subject]) -> None:
    """Write what changed in these subjects, in one statement."""
    lines: list[dict[str, Any]] = []
    followed: list[dict[str, Any]] = []
    alarms: list[dict[str, Any]] = []
    journal: list[dict[str, Any]] = []
    digested: list[dict[str, Any]] = []
    rows = []
    for subject in changed:
        changes = subject.take_changes()
        stored = {"stored_at": work.now.isoformat()}
        lines += [entry_record(subject.id, entry) | stored for entry in changes.entries]
        followed += [clock_record(subject, clock, work.now) for clock in changes.clocks]
        alarms += [timer_record(timer) for timer in changes.timers]
        journal += [firing_record(firing) for firing in changes.firings]
        digested += [digest_line_record(line) for line in changes.digest_lines]
        rows.append(_subject_record(subject))
        subject.version += 1
    if rows:
        await work.execute(
            _WRITE,
            lines=lines,
            clocks=followed,
            timers=alarms,
            firings=journal,
            subjects=rows,
            digest_lines=digested,
        )


async def _fill(session: Session, found: Mapping[UUID, Subject], ids: Sequence[UUID]) -> None:
    if not ids:
        return
    for row in await session.fetch_all(_LEDGER, ids=ids):
        found[row["subject_id"]].entries.append(entry_of(row))
    await _fill_clocks(session, found, ids)


async def _fill_clocks(session: Session, found: Mapping[UUID, Subject], ids: Sequence[UUID]) -> None:
    for row in await session.fetch_all(_CLOCKS, ids=ids):
        clock = clock_of(row)
        found[row["subject_id"]].clocks[clock.key, clock.cycle] = clock


def _subject(row: Any) -> Subject:
    return Subject(
        id=row["id"],
        kind=SubjectKind(row["kind"]),
        revision=row["revision"],
        number=row["number"],
        external_number=row["external_number"],
        customer_id=row["customer_id"],
        opened_at=row["opened_at"],
        is_open=row["is_open"],
        sequence=row["sequence"],
        last_occurred_at=row["last_occurred_at"],
        version=row["version"],
    )


def _subject_record(subject: Subject) -> dict[str, Any]:
    return {
        "id": str(subject.id),
        "kind": subject.kind.value,
        "revision": subject.revision,
        "number": subject.number,
        "external_number": subject.external_number,
        "customer_id": None if subject.customer_id is None else str(subject.customer_id),
        "opened_at": None if subject.opened_at is None else subject.opened_at.isoformat(),
        "is_open": subject.is_open,
        "sequence": subject.sequence,
        "last_occurred_at": None
        if subject.last_occurred_at is None
        else subject.last_occurred_at.isoformat(),
    }
