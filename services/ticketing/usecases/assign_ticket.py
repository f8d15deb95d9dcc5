"""Give the ticket to a person, and to a queue when one is named."""

from dataclasses import dataclass
from uuid import UUID

from services.ticketing.domain.ticket import Ticket
from services.ticketing.persistence import ticket_store as tickets
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class AssignTicket:
    """Give the ticket to a person, and to a queue when one is named."""

    ticket_id: UUID
    expected_version: int
    assignee_id: str
    queue: str | None = None


async def assign_ticket(command: AssignTicket, work: Work) -> Ticket:
    ticket = await tickets.lock(work, command.ticket_id, expected_version=command.expected_version)
    ticket.assign(work.now, work.actor, command.assignee_id, command.queue)
    await tickets.save(work, ticket)
    return ticket
