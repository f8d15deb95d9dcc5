"""The history of tiers: appended, never altered."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.valuation.domain.standing import TierChange
from services.valuation.persistence.rows import insert_rows, run_rows
from services.valuation.persistence.tables import tier_changes
from shared.db.statements import statement
from shared.db.work import Session, Work

_NAMES = [column.name for column in tier_changes.columns]
_ADD = insert_rows(tier_changes)
# The promotions after the last change that was none: those a corrected ledger may take back.
_PROMOTIONS = statement(
    sa.text(
        "SELECT c.* FROM tier_changes AS c WHERE c.customer_id = ANY(CAST(:ids AS uuid[]))"
        " AND c.reason = 'promotion' AND c.sequence > (SELECT max(o.sequence) FROM tier_changes AS o"
        " WHERE o.customer_id = c.customer_id AND o.reason <> 'promotion')"
        " ORDER BY c.customer_id, c.sequence DESC"
    )
)
_LATEST = statement(
    sa.text(
        "SELECT * FROM tier_changes WHERE customer_id = CAST(:customer_id AS uuid) ORDER BY sequence DESC LIMIT 1"
    )
)
_PAGE = statement(
    sa.text(
        "SELECT * FROM tier_changes WHERE customer_id = CAST(:customer_id AS uuid)"
        " AND sequence < CAST(:before AS bigint) ORDER BY sequence DESC LIMIT CAST(:limit AS integer)"
    )
)


async def add_many(work: Work, changes: Sequence[TierChange]) -> None:
    """Append lines of history."""
    rows = [
        (
            one.customer_id,
            one.sequence,
            one.tier,
            one.previous_tier,
            one.reason,
            one.rule_version,
            one.value_minor,
            one.threshold_minor,
            one.effective_at,
            one.override_id,
        )
        for one in changes
    ]
    await run_rows(work, _ADD, _NAMES, rows)


async def standing_promotions(session: Session, customer_ids: Sequence[UUID]) -> dict[UUID, list[TierChange]]:
    """For each customer the promotions since the last other change of tier, newest first."""
    found: dict[UUID, list[TierChange]] = {}
    if customer_ids:
        for row in await session.fetch_all(_PROMOTIONS, ids=list(customer_ids)):
            found.setdefault(row["customer_id"], []).append(_change(row))
    return found


async def latest(session: Session, customer_id: UUID) -> TierChange | None:
    """How the tier held came about, or None for a customer that is not known."""
    row = await session.fetch_one(_LATEST, customer_id=customer_id)
    return None if row is None else _change(row)


async def page(session: Session, customer_id: UUID, before: int, limit: int) -> list[TierChange]:
    """At most `limit` lines with a sequence below `before`, newest first."""
    rows = await session.fetch_all(_PAGE, customer_id=customer_id, before=before, limit=limit)
    return [_change(row) for row in rows]


def _change(row: Mapping[str, Any]) -> TierChange:
    return TierChange(**{name: row[name] for name in _NAMES})
