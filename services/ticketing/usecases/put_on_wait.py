"""Wait for the customer or a third party. `reason` is a code, `remark` free text."""

from dataclasses import dataclass
from uuid import UUID

from services.ticketing.domain.ticket import Ticket
from services.ticketing.domain.vocabulary import WaitingOn
from services.ticketing.persistence import ticket_store as tickets
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class PutOnWait:
    """Wait for the customer or a third party. `reason` is a code, `remark` free text."""

    ticket_id: UUID
    expected_version: int
    waiting_on: WaitingOn
    reason: str | None = None
    remark: str | None = None


async def put_on_wait(command: PutOnWait, work: Work) -> Ticket:
    ticket = await tickets.lock(work, command.ticket_id, expected_version=command.expected_version)
    ticket.wait(work.now, work.actor, command.waiting_on, command.reason, command.remark)
    await tickets.save(work, ticket)
    return ticket
