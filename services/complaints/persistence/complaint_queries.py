"""Lists: complaints by filter, the timeline of one. Keyset pages, an index behind each order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from services.complaints.domain.complaint import Complaint
from services.complaints.persistence.complaint_rows import complaint_of
from services.complaints.persistence.tables import AT, complaints, timeline
from shared.db.statements import Composed
from shared.db.work import Session

EQUAL = {
    "status": sa.Text,
    "owner_id": sa.Text,
    "channel": sa.Text,
    "severity": sa.Text,
    "customer_id": sa.Uuid,
    "external_number": sa.Text,
    "follows_complaint_id": sa.Uuid,
}


@dataclass(frozen=True, kw_only=True)
class ComplaintFilter:
    """What a list is restricted to; None restricts nothing. `overdue_at`: overdue at this instant."""

    status: str | None = None
    owner_id: str | None = None
    channel: str | None = None
    severity: str | None = None
    customer_id: UUID | None = None
    external_number: str | None = None
    follows_complaint_id: UUID | None = None
    overdue_at: datetime | None = None

    def given(self) -> dict[str, Any]:
        return {name: value for name in (*EQUAL, "overdue_at") if (value := getattr(self, name)) is not None}


def _complaints(key: tuple[str, ...]) -> sa.Select[Any]:
    query = sa.select(complaints)
    for name in key:
        if name == "overdue_at":
            overdue_at = sa.bindparam("overdue_at", type_=AT)
            query = query.where(
                complaints.c.overdue_from.is_not(None), complaints.c.overdue_from <= overdue_at
            )
        elif name == "after":
            before = sa.tuple_(
                sa.bindparam("after_received_at", type_=AT), sa.bindparam("after_id", type_=sa.Uuid)
            )
            query = query.where(sa.tuple_(complaints.c.received_at, complaints.c.id) < before)
        else:
            query = query.where(complaints.c[name] == sa.bindparam(name, type_=EQUAL[name]))
    newest_first = (complaints.c.received_at.desc(), complaints.c.id.desc())
    return query.order_by(*newest_first).limit(sa.bindparam("row_limit", type_=sa.Integer))


def _timeline(key: tuple[str, ...]) -> sa.Select[Any]:
    query = sa.select(timeline).where(timeline.c.complaint_id == sa.bindparam("row_id", type_=sa.Uuid))
    if "after" in key:
        query = query.where(timeline.c.id > sa.bindparam("after_id", type_=sa.BigInteger))
    if "kinds" in key:
        query = query.where(timeline.c.kind == sa.any_(sa.bindparam("kinds", type_=ARRAY(sa.Text))))
    return query.order_by(timeline.c.id).limit(sa.bindparam("row_limit", type_=sa.Integer))


_COMPLAINTS = Composed(_complaints)
_TIMELINE = Composed(_timeline)


async def find_complaints(
    session: Session, wanted: ComplaintFilter, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[Complaint]:
    """Newest first; at most `limit`, from behind `after` on."""
    params = wanted.given()
    key = tuple(params)
    if after is not None:
        key = (*key, "after")
        params |= {"after_received_at": after[0], "after_id": after[1]}
    rows = await session.fetch_all(_COMPLAINTS(key), **params, row_limit=limit)
    return [complaint_of(row) for row in rows]


async def find_timeline(
    session: Session, complaint_id: UUID, *, kinds: Sequence[str] | None, after: int | None, limit: int
) -> list[Any]:
    """Oldest first: rows of the timeline, of the given kinds only if any are given."""
    params: dict[str, Any] = {"row_id": complaint_id, "row_limit": limit}
    if after is not None:
        params |= {"after_id": after}
    if kinds is not None:
        params |= {"kinds": list(kinds)}
    key = ("after",) * (after is not None) + ("kinds",) * (kinds is not None)
    return await session.fetch_all(_TIMELINE(key), **params)
