"""Imports: the job, the queue of rows received, and the rows that were refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa

from services.valuation.domain.ledger import Entry
from services.valuation.persistence.rows import add_rows, insert_rows, run_rows
from services.valuation.persistence.tables import import_rejections, import_rows, transaction_imports
from shared.db.statements import insert, statement, update
from shared.db.work import Session, Work

ImportState = Literal["receiving", "processing", "completed", "abandoned"]
ImportFormat = Literal["csv", "ndjson"]

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
_LOCK_OPEN = statement(
    sa.text(
        "SELECT * FROM transaction_imports WHERE state = 'processing'"
        " AND (CAST(:import_id AS uuid) IS NULL OR id = CAST(:import_id AS uuid))"
        " ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
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
        "SELECT * FROM import_rows WHERE import_id = CAST(:import_id AS uuid)"
        " ORDER BY row_number LIMIT CAST(:limit AS integer)"
    )
)
_DROP_ROWS = statement(
    sa.text(
        "DELETE FROM import_rows WHERE import_id = CAST(:import_id AS uuid)"
        " AND row_number <= CAST(:through AS bigint)"
    )
)
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


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One row received, counted from 1, with the customer that it names."""

    row_number: int
    entry: Entry
    customer_id: UUID | None
    customer_external_id: str | None


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


async def lock_open(work: Work, import_id: UUID | None = None) -> Import | None:
    """The oldest job with rows to book (or this one), unless another worker has it."""
    row = await work.fetch_one(_LOCK_OPEN, import_id=import_id)
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


async def next_rows(session: Session, import_id: UUID, limit: int) -> list[ImportRow]:
    """The first rows still queued."""
    return [_row(row) for row in await session.fetch_all(_NEXT_ROWS, import_id=import_id, limit=limit)]


async def drop_rows(work: Work, import_id: UUID, through: int) -> None:
    """Take rows up to and including `through` out of the queue."""
    await work.execute(_DROP_ROWS, import_id=import_id, through=through)


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
    entry = Entry(
        external_id=row["external_id"],
        kind=row["kind"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        occurred_at=row["occurred_at"],
        product_kind=row["product_kind"],
        margin_minor=row["margin_minor"],
        corrects_external_id=row["corrects_external_id"],
    )
    return ImportRow(row["row_number"], entry, row["customer_id"], row["customer_external_id"])
