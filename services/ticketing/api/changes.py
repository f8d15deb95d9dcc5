"""What all changes of an existing ticket share: one command, and the whole ticket as the answer."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from starlette.responses import Response

from services.ticketing.api.ticket_model import shown_to
from services.ticketing.domain.ticket import Ticket
from services.ticketing.persistence import ticket_reads
from services.ticketing.persistence.ticket_reads import TicketView
from shared.db.work import Work
from shared.web.commands import CommandEdge

C = TypeVar("C")


async def changed(edge: CommandEdge, usecase: Callable[[C, Work], Awaitable[Ticket]], command: C) -> Response:
    """Run the command and answer with the ticket, its clocks and follow-up, and the new ETag."""

    async def run(work: Work) -> TicketView:
        return await ticket_reads.beside(work, await usecase(command, work))

    return await edge.run(run, present=shown_to(edge.principal))
