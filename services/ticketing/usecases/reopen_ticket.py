"""Open a resolved or closed ticket again. `reason` is a code, `remark` free text."""

from dataclasses import dataclass
from uuid import UUID

from services.ticketing.domain.ticket import Ticket
from services.ticketing.persistence import ticket_store as tickets
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class ReopenTicket:
    """Open a resolved or closed ticket again. `reason` is a code, `remark` free text."""

    ticket_id: UUID
    expected_version: int
    reason: str
    remark: str | None = None


async def reopen_ticket(command: ReopenTicket, work: Work) -> Ticket:
    ticket = await tickets.lock(work, command.ticket_id, expected_version=command.expected_version)
    ticket.reopen(work.now, work.actor, command.reason, command.remark)
    await tickets.save(work, ticket)
    return ticket
