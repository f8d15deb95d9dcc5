"""Margin rates by product kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from services.valuation.persistence.rows import insert_rows, run_rows
from services.valuation.persistence.tables import margin_rates
from shared.db.statements import statement
from shared.db.work import Session, Work

_ALL = statement(sa.select(margin_rates).order_by(margin_rates.c.product_kind))
_BY_KIND = statement(sa.select(margin_rates).where(margin_rates.c.product_kind == sa.bindparam("kind")))
_LOCKED = statement(
    sa.select(margin_rates).where(margin_rates.c.product_kind == sa.bindparam("kind")).with_for_update()
)
_PUT = insert_rows(
    margin_rates,
    suffix=(
        "ON CONFLICT (product_kind) DO UPDATE SET rate = excluded.rate, version = excluded.version,"
        " changed_at = excluded.changed_at, changed_by = excluded.changed_by"
        " WHERE margin_rates.version + 1 = excluded.version"
    ),
)


@dataclass(frozen=True, slots=True)
class MarginRate:
    """The share of the amount that is margin, for one product kind."""

    product_kind: str
    rate: Decimal
    version: int
    changed_at: datetime


async def all_rates(session: Session) -> dict[str, Decimal]:
    """Rate by product kind."""
    return {row["product_kind"]: Decimal(row["rate"]) for row in await session.fetch_all(_ALL)}


async def listed(session: Session) -> list[MarginRate]:
    """All rates by product kind; there are as many as kinds of products."""
    return [_rate(row) for row in await session.fetch_all(_ALL)]


async def find(session: Session, product_kind: str) -> MarginRate | None:
    row = await session.fetch_one(_BY_KIND, kind=product_kind)
    return None if row is None else _rate(row)


async def lock(work: Work, product_kind: str) -> MarginRate | None:
    row = await work.fetch_one(_LOCKED, kind=product_kind)
    return None if row is None else _rate(row)


async def put(work: Work, rate: MarginRate) -> bool:
    """Set the rate: bookings from now on use it. False when somebody else set it in the meantime."""
    row = (rate.product_kind, rate.rate, rate.version, rate.changed_at, str(work.actor))
    names = [column.name for column in margin_rates.columns]
    return await run_rows(work, _PUT, names, [row]) == 1


def _rate(row: Mapping[str, Any]) -> MarginRate:
    return MarginRate(row["product_kind"], Decimal(row["rate"]), row["version"], row["changed_at"])
