"""Tell colleagues something; the customer never sees it."""

from dataclasses import dataclass
from uuid import UUID

from services.ticketing.domain.ticket import Ticket
from services.ticketing.persistence import ticket_store as tickets
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class AddNote:
    """Tell colleagues something; the customer never sees it."""

    ticket_id: UUID
    expected_version: int
    text: str


async def add_note(command: AddNote, work: Work) -> Ticket:
    ticket = await tickets.lock(work, command.ticket_id, expected_version=command.expected_version)
    ticket.note(work.now, work.actor, command.text)
    await tickets.save(work, ticket)
    return ticket
