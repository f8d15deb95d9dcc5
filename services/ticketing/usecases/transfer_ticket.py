"""Give the ticket to a queue; nobody has it until somebody takes it."""

from dataclasses import dataclass
from uuid import UUID

from services.ticketing.domain.ticket import Ticket
from services.ticketing.persistence import ticket_store as tickets
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class TransferTicket:
    """Give the ticket to a queue; nobody has it until somebody takes it."""

    ticket_id: UUID
    expected_version: int
    queue: str


async def transfer_ticket(command: TransferTicket, work: Work) -> Ticket:
    ticket = await tickets.lock(work, command.ticket_id, expected_version=command.expected_version)
    ticket.transfer(work.now, work.actor, command.queue)
    await tickets.save(work, ticket)
    return ticket
