"""Say how the ticket was solved: a code, and a remark in words."""

from dataclasses import dataclass
from uuid import UUID

from services.ticketing.domain.ticket import Ticket
from services.ticketing.persistence import ticket_store as tickets
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class ResolveTicket:
    """Say how the ticket was solved: a code, and a remark in words."""

    ticket_id: UUID
    expected_version: int
    resolution_code: str
    remark: str | None = None


async def resolve_ticket(command: ResolveTicket, work: Work) -> Ticket:
    ticket = await tickets.lock(work, command.ticket_id, expected_version=command.expected_version)
    ticket.resolve(work.now, work.actor, command.resolution_code, command.remark)
    await tickets.save(work, ticket)
    return ticket
