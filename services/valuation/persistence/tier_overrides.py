"""Overrides as recorded: a decision is written once, and its end is noted on it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.valuation.domain.tiering.errors import TierOverrideNotFoundError
from services.valuation.domain.tiering.overrides import EndedOverride, TierOverride
from services.valuation.persistence.rows import run_rows
from services.valuation.persistence.tiering_tables import tier_overrides
from shared.db.statements import Statement, insert, statement
from shared.db.work import Session, Work

_NAMES = [column.name for column in tier_overrides.columns]
_ADD = statement(insert(tier_overrides))
_BY_ID = statement(sa.select(tier_overrides).where(tier_overrides.c.id == sa.bindparam("override_id")))
_LOCKED = statement(
    sa.select(tier_overrides).where(tier_overrides.c.id == sa.bindparam("override_id")).with_for_update()
)
_PAGE = statement(
    sa.text(
        "SELECT * FROM tier_overrides WHERE customer_id = CAST(:customer_id AS uuid)"
        " AND (CAST(:before AS uuid) IS NULL OR id < CAST(:before AS uuid))"
        " ORDER BY id DESC LIMIT CAST(:limit AS integer)"
    )
)
_SAVE_END = statement(
    sa.text(
        "UPDATE tier_overrides SET ended_at = CAST(:ended_at AS timestamptz), ended_how = CAST(:ended_how AS text),"
        " ended_by = CAST(:ended_by AS text), end_reason = CAST(:end_reason AS text),"
        " version = CAST(:version AS integer) WHERE id = CAST(:id AS uuid)"
    )
)
# What a person has ended already keeps its reason.
_END_MANY = Statement(
    "UPDATE tier_overrides AS t SET ended_at = r.at, ended_how = r.how, ended_by = r.who, version = t.version + 1"
    " FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[]) AS r (id, at, how, who)"
    " WHERE t.id = r.id AND t.ended_at IS NULL",
    ("id", "at", "how", "who"),
    {},
)


async def add(work: Work, override: TierOverride) -> None:
    """Record a decision."""
    await work.execute(_ADD, **{name: getattr(override, name) for name in _NAMES})


async def require(session: Session, override_id: UUID) -> TierOverride:
    """Raises `TierOverrideNotFoundError`."""
    row = await session.fetch_one(_BY_ID, override_id=override_id)
    if row is None:
        raise TierOverrideNotFoundError
    return _override(row)


async def lock(work: Work, override_id: UUID) -> TierOverride:
    """The override, locked until the command ends. Raises `TierOverrideNotFoundError`."""
    row = await work.fetch_one(_LOCKED, override_id=override_id)
    if row is None:
        raise TierOverrideNotFoundError
    return _override(row)


async def save_end(work: Work, override: TierOverride) -> None:
    """Note on a locked override how a person ended it."""
    names = ("id", "ended_at", "ended_how", "ended_by", "end_reason", "version")
    await work.execute(_SAVE_END, **{name: getattr(override, name) for name in names})


async def end_many(work: Work, ended: Sequence[EndedOverride]) -> None:
    """Note on overrides that standings let them go."""
    rows = [(one.id, one.at, one.how, str(work.actor)) for one in ended]
    await run_rows(work, _END_MANY, ("id", "at", "how", "who"), rows)


async def page(session: Session, customer_id: UUID, before: UUID | None, limit: int) -> list[TierOverride]:
    """At most `limit` overrides of a customer older than `before`, newest first."""
    rows = await session.fetch_all(_PAGE, customer_id=customer_id, before=before, limit=limit)
    return [_override(row) for row in rows]


def _override(row: Mapping[str, Any]) -> TierOverride:
    return TierOverride(**{name: row[name] for name in _NAMES})
