"""Accounts that went into others, and customers that were erased: the rows that say so."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import sqlalchemy as sa

from services.valuation.persistence.profile_tables import customer_erasures, customer_merges
from shared.db.statements import insert, statement
from shared.db.work import Session, Work

MergeReason = Literal["duplicate", "acquisition", "correction"]
ErasureReason = Literal["customer_request", "retention_ended", "authority_order"]

_ADD_MERGE = statement(insert(customer_merges))
_ADD_ERASURE = statement(insert(customer_erasures))
_LEAD_ON = statement(
    sa.text(
        "UPDATE customers SET merged_into_id = CAST(:survivor AS uuid)"
        " WHERE merged_into_id = CAST(:merged AS uuid) RETURNING id"
    )
)
_EARLIER = statement(
    sa.text(
        "SELECT id, external_id FROM customers WHERE merged_into_id = CAST(:customer_id AS uuid) ORDER BY id"
    )
)
_MARK_ERASED = statement(
    sa.text(
        "UPDATE customers SET erased_at = CAST(:at AS timestamptz), changed_at = CAST(:at AS timestamptz),"
        " changed_by = CAST(:by AS text), version = version + 1 WHERE id = ANY(CAST(:ids AS uuid[]))"
    )
)
_ERASURE = statement(
    sa.select(customer_erasures).where(customer_erasures.c.customer_id == sa.bindparam("customer"))
)


@dataclass(frozen=True, slots=True)
class Merge:
    """`merged_id` went into `survivor_id`, and with it the accounts that had gone into it before.

    moved    rows moved, by table
    version  the survivor's entry's
    """

    merged_id: UUID
    survivor_id: UUID
    earlier_ids: tuple[UUID, ...]
    reason: MergeReason
    moved: dict[str, int]
    merged_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """The proof that a customer was erased: when, why (a code), by whom of the staff, and rows by table."""

    customer_id: UUID
    earlier_ids: tuple[UUID, ...]
    reason: ErasureReason
    erased: dict[str, int]
    erased_at: datetime
    erased_by: str


async def lead_on(work: Work, merged_id: UUID, survivor_id: UUID) -> tuple[UUID, ...]:
    """Let the accounts that went into `merged_id` lead to `survivor_id`; their ids."""
    rows = await work.fetch_all(_LEAD_ON, merged=merged_id, survivor=survivor_id)
    return tuple(sorted(row["id"] for row in rows))


async def earlier_of(session: Session, customer_id: UUID) -> dict[UUID, str | None]:
    """The accounts that went into this one, with what others call them."""
    rows = await session.fetch_all(_EARLIER, customer_id=customer_id)
    return {row["id"]: row["external_id"] for row in rows}


async def add_merge(work: Work, merge: Merge) -> None:
    """Write down a merge."""
    await work.execute(
        _ADD_MERGE,
        merged_id=merge.merged_id,
        survivor_id=merge.survivor_id,
        reason=merge.reason,
        moved=merge.moved,
        merged_at=merge.merged_at,
        merged_by=str(work.actor),
    )


async def add_erasure(work: Work, erasure: Erasure) -> None:
    """Write down an erasure, and mark the entries."""
    ids = [erasure.customer_id, *erasure.earlier_ids]
    await work.execute(_MARK_ERASED, ids=ids, at=erasure.erased_at, by=erasure.erased_by)
    await work.execute(
        _ADD_ERASURE,
        customer_id=erasure.customer_id,
        earlier_ids=list(erasure.earlier_ids),
        reason=erasure.reason,
        erased=erasure.erased,
        erased_at=erasure.erased_at,
        erased_by=erasure.erased_by,
    )


async def find_erasure(session: Session, customer_id: UUID) -> Erasure | None:
    """The proof, or None for a customer who was not erased."""
    row = await session.fetch_one(_ERASURE, customer=customer_id)
    return None if row is None else Erasure(**dict(row) | {"earlier_ids": tuple(row["earlier_ids"])})
