"""Raise a ticket to a higher level, by hand or because a promise about time was broken."""

from dataclasses import dataclass
from uuid import UUID

from services.ticketing.domain.ticket import Ticket
from services.ticketing.persistence import ticket_store as tickets
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class EscalateTicket:
    """Raise the ticket by hand, by one level or to the one given."""

    ticket_id: UUID
    expected_version: int
    level: int | None = None
    remark: str | None = None


@dataclass(frozen=True, kw_only=True)
class EscalateForBreach:
    """Raise the ticket at least to `level` for a breached clock."""

    ticket_id: UUID
    clock_id: UUID
    level: int


async def escalate_ticket(command: EscalateTicket, work: Work) -> Ticket:
    ticket = await tickets.lock(work, command.ticket_id, expected_version=command.expected_version)
    ticket.escalate(work.now, work.actor, command.level, command.remark)
    await tickets.save(work, ticket)
    return ticket


async def escalate_for_breach(command: EscalateForBreach, work: Work) -> bool:
    """Whether it had an effect: on a finished ticket it is only noted, on a deleted one not even that."""
    ticket = (await tickets.lock_all(work, [command.ticket_id])).get(command.ticket_id)
    if ticket is None:
        return False
    had_effect = ticket.escalate_for_breach(work.now, work.actor, command.clock_id, command.level)
    await tickets.save(work, ticket)
    return had_effect
