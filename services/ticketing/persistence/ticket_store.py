"""Tickets and their steps: found and locked, added, saved, erased."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR

from services.ticketing.domain.search_terms import search_vector
from services.ticketing.domain.ticket import Ticket
from services.ticketing.domain.ticket_errors import TicketChangedError, TicketNotFoundError
from services.ticketing.domain.ticket_status import TicketStatus
from services.ticketing.domain.timeline import TimelineEntry
from services.ticketing.persistence.tables import customers, follow_ups, tickets, timeline
from shared.db.statements import insert, statement, update
from shared.db.work import Work

FACTS = tuple(column.name for column in tickets.columns)
# What a command may change. The words of a ticket change only when it is deleted.
CHANGING = (
    "version",
    "sequence",
    "last_occurred_at",
    "customer_id",
    "kind",
    "priority",
    "category",
    "queue",
    "status",
    "waiting_on",
    "assignee_id",
    "escalation_level",
    "committed_at",
    "resolution_code",
    "resolved_at",
    "closed_at",
    "reopen_count",
    "merged_into_id",
    "follow_up_id",
    "follow_up_recorded_at",
)
ADDED = tuple(name for name in FACTS if name != "serial")


def _entry() -> sa.Insert:
    """One step, with parameters of their own names so that it can go along with another statement."""
    places = {
        "ticket_id": sa.bindparam("entry_ticket_id", type_=sa.Uuid),
        "step": sa.bindparam("entry_step", type_=sa.Text),
        "audience": sa.bindparam("entry_audience", type_=sa.Text),
        "occurred_at": sa.bindparam("entry_occurred_at", type_=sa.DateTime(timezone=True)),
        "actor_role": sa.bindparam("entry_actor_role", type_=sa.Text),
        "actor_id": sa.bindparam("entry_actor_id", type_=sa.Text),
        "details": sa.bindparam("entry_details", type_=JSONB),
        "message_id": sa.bindparam("entry_message_id", type_=sa.Uuid),
        "text": sa.bindparam("entry_text", type_=sa.Text),
        "terms": sa.cast(sa.bindparam("entry_terms", type_=sa.Text), TSVECTOR),
    }
    return sa.insert(timeline).values(places)


_LOCK = statement(
    sa.select(tickets)
    .where(tickets.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
    .order_by(tickets.c.id)
    .with_for_update()
)
# Ticket and first step in one round trip, which also gives the number and the tier to show.
_added = insert(tickets).returning(tickets.c.serial).cte("added")
_ADD = statement(
    sa.select(
        _added.c.serial,
        sa.select(customers.c.tier)
        .where(customers.c.id == sa.bindparam("tier_of", type_=sa.Uuid))
        .scalar_subquery()
        .label("tier"),
    ).add_cte(_entry().cte("entered"))
)
_SAVE = statement(
    update(tickets, *CHANGING)
    .where(tickets.c.id == sa.bindparam("row_id", type_=sa.Uuid))
    .add_cte(_entry().cte("entered"))
)
_APPEND = statement(_entry())
_ERASE = statement(
    sa.update(tickets)
    .where(tickets.c.id == sa.bindparam("row_id", type_=sa.Uuid))
    .values(subject=sa.literal_column("''"), description=sa.literal_column("''"), external_number=sa.null())
)
_ERASE_STEPS = statement(
    sa.update(timeline)
    .where(timeline.c.ticket_id == sa.bindparam("row_id", type_=sa.Uuid), timeline.c.terms.is_not(None))
    .values(text=sa.null(), terms=sa.null())
)
_ERASE_COMMENTS = statement(
    sa.update(follow_ups)
    .where(follow_ups.c.ticket_id == sa.bindparam("row_id", type_=sa.Uuid))
    .values(comment=sa.null())
)


def ticket_of(row: Any) -> Ticket:
    """The ticket of one row of `tickets` (more columns do no harm)."""
    facts = {name: row[name] for name in FACTS}
    facts["status"] = TicketStatus(facts["status"])
    return Ticket(**facts)


async def lock(
    work: Work, ticket_id: UUID, *, expected_version: int | None = None, owner_id: UUID | None = None
) -> Ticket:
    """The ticket, locked until the commit.

    `owner_id`: only this customer's ticket will do. Raises `TicketNotFoundError` (also for one that is
    another customer's, or deleted) and `TicketChangedError` when its version is not the expected one.
    """
    found = (await lock_all(work, [ticket_id])).get(ticket_id)
    if found is None or (owner_id is not None and found.customer_id != owner_id):
        raise TicketNotFoundError
    if expected_version is not None and found.version != expected_version:
        raise TicketChangedError
    return found


async def lock_all(work: Work, ticket_ids: list[UUID]) -> dict[UUID, Ticket]:
    """Those that exist and were not deleted, locked in the order of their ids, whatever order is asked."""
    rows = await work.fetch_all(_LOCK, ids=ticket_ids)
    found = (ticket_of(row) for row in rows)
    return {ticket.id: ticket for ticket in found if ticket.status is not TicketStatus.DELETED}


async def add(work: Work, ticket: Ticket) -> str | None:
    """Store a new ticket, which gets its number by that; returns its customer's tier, if known."""
    # The event that follows is the first; its count is stored here already, with the same statement.
    facts = {name: getattr(ticket, name) for name in ADDED} | {"sequence": ticket.sequence + 1}
    (entry,) = ticket.take_steps()
    row: Any = await work.fetch_one(_ADD, **facts, **_of(ticket, entry), tier_of=ticket.customer_id)
    ticket.numbered(row["serial"])
    work.record(*ticket.take_events())
    tier: str | None = row["tier"]
    return tier


async def save(work: Work, ticket: Ticket) -> None:
    """Store what a command did, with its steps and a new version; nothing when it had no effect."""
    if not ticket.is_changed:
        return
    ticket.version += 1
    first, *others = ticket.take_steps()
    facts = {name: getattr(ticket, name) for name in CHANGING}
    await work.execute(_SAVE, row_id=ticket.id, **facts, **_of(ticket, first))
    await work.execute_many(_APPEND, [_of(ticket, entry) for entry in others])
    work.record(*ticket.take_events())


async def erase(work: Work, ticket_id: UUID) -> None:
    """Blank every word that people wrote on this ticket; numbers, codes and steps stay."""
    for blank in (_ERASE, _ERASE_STEPS, _ERASE_COMMENTS):
        await work.execute(blank, row_id=ticket_id)


def _of(ticket: Ticket, entry: TimelineEntry) -> dict[str, Any]:
    searchable = entry.searchable_text
    return {
        "entry_ticket_id": ticket.id,
        "entry_step": entry.step,
        "entry_audience": entry.audience,
        "entry_occurred_at": entry.occurred_at,
        "entry_actor_role": entry.actor.role,
        "entry_actor_id": entry.actor.id,
        "entry_details": entry.details,
        "entry_message_id": entry.message_id,
        "entry_text": entry.text,
        "entry_terms": None if searchable is None else search_vector(searchable),
    }
