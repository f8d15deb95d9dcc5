"""Begin to work on the ticket; a person who starts what nobody has, takes it."""

from dataclasses import dataclass
from uuid import UUID

from services.ticketing.domain.ticket import Ticket
from services.ticketing.persistence import ticket_store as tickets
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class StartWork:
    """Begin to work on the ticket; a person who starts what nobody has, takes it."""

    ticket_id: UUID
    expected_version: int


async def start_work(command: StartWork, work: Work) -> Ticket:
    ticket = await tickets.lock(work, command.ticket_id, expected_version=command.expected_version)
    ticket.start_work(work.now, work.actor)
    await tickets.save(work, ticket)
    return ticket
