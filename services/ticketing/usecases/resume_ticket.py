"""End a wait and go on working."""

from dataclasses import dataclass
from uuid import UUID

from services.ticketing.domain.ticket import Ticket
from services.ticketing.persistence import ticket_store as tickets
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class ResumeTicket:
    """End a wait and go on working."""

    ticket_id: UUID
    expected_version: int


async def resume_ticket(command: ResumeTicket, work: Work) -> Ticket:
    ticket = await tickets.lock(work, command.ticket_id, expected_version=command.expected_version)
    ticket.resume(work.now, work.actor)
    await tickets.save(work, ticket)
    return ticket
