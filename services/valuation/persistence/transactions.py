"""The ledger's rows: appended many at once; only a purchase's net columns are ever written again."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import sqlalchemy as sa

from services.valuation.domain.days import ReviewCalendar
from services.valuation.domain.errors import LedgerRaceError
from services.valuation.domain.exchange.rates import Exchange
from services.valuation.domain.ledger import DayValue, Entry, Margin, Net, Transaction
from services.valuation.persistence.rows import add_rows, insert_rows, run_rows, update_rows
from services.valuation.persistence.tables import transactions
from shared.db.statements import statement
from shared.db.work import Session, Work

_NAMES = [column.name for column in transactions.columns]
_NET = ["net_amount_minor", "net_margin_minor", "net_margin_source", "net_occurred_at", "net_day"]
_ADD = insert_rows(transactions)
_SAVE_NETS = update_rows(transactions, "id", _NET)
_BY_ID = statement(sa.select(transactions).where(transactions.c.id == sa.bindparam("transaction_id")))
_BY_EXTERNAL_IDS = statement(
    sa.text("SELECT * FROM transactions WHERE external_id = ANY(CAST(:external_ids AS text[]))")
)
_AMENDMENTS = statement(
    sa.text("SELECT * FROM transactions WHERE corrects_id = ANY(CAST(:ids AS uuid[])) ORDER BY id")
)
_OF_CUSTOMERS = statement(
    sa.text("SELECT * FROM transactions WHERE customer_id = ANY(CAST(:ids AS uuid[])) ORDER BY id")
)
_DAYS = statement(
    sa.text(
        "SELECT customer_id, net_day, sum(net_amount_minor)::bigint AS amount_minor,"
        " sum(net_margin_minor)::bigint AS margin_minor, count(*)::integer AS purchases FROM transactions"
        " WHERE customer_id = ANY(CAST(:ids AS uuid[])) AND net_day >= CAST(:since AS date)"
        " GROUP BY customer_id, net_day ORDER BY customer_id, net_day"
    )
)

THE_BEGINNING = date(1, 1, 1)


async def add_many(
    work: Work,
    added: Sequence[tuple[Transaction, Net | None]],
    calendar: ReviewCalendar,
    import_id: UUID | None,
) -> None:
    """Append rows, purchases with their net. Raises `LedgerRaceError` when an external id was just taken."""
    recorded_by = str(work.actor)
    rows = [
        (
            one.id,
            one.entry.external_id,
            one.customer_id,
            one.entry.kind,
            one.entry.amount_minor,
            one.entry.currency,
            one.entry.occurred_at,
            one.entry.product_kind,
            one.margin.minor,
            one.margin.source,
            one.margin.rate,
            one.corrects_id,
            one.entry.corrects_external_id,
            import_id,
            one.recorded_at,
            recorded_by,
            *_net_values(net, calendar),
            *_exchange_values(one),
        )
        for one, net in added
    ]
    try:
        await add_rows(work, transactions, _ADD, _NAMES, rows)
    except asyncpg.exceptions.UniqueViolationError as error:
        raise LedgerRaceError from error


async def save_nets(work: Work, nets: Mapping[UUID, Net], calendar: ReviewCalendar) -> None:
    """What amendments leave of purchases that were in the ledger before."""
    rows = [(purchase_id, *_net_values(net, calendar)) for purchase_id, net in nets.items()]
    await run_rows(work, _SAVE_NETS, ["id", *_NET], rows)


async def find(session: Session, transaction_id: UUID) -> tuple[Transaction, Net | None] | None:
    """A row with its net (None for refunds and corrections), or None."""
    row = await session.fetch_one(_BY_ID, transaction_id=transaction_id)
    return None if row is None else (transaction_of(row), net_of_row(row))


async def by_external_ids(session: Session, external_ids: Sequence[str]) -> dict[str, Transaction]:
    """Those of the named rows that the ledger holds."""
    rows = await session.fetch_all(_BY_EXTERNAL_IDS, external_ids=list(external_ids))
    return {row["external_id"]: transaction_of(row) for row in rows}


async def amendments_of(session: Session, purchase_ids: Sequence[UUID]) -> dict[UUID, list[Transaction]]:
    """Refunds and corrections by the purchase that they refer to."""
    found: dict[UUID, list[Transaction]] = {}
    if purchase_ids:
        for row in await session.fetch_all(_AMENDMENTS, ids=list(purchase_ids)):
            found.setdefault(row["corrects_id"], []).append(transaction_of(row))
    return found


async def of_customers(
    session: Session, customer_ids: Sequence[UUID]
) -> dict[UUID, list[tuple[Transaction, Net | None]]]:
    """All rows of each customer, with the nets as stored."""
    found: dict[UUID, list[tuple[Transaction, Net | None]]] = {one: [] for one in customer_ids}
    for row in await session.fetch_all(_OF_CUSTOMERS, ids=list(customer_ids)):
        found[row["customer_id"]].append((transaction_of(row), net_of_row(row)))
    return found


async def days_of(
    session: Session, customer_ids: Sequence[UUID], since: date = THE_BEGINNING
) -> dict[UUID, list[DayValue]]:
    """What each customer's purchases come to, by day from `since` on, oldest first."""
    found: dict[UUID, list[DayValue]] = {one: [] for one in customer_ids}
    if customer_ids:
        for row in await session.fetch_all(_DAYS, ids=list(customer_ids), since=since):
            day = DayValue(row["net_day"], row["amount_minor"], row["margin_minor"], row["purchases"])
            found[row["customer_id"]].append(day)
    return found


def transaction_of(row: Mapping[str, Any]) -> Transaction:
    """A booked row of the ledger from its columns."""
    source, exchange = row["margin_source"], _exchange(row)
    given = row["margin_minor"] if exchange is None else row["given_margin_minor"]
    return Transaction(
        id=row["id"],
        customer_id=row["customer_id"],
        entry=Entry(
            external_id=row["external_id"],
            kind=row["kind"],
            amount_minor=row["amount_minor"],
            currency=row["currency"],
            occurred_at=row["occurred_at"],
            product_kind=row["product_kind"],
            margin_minor=given if source == "given" else None,
            corrects_external_id=row["corrects_external_id"],
        ),
        margin=Margin(row["margin_minor"], source, row["margin_rate"]),
        corrects_id=row["corrects_id"],
        recorded_at=row["recorded_at"],
        exchange=exchange,
    )


def _exchange(row: Mapping[str, Any]) -> Exchange | None:
    rate = row["exchange_rate"]
    if rate is None:
        return None
    return Exchange(row["ledger_amount_minor"], rate, row["exchange_day"], row["exchange_version"])


def _exchange_values(one: Transaction) -> tuple[Any, ...]:
    exchange = one.exchange
    if exchange is None:
        return (None, None, None, None, None)
    given = one.entry.margin_minor
    return (exchange.amount_minor, given, exchange.rate, exchange.effective_on, exchange.version)


def net_of_row(row: Mapping[str, Any]) -> Net | None:
    """The net as stored, or None for what is no purchase."""
    if row["net_amount_minor"] is None:
        return None
    return Net(
        row["net_amount_minor"],
        row["net_margin_minor"],
        row["net_margin_source"],
        row["net_occurred_at"],
        row["net_day"] is not None,
    )


def _net_values(net: Net | None, calendar: ReviewCalendar) -> tuple[Any, ...]:
    if net is None:
        return (None, None, None, None, None)
    day = calendar.day_of(net.occurred_at) if net.counts else None
    return (net.amount_minor, net.margin_minor, net.margin_source, net.occurred_at, day)
