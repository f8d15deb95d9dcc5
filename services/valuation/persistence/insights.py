"""Insights: added once a cause, locked, saved, expired."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.valuation.domain.insights.errors import InsightNotFoundError
from services.valuation.domain.insights.insight import Insight
from services.valuation.domain.insights.insight_status import TRANSITIONS, InsightCommand, InsightStatus
from services.valuation.domain.insights.rules import InsightKind
from services.valuation.persistence.insight_tables import insights
from services.valuation.persistence.rows import insert_rows
from shared.db.statements import Composed, statement, update
from shared.db.work import Session, Work

_NAMES = [column.name for column in insights.columns]
_CHANGING = ("status", "taken_at", "taken_by", "ended_at", "ended_by", "outcome", "note", "version")
_ADD = insert_rows(insights, suffix="ON CONFLICT (kind, cause) DO NOTHING RETURNING id")
# The control group is nobody's to see: acting on it would spoil the comparison.
_SHOWN = statement(
    sa.select(insights).where(insights.c.id == sa.bindparam("insight_id"), ~insights.c.is_control)
)
_LOCKED = statement(
    sa.select(insights)
    .where(insights.c.id == sa.bindparam("insight_id"), ~insights.c.is_control)
    .with_for_update()
)
_SAVE = statement(update(insights, *_CHANGING).where(insights.c.id == sa.bindparam("insight_id")))
[_EXPIRY] = [row for row in TRANSITIONS if row.command is InsightCommand.EXPIRE]
_EXPIRE = statement(
    sa.text(
        "WITH late AS (SELECT id FROM insights WHERE expires_at <= CAST(:at AS timestamptz)"
        " AND status = ANY (ARRAY['open'::text, 'taken'::text])"
        " ORDER BY expires_at, id LIMIT CAST(:limit AS integer) FOR UPDATE SKIP LOCKED)"
        " UPDATE insights AS i SET status = CAST(:expired AS text), ended_at = CAST(:at AS timestamptz),"
        " ended_by = CAST(:actor AS text), version = i.version + 1 FROM late WHERE i.id = late.id"
    )
)
_NEXT_EXPIRY = statement(
    sa.text("SELECT min(expires_at) FROM insights WHERE status = ANY (ARRAY['open'::text, 'taken'::text])")
)
_RAISED_SINCE = statement(
    sa.text(
        "SELECT DISTINCT customer_id FROM insights WHERE customer_id = ANY(CAST(:ids AS uuid[]))"
        " AND kind = CAST(:kind AS text) AND raised_at > CAST(:since AS timestamptz)"
    )
)


def _page(key: tuple[bool, bool, bool, bool]) -> sa.Select[Any]:
    by_status, by_customer, by_kind, after = key
    query = sa.select(insights).where(~insights.c.is_control)
    if by_status:
        query = query.where(insights.c.status == sa.bindparam("wanted_status", type_=sa.Text))
    if by_customer:
        query = query.where(insights.c.customer_id == sa.bindparam("customer", type_=sa.Uuid))
    if by_kind:
        query = query.where(insights.c.kind == sa.bindparam("wanted_kind", type_=sa.Text))
    if after:
        query = query.where(insights.c.id < sa.bindparam("before", type_=sa.Uuid))
    return query.order_by(insights.c.id.desc()).limit(sa.bindparam("limit", type_=sa.Integer))


_PAGE = Composed(_page)


async def add_new(work: Work, found: Sequence[Insight]) -> set[UUID]:
    """Add insights; the ids of those whose cause was new."""
    if not found:
        return set()
    rows = [
        tuple(
            json.dumps(one.facts) if name == "facts" else str(value) if name == "status" else value
            for name in _NAMES
            for value in (getattr(one, name),)
        )
        for one in found
    ]
    columns = dict(zip(_NAMES, map(list, zip(*rows, strict=True)), strict=True))
    return {row["id"] for row in await work.fetch_all(_ADD, **columns)}


async def find(session: Session, insight_id: UUID) -> Insight:
    """Raises `InsightNotFoundError`, also for one of the control group."""
    return _shown(await session.fetch_one(_SHOWN, insight_id=insight_id))


async def lock(work: Work, insight_id: UUID) -> Insight:
    """The insight, locked until the command ends. Raises `InsightNotFoundError` as `find` does."""
    return _shown(await work.fetch_one(_LOCKED, insight_id=insight_id))


async def save(work: Work, insight: Insight) -> None:
    """Write what may change."""
    row = {name: getattr(insight, name) for name in _CHANGING}
    await work.execute(_SAVE, insight_id=insight.id, **row | {"status": insight.status.value})


async def page(
    session: Session,
    *,
    status: InsightStatus | None,
    customer_id: UUID | None,
    kind: InsightKind | None,
    before: UUID | None,
    limit: int,
) -> list[Insight]:
    """At most `limit` insights that are shown, the latest first; filters that are None do not filter."""
    wanted: dict[str, Any] = {
        "wanted_status": None if status is None else status.value,
        "customer": customer_id,
        "wanted_kind": kind,
        "before": before,
    }
    key = tuple(value is not None for value in wanted.values())
    given = {name: value for name, value in wanted.items() if value is not None}
    return [_insight(row) for row in await session.fetch_all(_PAGE(key), **given, limit=limit)]


async def expire(work: Work, limit: int) -> int:
    """Expire at most `limit` insights whose time has passed; how many. As `TRANSITIONS` has it."""
    return await work.execute(
        _EXPIRE, at=work.now, limit=limit, expired=_EXPIRY.target.value, actor=str(work.actor)
    )


async def next_expiry_at(session: Session) -> datetime | None:
    """When the next insight expires."""
    due: datetime | None = await session.fetch_value(_NEXT_EXPIRY)
    return due


async def raised_since(
    session: Session, customer_ids: Sequence[UUID], kind: InsightKind, since: datetime
) -> set[UUID]:
    """Those customers for whom an insight of this kind was raised after `since`."""
    rows = await session.fetch_all(_RAISED_SINCE, ids=list(customer_ids), kind=kind, since=since)
    return {row["customer_id"] for row in rows}


def _shown(row: Mapping[str, Any] | None) -> Insight:
    if row is None:
        raise InsightNotFoundError
    return _insight(row)


def _insight(row: Mapping[str, Any]) -> Insight:
    facts = {name: row[name] for name in _NAMES}
    return Insight(**facts | {"status": InsightStatus(facts["status"])})
