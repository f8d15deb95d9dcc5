"""What reports read: which subjects something happened to in a range, and their ledgers as known at an instant."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from services.sla.domain.metrics import SubjectKind
from services.sla.domain.subject import Subject
from services.sla.persistence.clock_rows import entry_of
from services.sla.persistence.tables import ledger, subjects
from shared.db.statements import Statement, statement
from shared.db.work import Session

_AT = sa.DateTime(timezone=True)
_IDS = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
# Clocks start at the instant of a line, or at the one to which a correction moves it: nobody else can be meant.
_CONCERNED = Statement(
    "SELECT subject_id FROM ledger WHERE occurred_at >= $1 AND occurred_at < $2 "
    "UNION SELECT subject_id FROM ledger WHERE kind = 'corrected' "
    "AND (data->>'occurred_at')::timestamptz >= $1 AND (data->>'occurred_at')::timestamptz < $2 "
    "ORDER BY subject_id LIMIT $3",
    ("start_at", "end_at", "limit"),
    {},
)
_SUBJECTS = statement(
    sa.select(subjects.c.id, subjects.c.kind, subjects.c.revision).where(subjects.c.id == sa.any_(_IDS))
)
_LINES = statement(
    sa.select(ledger).where(
        ledger.c.subject_id == sa.any_(_IDS),
        sa.func.coalesce(ledger.c.stored_at, ledger.c.recorded_at) <= sa.bindparam("known_at", type_=_AT),
    )
)


async def concerned(session: Session, start_at: datetime, end_at: datetime, limit: int) -> list[UUID]:
    """Subjects with which something may have begun in the range, in order of id."""
    rows = await session.fetch_all(_CONCERNED, start_at=start_at, end_at=end_at, limit=limit)
    return [row["subject_id"] for row in rows]


async def as_known_at(session: Session, ids: Sequence[UUID], known_at: datetime) -> list[Subject]:
    """Subjects with the lines that sla had stored by then. Lines older than that column count as recorded."""
    found: dict[UUID, Any] = {
        row["id"]: Subject(id=row["id"], kind=SubjectKind(row["kind"]), revision=row["revision"])
        for row in await session.fetch_all(_SUBJECTS, ids=list(ids))
    }
    for row in await session.fetch_all(_LINES, ids=list(ids), known_at=known_at):
        found[row["subject_id"]].entries.append(entry_of(row))
    return list(found.values())
