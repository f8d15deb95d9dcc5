"""File the ticket under another customer."""

from dataclasses import dataclass
from uuid import UUID

from services.ticketing.domain.ticket import Ticket
from services.ticketing.persistence import ticket_store as tickets
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class ChangeCustomer:
    """File the ticket under another customer."""

    ticket_id: UUID
    expected_version: int
    customer_id: UUID


async def change_customer(command: ChangeCustomer, work: Work) -> Ticket:
    ticket = await tickets.lock(work, command.ticket_id, expected_version=command.expected_version)
    ticket.change_customer(work.now, work.actor, command.customer_id)
    await tickets.save(work, ticket)
    return ticket
