"""What sla told of the clocks of complaints: a read table, and the one column of `complaints` it feeds."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from services.complaints.domain.clock_reading import ClockReading, ClockState
from services.complaints.domain.complaint import Complaint
from services.complaints.persistence.tables import AT, clocks, complaints
from shared.db.statements import insert, statement
from shared.db.work import Session, Work

_id = sa.bindparam("row_id", type_=sa.Uuid)
_OF = statement(
    sa.select(clocks)
    .where(clocks.c.complaint_id == _id)
    .order_by(clocks.c.metric, clocks.c.clock_id, clocks.c.cycle)
)
_OF_MANY = statement(
    sa.select(clocks)
    .where(clocks.c.complaint_id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
    .order_by(clocks.c.metric, clocks.c.clock_id, clocks.c.cycle)
)
_put: Any = insert(clocks)
_PUT = statement(
    _put.on_conflict_do_update(
        index_elements=[clocks.c.clock_id, clocks.c.cycle],
        set_={column.name: _put.excluded[column.name] for column in clocks.columns if not column.primary_key},
    )
)
_SET_OVERDUE = statement(
    sa.update(complaints)
    .where(complaints.c.id == _id)
    .values(overdue_from=sa.bindparam("overdue_since", type_=AT))
)


async def of_complaint(session: Session, complaint_id: UUID) -> list[ClockReading]:
    """All readings of a complaint. Read after locking it, they cannot change before commit."""
    return [_reading_of(row) for row in await session.fetch_all(_OF, row_id=complaint_id)]


async def of_complaints(session: Session, complaint_ids: Sequence[UUID]) -> dict[UUID, list[ClockReading]]:
    """The readings of many complaints at once."""
    found: dict[UUID, list[ClockReading]] = {}
    for row in await session.fetch_all(_OF_MANY, ids=list(complaint_ids)):
        found.setdefault(row["complaint_id"], []).append(_reading_of(row))
    return found


async def put(work: Work, reading: ClockReading) -> None:
    """Store a reading; its complaint is locked."""
    await work.execute(_PUT, **asdict(reading))


async def set_overdue_from(work: Work, complaint: Complaint, readings: Sequence[ClockReading]) -> None:
    """From when on the complaint is overdue: the earliest of its open clocks; nothing when that stays."""
    instants = [reading.overdue_from for reading in readings if reading.overdue_from is not None]
    overdue_from = min(instants, default=None)
    if overdue_from != complaint.overdue_from:
        await work.execute(_SET_OVERDUE, row_id=complaint.id, overdue_since=overdue_from)


def _reading_of(row: Any) -> ClockReading:
    return ClockReading(**{**dict(row), "state": ClockState(row["state"])})
