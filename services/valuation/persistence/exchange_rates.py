"""Rates of exchange, by currency and day."""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import asyncpg
import sqlalchemy as sa

from services.valuation.domain.exchange.rates import ExchangeRate
from services.valuation.persistence.exchange_tables import exchange_rates
from shared.db.statements import Composed, insert, statement
from shared.db.work import Session, Work
from shared.kernel.errors import PreconditionFailedError

_ADD = statement(insert(exchange_rates))
_OF_DAY = statement(
    sa.select(exchange_rates)
    .where(
        exchange_rates.c.currency == sa.bindparam("wanted_currency"),
        exchange_rates.c.effective_on == sa.bindparam("day", type_=sa.Date),
    )
    .order_by(exchange_rates.c.version.desc())
    .limit(sa.bindparam("one", 1, type_=sa.Integer))
)
_IN_FORCE = statement(
    sa.text(
        "SELECT w.wanted, w.day, r.* FROM unnest(CAST(:currencies AS text[]), CAST(:days AS date[]))"
        " AS w (wanted, day) JOIN LATERAL (SELECT * FROM exchange_rates AS e WHERE e.currency = w.wanted"
        " AND e.effective_on <= w.day ORDER BY e.effective_on DESC, e.version DESC LIMIT 1) AS r ON true"
    )
)


def _list(key: tuple[bool, bool]) -> sa.Select[Any]:
    by_currency, after = key
    table = exchange_rates.c
    other = exchange_rates.alias("other").c
    newest = (
        sa.select(sa.func.max(other.version))
        .where(other.currency == table.currency, other.effective_on == table.effective_on)
        .scalar_subquery()
    )
    query = sa.select(exchange_rates).where(table.version == newest)
    if by_currency:
        query = query.where(table.currency == sa.bindparam("wanted_currency"))
    if after:
        last_currency = sa.bindparam("last_currency", type_=sa.Text)
        last_day = sa.bindparam("last_day", type_=sa.Date)
        query = query.where(
            table.currency >= last_currency,
            sa.or_(table.currency > last_currency, table.effective_on < last_day),
        )
    return query.order_by(table.currency, table.effective_on.desc()).limit(
        sa.bindparam("limit", type_=sa.Integer)
    )


_LIST = Composed(_list)


async def of_day(session: Session, currency: str, day: date) -> ExchangeRate | None:
    """The rate set for this very day."""
    row = await session.fetch_one(_OF_DAY, wanted_currency=currency, day=day)
    return None if row is None else _rate(row)


async def in_force(
    session: Session, wanted: Collection[tuple[str, date]]
) -> dict[tuple[str, date], ExchangeRate]:
    """The rate that holds on each day, where there is one."""
    if not wanted:
        return {}
    currencies, days = zip(*wanted, strict=True)
    rows = await session.fetch_all(_IN_FORCE, currencies=list(currencies), days=list(days))
    return {(row["wanted"], row["day"]): _rate(row) for row in rows}


async def listed(
    session: Session, currency: str | None, after: tuple[str, date] | None, limit: int
) -> list[ExchangeRate]:
    """At most `limit` rates, by currency, the latest day first."""
    params: dict[str, Any] = {"limit": limit}
    if currency is not None:
        params["wanted_currency"] = currency
    if after is not None:
        params |= {"last_currency": after[0], "last_day": after[1]}
    rows = await session.fetch_all(_LIST((currency is not None, after is not None)), **params)
    return [_rate(row) for row in rows]


async def add(work: Work, rate: ExchangeRate) -> None:
    """Add a version. Raises `PreconditionFailedError` when somebody else added it in the meantime."""
    try:
        await work.execute(
            _ADD,
            currency=rate.currency,
            effective_on=rate.effective_on,
            version=rate.version,
            rate=rate.rate,
            set_at=rate.set_at,
            set_by=str(work.actor),
        )
    except asyncpg.exceptions.UniqueViolationError as error:
        raise PreconditionFailedError from error


def _rate(row: Mapping[str, Any]) -> ExchangeRate:
    return ExchangeRate(
        row["currency"], row["effective_on"], row["version"], Decimal(row["rate"]), row["set_at"]
    )
