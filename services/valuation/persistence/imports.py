"""Imports: the job, the queue of rows received, and the rows that were refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from services.valuation.domain.import_turns import LANES, turns_of
from services.valuation.domain.ledger import Entry
from services.valuation.persistence.rows import add_rows, insert_rows, run_rows
from services.valuation.persistence.tables import import_rejections, import_rows, transaction_imports
from shared.db.statements import insert, statement, update
from shared.db.work import Session, Work

ImportState = Literal["receiving", "processing", "completed", "abandoned"]
ImportFormat = Literal["csv", "ndjson"]

# Imports of others that are looked at for one to book.
_LOOKED_AT = 8
_ROW_NAMES = [column.name for column in import_rows.columns]
_REJECTION_NAMES = [column.name for column in import_rejections.columns]
_ADD = statement(insert(transaction_imports))
_SAVE = statement(
    update(
        transaction_imports,
        "state",
        "rows_received",
        "rows_processed",
        "accepted",
        "repeated",
        "rejected",
        "progress_at",
        "completed_at",
    ).where(transaction_imports.c.id == sa.bindparam("import_id"))
)
_BY_ID = statement(
    sa.select(transaction_imports).where(transaction_imports.c.id == sa.bindparam("import_id"))
)
_LOCKED = statement(
    sa.select(transaction_imports)
    .where(transaction_imports.c.id == sa.bindparam("import_id"))
    .with_for_update()
)
_OPEN = statement(
    sa.text(
        "SELECT * FROM transaction_imports WHERE state = 'processing'"
        " AND (CAST(:import_id AS uuid) IS NULL OR id = CAST(:import_id AS uuid))"
        " ORDER BY id LIMIT CAST(:limit AS integer)"
    )
)
# Not the job's row: lanes that book side by side would wait for each other's commit.
_CLAIM_LANE = statement(
    sa.text(
        "SELECT pg_try_advisory_xact_lock(hashtextextended("
        "'transaction_imports ' || CAST(CAST(:import_id AS uuid) AS text), CAST(:lane AS bigint)))"
    )
)
_ADVANCE = statement(
    sa.text(
        "UPDATE transaction_imports SET rows_processed = rows_processed + CAST(:rows AS bigint),"
        " accepted = accepted + CAST(:accepted AS bigint), repeated = repeated + CAST(:repeated AS bigint),"
        " rejected = rejected + CAST(:rejected AS bigint), progress_at = CAST(:at AS timestamptz),"
        " state = CASE WHEN CAST(:rows AS bigint) IN (0, rows_received - rows_processed)"
        " THEN 'completed' ELSE state END,"
        " completed_at = CASE WHEN CAST(:rows AS bigint) IN (0, rows_received - rows_processed)"
        " THEN CAST(:at AS timestamptz) END"
        " WHERE id = CAST(:import_id AS uuid) AND state = 'processing' RETURNING *"
    )
)
_LOCK_SILENT = statement(
    sa.text(
        "SELECT * FROM transaction_imports WHERE state = 'receiving'"
        " AND progress_at < CAST(:before AS timestamptz) ORDER BY progress_at LIMIT 1 FOR UPDATE SKIP LOCKED"
    )
)
_STAGE = insert_rows(import_rows)
_REJECT = insert_rows(import_rejections)
_NEXT_ROWS = statement(
    sa.text(
        "SELECT row_number, customer_id, customer_external_id, turn, external_id, kind, amount_minor, currency,"
        " occurred_at, product_kind, margin_minor, corrects_external_id"
        " FROM import_rows WHERE import_id = CAST(:import_id AS uuid)"
        " AND turn BETWEEN CAST(:first AS smallint) AND CAST(:last AS smallint)"
        " ORDER BY turn, row_number LIMIT CAST(:limit AS integer)"
    )
)
_DROP_ROWS = statement(
    sa.text(
        "DELETE FROM import_rows WHERE import_id = CAST(:import_id AS uuid) AND turn >= CAST(:first AS smallint)"
        " AND (turn, row_number) <= (CAST(:turn AS smallint), CAST(:row_number AS bigint))"
    )
)
_DROP_ALL = statement(sa.text("DELETE FROM import_rows WHERE import_id = CAST(:import_id AS uuid)"))
_REJECTIONS = statement(
    sa.text(
        "SELECT * FROM import_rejections WHERE import_id = CAST(:import_id AS uuid)"
        " AND row_number > CAST(:after AS bigint) ORDER BY row_number LIMIT CAST(:limit AS integer)"
    )
)


@dataclass(frozen=True, slots=True)
class Import:
    """A job that books the rows of one body. Counts are of rows."""

    id: UUID
    state: ImportState
    format: ImportFormat
    register_customers: bool
    rows_received: int
    rows_processed: int
    accepted: int
    repeated: int
    rejected: int
    started_at: datetime
    progress_at: datetime
    completed_at: datetime | None
    started_by: str


class ImportRow(NamedTuple):
    """One row received, counted from 1, with the customer that it names and its turn to be booked."""

    row_number: int
    entry: Entry
    customer_id: UUID | None
    customer_external_id: str | None
    turn: int


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why one row was refused: a stable code, the field if one is to blame, and a sentence."""

    row_number: int
    external_id: str | None
    code: str
    field: str | None
    message: str


async def add(work: Work, job: Import) -> None:
    """Add a job."""
    await work.execute(
        _ADD, **{column.name: getattr(job, column.name) for column in transaction_imports.columns}
    )


async def save(work: Work, job: Import) -> None:
    """Write a locked job's state and counts."""
    await work.execute(
        _SAVE,
        import_id=job.id,
        state=job.state,
        rows_received=job.rows_received,
        rows_processed=job.rows_processed,
        accepted=job.accepted,
        repeated=job.repeated,
        rejected=job.rejected,
        progress_at=job.progress_at,
        completed_at=job.completed_at,
    )


async def find(session: Session, import_id: UUID) -> Import | None:
    row = await session.fetch_one(_BY_ID, import_id=import_id)
    return None if row is None else _import(row)


async def lock(work: Work, import_id: UUID) -> Import | None:
    row = await work.fetch_one(_LOCKED, import_id=import_id)
    return None if row is None else _import(row)


async def claim(work: Work, import_id: UUID | None, lane: int | None) -> Import | None:
    """An import with rows to book whose lane (or every lane) nobody else has: the oldest, or this one."""
    for row in await work.fetch_all(_OPEN, import_id=import_id, limit=_LOOKED_AT):
        lanes = range(LANES) if lane is None else (lane,)
        claimed = [await work.fetch_value(_CLAIM_LANE, import_id=row["id"], lane=one) for one in lanes]
        if all(claimed):
            return _import(row)
    return None


async def advance(
    work: Work, import_id: UUID, *, rows: int, accepted: int, repeated: int, rejected: int
) -> Import | None:
    """Count rows that were booked; whoever counts the last one completes the job, or finds none (0) queued.

    None when somebody else has completed it.
    """
    row = await work.fetch_one(
        _ADVANCE,
        import_id=import_id,
        rows=rows,
        accepted=accepted,
        repeated=repeated,
        rejected=rejected,
        at=work.now,
    )
    return None if row is None else _import(row)


async def lock_silent(work: Work, before: datetime) -> Import | None:
    """A job whose body never ended, silent since `before`."""
    row = await work.fetch_one(_LOCK_SILENT, before=before)
    return None if row is None else _import(row)


async def stage(work: Work, import_id: UUID, rows: Sequence[ImportRow]) -> None:
    """Queue rows to be booked."""
    values = [
        (
            import_id,
            row.row_number,
            row.customer_id,
            row.customer_external_id,
            row.entry.external_id,
            row.entry.kind,
            row.entry.amount_minor,
            row.entry.currency,
            row.entry.occurred_at,
            row.entry.product_kind,
            row.entry.margin_minor,
            row.entry.corrects_external_id,
            row.turn,
        )
        for row in rows
    ]
    await add_rows(work, import_rows, _STAGE, _ROW_NAMES, values)


async def reject(work: Work, import_id: UUID, rejections: Sequence[Rejection]) -> None:
    """Keep why rows were refused."""
    values = [
        (import_id, one.row_number, one.external_id, one.code, one.field, one.message) for one in rejections
    ]
    await run_rows(work, _REJECT, _REJECTION_NAMES, values)


async def next_rows(session: Session, import_id: UUID, lane: int | None, limit: int) -> list[ImportRow]:
    """The first rows still queued for a lane (or at all), in the order of their turns."""
    first, last = turns_of(lane)
    rows = await session.fetch_all(_NEXT_ROWS, import_id=import_id, first=first, last=last, limit=limit)
    return [_row(row) for row in rows]


async def drop_rows(work: Work, import_id: UUID, lane: int | None, through: ImportRow) -> None:
    """Take the rows of a lane (or all) up to and including `through` out of the queue."""
    await work.execute(
        _DROP_ROWS,
        import_id=import_id,
        first=turns_of(lane)[0],
        turn=through.turn,
        row_number=through.row_number,
    )


async def drop_all_rows(work: Work, import_id: UUID) -> None:
    """Empty the queue of an import."""
    await work.execute(_DROP_ALL, import_id=import_id)


async def rejections(session: Session, import_id: UUID, after: int, limit: int) -> list[Rejection]:
    """At most `limit` refused rows after row `after`, in the order of the body."""
    rows = await session.fetch_all(_REJECTIONS, import_id=import_id, after=after, limit=limit)
    return [
        Rejection(row["row_number"], row["external_id"], row["code"], row["field"], row["message"])
        for row in rows
    ]


def _import(row: Mapping[str, Any]) -> Import:
    return Import(**{column.name: row[column.name] for column in transaction_imports.columns})


def _row(row: Mapping[str, Any]) -> ImportRow:
    number, customer_id, name, turn, *entry = row.values()
    return ImportRow(number, Entry(*entry), customer_id, name, turn)
