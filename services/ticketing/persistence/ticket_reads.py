"""Tickets as they are shown: with the customer's tier, the SLA clocks, and the last follow-up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSQUERY

from services.ticketing.domain.search_terms import search_query
from services.ticketing.domain.ticket import Ticket
from services.ticketing.domain.vocabulary import serial_of
from services.ticketing.persistence.tables import customers, follow_ups, ticket_clocks, tickets
from services.ticketing.persistence.ticket_store import ticket_of
from shared.db.statements import Composed, statement
from shared.db.work import Session
from shared.kernel.errors import InvalidInputError

SHOWN_OF_CLOCK = (
    "clock_id",
    "agreement",
    "metric",
    "cycle",
    "state",
    "overdue",
    "started_at",
    "due_at",
    "warned_at",
    "breached_at",
    "fulfilled_at",
    "escalation_level",
)
SHOWN_OF_FOLLOW_UP = ("id", "requested_at", "recorded_at", "csat", "nps", "comment")


@dataclass(frozen=True)
class TicketView:
    """A ticket and what stands beside it. `clocks` and `follow_up` are as JSON has them."""

    ticket: Ticket
    customer_tier: str | None = None
    clocks: Sequence[dict[str, Any]] = ()
    follow_up: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class TicketFilter:
    """What a list is narrowed to; None leaves a filter out. `owner_id` is the customer who asks."""

    statuses: tuple[str, ...] = ()
    queue: str | None = None
    assignee_id: str | None = None
    customer_id: UUID | None = None
    priority: str | None = None
    overdue: bool | None = None
    external_number: str | None = None
    words: str | None = None
    owner_id: UUID | None = None
    oldest_first: bool = False


def _object(table: sa.Table, names: Sequence[str]) -> sa.ColumnElement[Any]:
    pairs: list[sa.ColumnElement[Any]] = []
    for name in names:
        pairs += [sa.literal_column(f"'{name}'"), table.c[name]]
    return sa.func.jsonb_build_object(*pairs, type_=JSONB)


_TIER = (
    sa.select(customers.c.tier)
    .where(customers.c.id == tickets.c.customer_id)
    .scalar_subquery()
    .label("customer_tier")
)
_CLOCKS = (
    sa.select(
        sa.func.jsonb_agg(
            sa.dialects.postgresql.aggregate_order_by(
                _object(ticket_clocks, SHOWN_OF_CLOCK), ticket_clocks.c.metric, ticket_clocks.c.clock_id
            ),
            type_=JSONB,
        )
    )
    .where(ticket_clocks.c.ticket_id == tickets.c.id)
    .scalar_subquery()
    .label("clocks")
)
_FOLLOW_UP = (
    sa.select(_object(follow_ups, SHOWN_OF_FOLLOW_UP))
    .where(follow_ups.c.id == tickets.c.follow_up_id)
    .scalar_subquery()
    .label("follow_up")
)
_NOT_DELETED = tickets.c.status != sa.literal_column("'deleted'")
_ID = sa.bindparam("ticket_id", type_=sa.Uuid)

_GET = statement(sa.select(tickets, _TIER, _CLOCKS, _FOLLOW_UP).where(tickets.c.id == _ID, _NOT_DELETED))
_BESIDE = statement(sa.select(_TIER, _CLOCKS, _FOLLOW_UP).select_from(tickets).where(tickets.c.id == _ID))


def _list(key: tuple[frozenset[str], bool]) -> sa.Select[Any]:
    """The statement for a set of filters in use. Each filter has an index that it is narrowed by."""
    used, oldest_first = key
    conditions = {
        "status": tickets.c.status == sa.bindparam("status", type_=sa.Text),
        "statuses": tickets.c.status == sa.any_(sa.bindparam("statuses", type_=ARRAY(sa.Text))),
        "queue": tickets.c.queue == sa.bindparam("queue", type_=sa.Text),
        "assignee_id": tickets.c.assignee_id == sa.bindparam("assignee_id", type_=sa.Text),
        "customer_id": tickets.c.customer_id == sa.bindparam("customer_id", type_=sa.Uuid),
        "owner_id": tickets.c.customer_id == sa.bindparam("owner_id", type_=sa.Uuid),
        "priority": tickets.c.priority == sa.bindparam("priority", type_=sa.Text),
        "external_number": tickets.c.external_number == sa.bindparam("external_number", type_=sa.Text),
        "overdue": sa.exists().where(ticket_clocks.c.ticket_id == tickets.c.id, ticket_clocks.c.overdue),
        "not_overdue": ~sa.exists().where(ticket_clocks.c.ticket_id == tickets.c.id, ticket_clocks.c.overdue),
        "serial": tickets.c.serial == sa.bindparam("serial", type_=sa.BigInteger),
        "words": _with_words("false"),
        "public_words": _with_words("true"),
        "after": (tickets.c.id > sa.bindparam("after", type_=sa.Uuid))
        if oldest_first
        else (tickets.c.id < sa.bindparam("after", type_=sa.Uuid)),
    }
    return (
        sa.select(tickets, _TIER, _CLOCKS, _FOLLOW_UP)
        .where(_NOT_DELETED, *(conditions[name] for name in sorted(used)))
        .order_by(tickets.c.id if oldest_first else tickets.c.id.desc())
        .limit(sa.bindparam("row_limit", type_=sa.Integer))
    )


def _with_words(public_only: str) -> sa.ColumnElement[bool]:
    # A sub-select, so that the words are looked up once in their index, whatever else is asked.
    query = sa.cast(sa.bindparam("query", type_=sa.Text), TSQUERY)
    found = sa.func.tickets_with_words(query, sa.literal_column(public_only), type_=ARRAY(sa.Uuid))
    return tickets.c.id == sa.any_(sa.cast(sa.select(found).scalar_subquery(), ARRAY(sa.Uuid)))


_LIST = Composed(_list)


def _view(row: Any) -> TicketView:
    return TicketView(ticket_of(row), row["customer_tier"], row["clocks"] or (), row["follow_up"])


async def get(session: Session, ticket_id: UUID, *, owner_id: UUID | None = None) -> TicketView | None:
    """The ticket, or None when there is none, or it is not this customer's."""
    row = await session.fetch_one(_GET, ticket_id=ticket_id)
    if row is None or (owner_id is not None and row["customer_id"] != owner_id):
        return None
    return _view(row)


async def beside(session: Session, ticket: Ticket) -> TicketView:
    """A ticket that a command has just changed, with what stands beside it."""
    row: Any = await session.fetch_one(_BESIDE, ticket_id=ticket.id)
    return TicketView(ticket, row["customer_tier"], row["clocks"] or (), row["follow_up"])


async def find(session: Session, wanted: TicketFilter, *, after: UUID | None, limit: int) -> list[TicketView]:
    """At most `limit` tickets in the order of their intake, newest first unless told otherwise.

    `after` is the last one already seen. Raises `InvalidInputError` when `words` holds nothing to look for.
    """
    params = _params(wanted)
    if after is not None:
        params["after"] = after
    used = frozenset(params)
    values = {name: value for name, value in params.items() if name not in ("overdue", "not_overdue")}
    for words in ("words", "public_words"):
        if words in values:
            values["query"] = values.pop(words)
    rows = await session.fetch_all(_LIST((used, wanted.oldest_first)), **values, row_limit=limit)
    return [_view(row) for row in rows]


def _params(wanted: TicketFilter) -> dict[str, Any]:
    params: dict[str, Any] = {}
    if len(wanted.statuses) == 1:
        params["status"] = wanted.statuses[0]
    elif wanted.statuses:
        params["statuses"] = list(wanted.statuses)
    for name in ("queue", "assignee_id", "customer_id", "owner_id", "priority", "external_number"):
        if (value := getattr(wanted, name)) is not None:
            params[name] = value
    if wanted.overdue is not None:
        params["overdue" if wanted.overdue else "not_overdue"] = True
    if wanted.words is not None:
        params.update(_words(wanted.words, public=wanted.owner_id is not None))
    return params


def _words(words: str, *, public: bool) -> dict[str, Any]:
    serial = serial_of(words)
    if serial is not None:
        return {"serial": serial}
    query = search_query(words)
    if query is None:
        raise InvalidInputError.of("q", "no_words", "give at least one word, number or character to look for")
    return {"public_words" if public else "words": query}
