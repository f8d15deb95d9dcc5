"""What the lists of customers and of their transactions read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa

from services.valuation.persistence.tables import customers, standings, transactions
from shared.db.statements import Composed, statement
from shared.db.work import Session

CustomerSort = Literal["-realised_value", "registered_at"]


@dataclass(frozen=True, slots=True)
class CustomerFilter:
    """Filters that are None do not filter."""

    tier: str | None = None
    external_id: str | None = None
    sort: CustomerSort = "-realised_value"


def _list(key: tuple[bool, bool, CustomerSort, bool]) -> sa.Select[Any]:
    by_tier, by_external_id, sort, after = key
    query = sa.select(
        customers.c.id,
        customers.c.number,
        customers.c.external_id,
        customers.c.kind,
        customers.c.display_name,
        standings.c.tier,
        standings.c.tier_since,
        standings.c.demotes_at,
        standings.c.margin_minor,
        standings.c.spend_minor,
        standings.c.purchases,
        standings.c.last_day,
    ).join(standings, standings.c.customer_id == customers.c.id)
    query = query.where(customers.c.erased_at.is_(None))
    if by_tier:
        query = query.where(standings.c.tier == sa.bindparam("tier_name"))
    if by_external_id:
        query = query.where(customers.c.external_id == sa.bindparam("external"))
    last_id = sa.bindparam("last_id", type_=sa.Uuid)
    if sort == "registered_at":
        query = query.order_by(standings.c.customer_id)
        if after:
            query = query.where(standings.c.customer_id > last_id)
    else:
        query = query.order_by(standings.c.margin_minor.desc(), standings.c.customer_id)
        if after:
            last_value = sa.bindparam("last_value", type_=sa.BigInteger)
            # The first condition alone bounds the index; the second passes over ties already shown.
            query = query.where(
                standings.c.margin_minor <= last_value,
                sa.or_(standings.c.margin_minor < last_value, standings.c.customer_id > last_id),
            )
    return query.limit(sa.bindparam("limit", type_=sa.Integer))


_LIST = Composed(_list)
_TRANSACTIONS = Composed(
    lambda after: (
        sa.select(transactions)
        .where(
            transactions.c.customer_id == sa.bindparam("customer"),
            *(
                [
                    sa.tuple_(transactions.c.occurred_at, transactions.c.id)
                    < sa.tuple_(
                        sa.bindparam("last_at", type_=transactions.c.occurred_at.type),
                        sa.bindparam("last_id", type_=sa.Uuid),
                    )
                ]
                if after
                else []
            ),
        )
        .order_by(transactions.c.occurred_at.desc(), transactions.c.id.desc())
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )
)
_REALISED = statement(
    sa.text(
        "SELECT net_margin_source AS source, count(*) AS purchases, sum(net_amount_minor)::bigint AS amount_minor,"
        " sum(net_margin_minor)::bigint AS margin_minor FROM transactions"
        " WHERE customer_id = CAST(:customer_id AS uuid) AND net_day IS NOT NULL"
        " GROUP BY net_margin_source ORDER BY net_margin_source"
    )
)


async def list_customers(
    session: Session, wanted: CustomerFilter, after: tuple[Any, ...] | None, limit: int
) -> list[Any]:
    """Rows of the register with their standing; `after` is (value, id) or (id,) by the sort."""
    params: dict[str, Any] = {"limit": limit}
    if wanted.tier is not None:
        params["tier_name"] = wanted.tier
    if wanted.external_id is not None:
        params["external"] = wanted.external_id
    if after is not None:
        names = ("last_id",) if wanted.sort == "registered_at" else ("last_value", "last_id")
        params |= dict(zip(names, after, strict=True))
    key = (wanted.tier is not None, wanted.external_id is not None, wanted.sort, after is not None)
    return await session.fetch_all(_LIST(key), **params)


async def list_transactions(
    session: Session, customer_id: UUID, after: tuple[datetime, UUID] | None, limit: int
) -> list[Any]:
    """A customer's rows of the ledger, the latest first."""
    params: dict[str, Any] = {"customer": customer_id, "limit": limit}
    if after is not None:
        params |= {"last_at": after[0], "last_id": after[1]}
    return await session.fetch_all(_TRANSACTIONS(after is not None), **params)


async def realised_by_source(session: Session, customer_id: UUID) -> list[Any]:
    """Count, amount and margin of the purchases that count, by where their margin came from."""
    return await session.fetch_all(_REALISED, customer_id=customer_id)
