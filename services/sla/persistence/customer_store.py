"""Customers' tiers, effective-dated."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert

from services.sla.domain.metrics import SubjectKind
from services.sla.persistence.tables import customers, subjects
from shared.db.statements import statement, update
from shared.db.work import Work

TierRow = Mapping[str, Any]

_IDS = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_CHOSEN = sa.select(customers).where(customers.c.id == sa.any_(_IDS)).order_by(customers.c.id)
_SHARE = statement(_CHOSEN.with_for_update(read=True))
_LOCK = statement(_CHOSEN.with_for_update())
_ADD = statement(
    insert(customers)
    .from_select(
        ["id", "tiers"],
        sa.select(sa.func.unnest(_IDS).label("id"), sa.literal_column("'[]'::jsonb")).order_by(sa.text("1")),
    )
    .on_conflict_do_nothing()
    .returning(customers)
)
_SAVE = statement(update(customers, "tiers").where(customers.c.id == sa.bindparam("row_id", type_=sa.Uuid)))
_OF_SUBJECTS = statement(
    sa.select(subjects.c.customer_id)
    .where(subjects.c.id == sa.any_(_IDS), subjects.c.customer_id.is_not(None))
    .distinct()
)
# Subjects that a tier may concern: those still open, and those that started when it was in force already. A closed
# one that is reopened asks for the tiers that it has missed.
_CONCERNED = statement(
    sa.select(subjects.c.id, subjects.c.kind)
    .where(
        subjects.c.customer_id == sa.bindparam("customer_id", type_=sa.Uuid),
        sa.or_(
            subjects.c.is_open,
            subjects.c.opened_at >= sa.bindparam("effective_at", type_=sa.DateTime(timezone=True)),
        ),
    )
    .order_by(subjects.c.id)
)


async def share(work: Work, customer_ids: Iterable[UUID]) -> dict[UUID, list[TierRow]]:
    """Tier histories that stay as they are until the commit: a tier that changes meanwhile comes after it,
    and finds the subjects that this transaction opens."""
    return await _locked(work, customer_ids, _SHARE)


async def lock(work: Work, customer_ids: Iterable[UUID]) -> dict[UUID, list[TierRow]]:
    """Tier histories, to be changed."""
    return await _locked(work, customer_ids, _LOCK)


async def of_subjects(work: Work, subject_ids: Iterable[UUID]) -> set[UUID]:
    """The customers of these subjects, as far as they are known."""
    ids = sorted(set(subject_ids))
    return {row["customer_id"] for row in await work.fetch_all(_OF_SUBJECTS, ids=ids)} if ids else set()


async def save(work: Work, customer_id: UUID, tiers: Sequence[TierRow]) -> None:
    await work.execute(_SAVE, row_id=customer_id, tiers=list(tiers))


async def concerned_subjects(
    work: Work, customer_id: UUID, effective_at: datetime
) -> dict[UUID, SubjectKind]:
    rows = await work.fetch_all(_CONCERNED, customer_id=customer_id, effective_at=effective_at)
    return {row["id"]: SubjectKind(row["kind"]) for row in rows}


async def _locked(work: Work, customer_ids: Iterable[UUID], lock: Any) -> dict[UUID, list[TierRow]]:
    ids = sorted(set(customer_ids))
    if not ids:
        return {}
    rows = await work.fetch_all(lock, ids=ids)
    missing = sorted(set(ids) - {row["id"] for row in rows})
    if missing:
        rows += await work.fetch_all(_ADD, ids=missing)
    if len(rows) < len(ids):
        # Somebody else added them meanwhile and has committed since.
        rows = await work.fetch_all(lock, ids=ids)
    return {row["id"]: list(row["tiers"]) for row in rows}
