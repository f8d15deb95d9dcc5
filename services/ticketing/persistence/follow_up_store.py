"""Follow-ups: asked at closure, answered once."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.ticketing.domain.follow_up import FollowUp
from services.ticketing.persistence.tables import follow_ups
from shared.db.statements import insert, statement, update
from shared.db.work import Work

_ADD = statement(insert(follow_ups))
_GET = statement(sa.select(follow_ups).where(follow_ups.c.id == sa.bindparam("row_id", type_=sa.Uuid)))
_ANSWER = statement(
    update(follow_ups, "recorded_at", "csat", "nps", "comment").where(
        follow_ups.c.id == sa.bindparam("row_id", type_=sa.Uuid)
    )
)


async def add(work: Work, follow_up: FollowUp) -> None:
    await work.execute(_ADD, **vars(follow_up))


async def get(work: Work, follow_up_id: UUID) -> FollowUp:
    """One that exists: the ticket names it, and the ticket is locked."""
    row: Any = await work.fetch_one(_GET, row_id=follow_up_id)
    return FollowUp(**row)


async def save_answer(work: Work, follow_up: FollowUp) -> None:
    await work.execute(
        _ANSWER,
        row_id=follow_up.id,
        recorded_at=follow_up.recorded_at,
        csat=follow_up.csat,
        nps=follow_up.nps,
        comment=follow_up.comment,
    )
