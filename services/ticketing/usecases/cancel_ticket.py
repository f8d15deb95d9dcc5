"""End a request that was withdrawn or never was one. `reason` is a code, `remark` free text."""

from dataclasses import dataclass
from uuid import UUID

from services.ticketing.domain.ticket import Ticket
from services.ticketing.persistence import ticket_store as tickets
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class CancelTicket:
    """End a request that was withdrawn or never was one. `reason` is a code, `remark` free text."""

    ticket_id: UUID
    expected_version: int
    reason: str
    remark: str | None = None


async def cancel_ticket(command: CancelTicket, work: Work) -> Ticket:
    ticket = await tickets.lock(work, command.ticket_id, expected_version=command.expected_version)
    ticket.cancel(work.now, work.actor, command.reason, command.remark)
    await tickets.save(work, ticket)
    return ticket
