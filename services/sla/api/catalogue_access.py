"""How a route gets at the catalogue and the rules that the composition gave the application."""

from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import Request

from services.sla.persistence.catalogue_store import Catalogues
from services.sla.usecases.write_calendar import ResolvedYears
from shared.kernel.clock import Clock


@dataclass(frozen=True, slots=True)
class SlaContext:
    """Of one application: the policies and calendars in memory, which years calendars are resolved for, what
    time it is, and how far back a claimed instant is believed."""

    catalogues: Catalogues
    years: ResolvedYears
    clock: Clock
    backdating_tolerance: timedelta


async def context_of(request: Request) -> SlaContext:
    """`context: SlaContext = Depends(context_of)`."""
    context: SlaContext = request.scope["app"].state.sla
    return context
