"""The timeline of one ticket, oldest step first."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.ticketing.persistence.tables import timeline
from shared.db.statements import Composed
from shared.db.work import Session


def _steps(used: frozenset[str]) -> sa.Select[Any]:
    conditions = {
        "after": timeline.c.entry_id > sa.bindparam("after", type_=sa.BigInteger),
        "public": timeline.c.audience == sa.literal_column("'public'"),
    }
    shown = [column for column in timeline.columns if column.name != "terms"]
    return (
        sa.select(*shown)
        .where(timeline.c.ticket_id == sa.bindparam("ticket_id", type_=sa.Uuid))
        .where(*(conditions[name] for name in sorted(used)))
        .order_by(timeline.c.entry_id)
        .limit(sa.bindparam("row_limit", type_=sa.Integer))
    )


_STEPS = Composed(_steps)


async def steps(
    session: Session, ticket_id: UUID, *, public_only: bool, after: int | None, limit: int
) -> list[Any]:
    """At most `limit` rows of `timeline` after the entry `after`."""
    used = {"public"} if public_only else set()
    params: dict[str, Any] = {"ticket_id": ticket_id, "row_limit": limit}
    if after is not None:
        used.add("after")
        params["after"] = after
    return await session.fetch_all(_STEPS(frozenset(used)), **params)
