"""Take a request in (受理)."""

from dataclasses import dataclass

from services.ticketing.domain.ticket import Request, Ticket
from services.ticketing.persistence import ticket_store as tickets
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class OpenTicket:
    """Take a request in (受理)."""

    request: Request


@dataclass(frozen=True)
class OpenedTicket:
    """The ticket, and its customer's tier if that is known here."""

    ticket: Ticket
    customer_tier: str | None


async def open_ticket(command: OpenTicket, work: Work) -> OpenedTicket:
    """Ticket and first step are one round trip, the outbox row that follows is another: this path is hot."""
    ticket = Ticket.open(command.request, work.now, work.actor)
    return OpenedTicket(ticket, await tickets.add(work, ticket))
