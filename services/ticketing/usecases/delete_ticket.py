"""Remove a ticket (spam, or by law): every word on it is blanked, its number and steps stay."""

from dataclasses import dataclass
from uuid import UUID

from services.ticketing.persistence import ticket_store as tickets
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class DeleteTicket:
    """Remove a ticket (spam, or by law): every word on it is blanked, its number and steps stay."""

    ticket_id: UUID
    expected_version: int


async def delete_ticket(command: DeleteTicket, work: Work) -> None:
    ticket = await tickets.lock(work, command.ticket_id, expected_version=command.expected_version)
    ticket.delete(work.now, work.actor)
    await tickets.save(work, ticket)
    await tickets.erase(work, ticket.id)
