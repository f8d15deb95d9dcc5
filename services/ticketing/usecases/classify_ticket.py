"""Decide kind, category or queue; None leaves one as it is."""

from dataclasses import dataclass
from uuid import UUID

from services.ticketing.domain.ticket import Ticket
from services.ticketing.persistence import ticket_store as tickets
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class ClassifyTicket:
    """Decide kind, category or queue; None leaves one as it is."""

    ticket_id: UUID
    expected_version: int
    kind: str | None = None
    category: str | None = None
    queue: str | None = None


async def classify_ticket(command: ClassifyTicket, work: Work) -> Ticket:
    ticket = await tickets.lock(work, command.ticket_id, expected_version=command.expected_version)
    ticket.classify(work.now, work.actor, kind=command.kind, category=command.category, queue=command.queue)
    await tickets.save(work, ticket)
    return ticket
