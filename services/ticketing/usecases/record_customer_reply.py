"""Record what the customer wrote or said."""

from dataclasses import dataclass
from uuid import UUID

from services.ticketing.domain.ticket import Ticket
from services.ticketing.persistence import ticket_store as tickets
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class RecordCustomerReply:
    """Record what the customer wrote or said. `owner_id`: only on this customer's ticket.

    There is no expected version: a message is added to whatever the ticket has become meanwhile.
    """

    ticket_id: UUID
    text: str
    owner_id: UUID | None = None


async def record_customer_reply(command: RecordCustomerReply, work: Work) -> Ticket:
    """When the ticket was waiting for the customer, the wait is over."""
    ticket = await tickets.lock(work, command.ticket_id, owner_id=command.owner_id)
    ticket.record_customer_reply(work.now, work.actor, command.text)
    await tickets.save(work, ticket)
    return ticket
