"""Finish a resolved ticket, and ask the customer how it went (回访)."""

from dataclasses import dataclass
from uuid import UUID

from services.ticketing.domain.ticket import Ticket
from services.ticketing.persistence import follow_up_store as follow_ups
from services.ticketing.persistence import ticket_store as tickets
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class CloseTicket:
    """Finish a resolved ticket, and ask the customer how it went (回访)."""

    ticket_id: UUID
    expected_version: int


async def close_ticket(command: CloseTicket, work: Work) -> Ticket:
    ticket = await tickets.lock(work, command.ticket_id, expected_version=command.expected_version)
    follow_up = ticket.close(work.now, work.actor)
    await follow_ups.add(work, follow_up)
    await tickets.save(work, ticket)
    return ticket
