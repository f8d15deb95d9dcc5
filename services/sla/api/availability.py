"""Availability objectives (可用性目标): write, read, how a month stands and how fast its error budget burns."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response
from starlette.requests import Request

from services.sla.api.availability_models import (
    AddObjectiveVersionIn,
    BurnOut,
    BurnRatesOut,
    CreateObjectiveIn,
    MonthOut,
    MonthsOut,
    ObjectiveOut,
    Text,
)
from services.sla.api.catalogue_access import SlaContext, context_of
from services.sla.domain.availability.errors import InvalidObjectiveError, MonthNotMeasuredError
from services.sla.domain.availability.intervals import Interval
from services.sla.domain.availability.measurement import burn
from services.sla.domain.availability.months import Month
from services.sla.domain.availability.objective import Objective
from services.sla.persistence import availability_store, outage_store
from services.sla.usecases.evaluate_objectives import month_of
from services.sla.usecases.write_objective import AddObjectiveVersion, CreateObjective
from services.sla.usecases.write_objective import add_objective_version as add_version_usecase
from services.sla.usecases.write_objective import create_objective as create_usecase
from shared.db.work import Session
from shared.kernel.errors import FieldError
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.models import Instant, Page
from shared.web.reads import Reader, reading

router = APIRouter(tags=["availability"])
LOCATION = "/sla/v1/availability-objectives"
MOST_MONTHS = 36
Context = Annotated[SlaContext, Depends(context_of)]
MonthText = Annotated[str, Path(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", examples=["2026-03"])]
MonthQuery = Annotated[str | None, Query(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]


@dataclass(frozen=True, slots=True)
class AvailabilityContext:
    """`settle_seconds`: how soon probe results that are all good are looked at."""

    settle_seconds: float


async def availability_of(request: Request) -> AvailabilityContext:
    """`availability: AvailabilityContext = Depends(availability_of)`."""
    context: AvailabilityContext = request.scope["app"].state.availability
    return context


@router.post("/availability-objectives", status_code=201, response_model=ObjectiveOut)
async def create_objective(
    body: CreateObjectiveIn,
    context: Context,
    edge: Annotated[CommandEdge, Depends(command("create_objective"))],
) -> Response:
    """Promise that an offering is there for a share of each month."""
    first = body.numbered(1, context.clock.now())
    creating = CreateObjective(body.name, body.offering, body.timezone, first)
    return await edge.run(
        lambda work: create_usecase(creating, work),
        present=ObjectiveOut.of,
        status=201,
        location=lambda objective: f"{LOCATION}/{objective.id}",
    )


@router.post("/availability-objectives/{objective_id}/versions", status_code=201, response_model=ObjectiveOut)
async def add_objective_version(
    objective_id: UUID,
    body: AddObjectiveVersionIn,
    context: Context,
    edge: Annotated[CommandEdge, Depends(command("add_objective_version"))],
) -> Response:
    """Promise something else from now on or later; it counts for months that begin after that."""
    expected = edge.expected_version
    version = body.numbered(expected + 1, context.clock.now())
    adding = AddObjectiveVersion(objective_id, expected, version)
    return await edge.run(lambda work: add_version_usecase(adding, work), present=ObjectiveOut.of, status=201)


@router.get("/availability-objectives", response_model=Page[ObjectiveOut])
async def list_objectives(
    paging: Annotated[Paging, Depends(paging)],
    reader: Annotated[Reader, Depends(reading("list_objectives"))],
    offering: Annotated[Text | None, Query()] = None,
) -> Response:
    """Objectives by name."""
    after = paging.after(str)
    async with reader.session() as session:
        found = await availability_store.page(
            session, offering=offering, after=None if after is None else after[0], limit=paging.fetch
        )
    return paging.page(found, present=ObjectiveOut.of, key=lambda objective: (objective.name,))


@router.get("/availability-objectives/{objective_id}", response_model=ObjectiveOut)
async def get_objective(
    objective_id: UUID, reader: Annotated[Reader, Depends(reading("get_objective"))]
) -> Response:
    """An objective with its versions."""
    async with reader.session() as session:
        return reader.answer(ObjectiveOut.of(await availability_store.get(session, objective_id)))


@router.get("/availability-objectives/{objective_id}/months/{month}", response_model=MonthOut)
async def get_availability(
    objective_id: UUID,
    month: MonthText,
    context: Context,
    reader: Annotated[Reader, Depends(reading("get_availability"))],
    as_known_at: Annotated[Instant | None, Query(description="As it stood then.")] = None,
) -> Response:
    """Availability of one month, and what is left of its error budget."""
    async with reader.session() as session:
        objective = await availability_store.get(session, objective_id)
        shown = await _month(session, objective, _read(month), context, as_known_at)
    if shown is None:
        raise MonthNotMeasuredError
    return reader.answer(shown)


@router.get("/availability-objectives/{objective_id}/months", response_model=MonthsOut)
async def list_availability(
    objective_id: UUID,
    context: Context,
    reader: Annotated[Reader, Depends(reading("list_availability"))],
    first: MonthQuery = None,
    last: MonthQuery = None,
    as_known_at: Annotated[Instant | None, Query(description="As it stood then.")] = None,
) -> Response:
    """Months in order: those of the last year unless said, 36 at most."""
    async with reader.session() as session:
        objective = await availability_store.get(session, objective_id)
        newest = Month.of(context.clock.now(), objective.zone)
        until = newest if last is None else min(_read(last), newest)
        month = Month(until.year - 1, until.month).following() if first is None else _read(first)
        span = (until.year - month.year) * 12 + until.month - month.month + 1
        if span > MOST_MONTHS:
            message = f"At most {MOST_MONTHS} months at once."
            raise InvalidObjectiveError(message, field_errors=[FieldError("first", "range", message)])
        items = []
        for _ in range(span):
            shown = await _month(session, objective, month, context, as_known_at)
            if shown is not None:
                items.append(shown)
            month = month.following()
    return reader.answer(MonthsOut(items=items))


@router.get("/availability-objectives/{objective_id}/burn-rates", response_model=BurnRatesOut)
async def get_burn_rates(
    objective_id: UUID,
    context: Context,
    reader: Annotated[Reader, Depends(reading("get_burn_rates"))],
) -> Response:
    """How fast the error budget burns over each rule's windows, and which rules alert."""
    now = context.clock.now()
    async with reader.session() as session:
        objective = await availability_store.get(session, objective_id)
        raised = await availability_store.raised_alerts(session, objective_id)
        version = objective.version_at(now)
        items = []
        if version is not None and version.burn_alerts:
            longest = timedelta(seconds=max(rule.long_seconds for rule in version.burn_alerts))
            seen = await outage_store.observations(
                session, objective.offering, Interval(now - longest, now), version.probes, now
            )
            items = [
                BurnOut.of(burn(version, rule, seen, now), raised.get(place))
                for place, rule in enumerate(version.burn_alerts)
            ]
    return reader.answer(BurnRatesOut(objective_id=objective_id, at=now, items=items))


async def _month(
    session: Session, objective: Objective, month: Month, context: SlaContext, as_known_at: Instant | None
) -> MonthOut | None:
    now = context.clock.now()
    known_at = now if as_known_at is None else as_known_at
    if known_at > now:
        message = "What will be known is not known."
        raise InvalidObjectiveError(
            message, field_errors=[FieldError("as_known_at", "not_in_future", message)]
        )
    if month > Month.of(now, objective.zone):
        return None
    found = await month_of(session, objective, month, known_at, known_at)
    if found is None:
        return None
    announced = (await availability_store.announced_breaches(session, objective.id)).get(str(month))
    is_told = announced is not None and announced["fired_at"] <= known_at
    return MonthOut.of(objective.id, found, announced if is_told else None, known_at)


def _read(text: str) -> Month:
    month = Month.read(text)
    if month is None:
        raise MonthNotMeasuredError
    return month
