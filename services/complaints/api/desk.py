"""What all routes of this service share: the policy, the clock, and the whole complaint as the answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from services.complaints.api.complaint_model import ComplaintOut
from services.complaints.domain.complaint import Complaint
from services.complaints.domain.outcomes import Language
from services.complaints.domain.policy import ComplaintPolicy
from services.complaints.persistence import clock_store
from services.complaints.usecases.target import Target
from shared.db.work import Work
from shared.kernel.clock import Clock
from shared.web.commands import CommandEdge


@dataclass(frozen=True, slots=True)
class Desk:
    """Put into the application's state by the composition. `language` is used when intake names none."""

    policy: ComplaintPolicy
    clock: Clock
    language: Language


async def desk(request: Request) -> Desk:
    """`desk: Desk = Depends(desk)`. A coroutine, since FastAPI would run a plain function in a thread."""
    found: Desk = request.app.state.desk
    return found


def target(edge: CommandEdge, complaint_id: UUID) -> Target:
    """The complaint in the version of If-Match; a customer's own only."""
    return Target(complaint_id, edge.expected_version, edge.principal.customer_id)


async def answer(
    edge: CommandEdge,
    at: Desk,
    command: Callable[[Work], Awaitable[Complaint]],
    *,
    status: int = 200,
    location: Callable[[ComplaintOut], str] | None = None,
) -> Response:
    """Run the command and answer with the complaint, its clocks, and the new ETag."""

    async def shown(work: Work) -> ComplaintOut:
        complaint = await command(work)
        return ComplaintOut.of(
            complaint,
            await clock_store.of_complaint(work, complaint.id),
            policy=at.policy,
            now=work.now,
            for_customer=edge.principal.is_customer,
        )

    return await edge.run(shown, present=lambda out: out, status=status, location=location)
