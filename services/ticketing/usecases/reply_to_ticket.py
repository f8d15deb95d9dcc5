"""Answer the customer. An automatic answer stops no clock."""

from dataclasses import dataclass
from uuid import UUID

from services.ticketing.domain.ticket import Ticket
from services.ticketing.persistence import ticket_store as tickets
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class ReplyToTicket:
    """Answer the customer. An automatic answer stops no clock."""

    ticket_id: UUID
    expected_version: int
    text: str
    automatic: bool = False


async def reply_to_ticket(command: ReplyToTicket, work: Work) -> Ticket:
    ticket = await tickets.lock(work, command.ticket_id, expected_version=command.expected_version)
    ticket.reply(work.now, work.actor, command.text, automatic=command.automatic)
    await tickets.save(work, ticket)
    return ticket
