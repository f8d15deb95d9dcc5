"""Costs that customers saved: appended, never altered."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.valuation.domain.values.savings import Saving
from services.valuation.persistence.indicator_tables import cost_savings
from services.valuation.persistence.rows import insert_rows, run_rows
from shared.db.statements import statement
from shared.db.work import Session, Work

_NAMES = [column.name for column in cost_savings.columns]
_ADD = insert_rows(cost_savings, suffix="ON CONFLICT (external_id) DO NOTHING")
_BY_EXTERNAL_ID = statement(
    sa.select(cost_savings).where(cost_savings.c.external_id == sa.bindparam("external"))
)
_SUM = statement(
    sa.text(
        "SELECT coalesce(sum(amount_minor), 0)::bigint FROM cost_savings"
        " WHERE customer_id = CAST(:customer_id AS uuid)"
    )
)
_PAGE = statement(
    sa.text(
        "SELECT * FROM cost_savings WHERE customer_id = CAST(:customer_id AS uuid)"
        " AND (CAST(:before AS uuid) IS NULL OR id < CAST(:before AS uuid))"
        " ORDER BY id DESC LIMIT CAST(:limit AS integer)"
    )
)


async def add(work: Work, saving: Saving) -> bool:
    """Append it; False when its external id is taken."""
    row = (
        saving.id,
        saving.external_id,
        saving.customer_id,
        saving.kind,
        saving.amount_minor,
        saving.occurred_at,
        saving.recorded_at,
        str(work.actor),
    )
    return await run_rows(work, _ADD, _NAMES, [row]) == 1


async def find_by_external_id(session: Session, external_id: str) -> Saving | None:
    row = await session.fetch_one(_BY_EXTERNAL_ID, external=external_id)
    return None if row is None else _saving(row)


async def sum_of(session: Session, customer_id: UUID) -> int:
    """All that one customer saved, in minor units."""
    total: int = await session.fetch_value(_SUM, customer_id=customer_id)
    return total


async def page(session: Session, customer_id: UUID, before: UUID | None, limit: int) -> list[Saving]:
    """At most `limit` savings of one customer, the last recorded first."""
    rows = await session.fetch_all(_PAGE, customer_id=customer_id, before=before, limit=limit)
    return [_saving(row) for row in rows]


def _saving(row: Mapping[str, Any]) -> Saving:
    return Saving(
        id=row["id"],
        external_id=row["external_id"],
        customer_id=row["customer_id"],
        kind=row["kind"],
        amount_minor=row["amount_minor"],
        occurred_at=row["occurred_at"],
        recorded_at=row["recorded_at"],
    )
