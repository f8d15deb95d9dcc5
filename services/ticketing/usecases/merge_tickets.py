"""Merge a ticket into another one that is about the same matter."""

from dataclasses import dataclass
from uuid import UUID

from services.ticketing.domain.ticket import Ticket
from services.ticketing.domain.ticket_errors import (
    SurvivingTicketNotFoundError,
    TicketChangedError,
    TicketNotFoundError,
)
from services.ticketing.persistence import ticket_store as tickets
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class MergeTickets:
    """Merge the ticket into `into_ticket_id`, which goes on for both."""

    ticket_id: UUID
    expected_version: int
    into_ticket_id: UUID


async def merge_tickets(command: MergeTickets, work: Work) -> Ticket:
    """Both are locked at once in the order of their ids, so that two merges cannot wait for each other."""
    locked = await tickets.lock_all(work, [command.ticket_id, command.into_ticket_id])
    ticket, survivor = locked.get(command.ticket_id), locked.get(command.into_ticket_id)
    if ticket is None:
        raise TicketNotFoundError
    if ticket.version != command.expected_version:
        raise TicketChangedError
    if survivor is None:
        raise SurvivingTicketNotFoundError.of(
            "into_ticket_id", "exists", "there is no ticket with this id to merge into"
        )
    ticket.merge_into(survivor, work.now, work.actor)
    await tickets.save(work, ticket)
    await tickets.save(work, survivor)
    return ticket
