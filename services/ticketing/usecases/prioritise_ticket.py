"""Change the priority."""

from dataclasses import dataclass
from uuid import UUID

from services.ticketing.domain.ticket import Ticket
from services.ticketing.domain.vocabulary import Priority
from services.ticketing.persistence import ticket_store as tickets
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class PrioritiseTicket:
    """Change the priority."""

    ticket_id: UUID
    expected_version: int
    priority: Priority


async def prioritise_ticket(command: PrioritiseTicket, work: Work) -> Ticket:
    ticket = await tickets.lock(work, command.ticket_id, expected_version=command.expected_version)
    ticket.prioritise(work.now, work.actor, command.priority)
    await tickets.save(work, ticket)
    return ticket
