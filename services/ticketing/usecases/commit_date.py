"""Promise the customer a date (承诺时限), or move the promised one for a reason (a code)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.ticketing.domain.ticket import Ticket
from services.ticketing.persistence import ticket_store as tickets
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class CommitDate:
    """Promise the customer a date (承诺时限), or move the promised one for a reason (a code)."""

    ticket_id: UUID
    expected_version: int
    committed_at: datetime
    reason: str | None = None


async def commit_date(command: CommitDate, work: Work) -> Ticket:
    ticket = await tickets.lock(work, command.ticket_id, expected_version=command.expected_version)
    ticket.commit_date(work.now, work.actor, command.committed_at, command.reason)
    await tickets.save(work, ticket)
    return ticket
