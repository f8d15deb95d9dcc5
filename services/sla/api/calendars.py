"""Calendars: write, read, exchange as iCalendar files, and ask them when something is due."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response
from starlette.requests import Request

from services.sla.api.calendar_files import (
    EXAMPLE_FILE,
    MEDIA_TYPE,
    MOST_BYTES,
    read_calendar_file,
    write_calendar_file,
)
from services.sla.api.calendar_models import (
    AddCalendarVersionIn,
    CalendarOut,
    CalendarSummary,
    CalendarVersionOut,
    ClosedDaysOut,
    CreateCalendarIn,
    DueOut,
    ElapsedOut,
    SkippedEventOut,
)
from services.sla.api.catalogue_access import SlaContext, context_of
from services.sla.domain.calendars import BusinessTimeline, ResolvedCalendar
from services.sla.domain.errors import CalendarNotFoundError
from services.sla.persistence import calendar_store
from services.sla.usecases.apply_version import apply_new_calendar
from services.sla.usecases.write_calendar import AddCalendarVersion, CreateCalendar, ImportClosedDays
from services.sla.usecases.write_calendar import add_calendar_version as add_version_usecase
from services.sla.usecases.write_calendar import create_calendar as create_usecase
from services.sla.usecases.write_calendar import import_closed_days as import_usecase
from shared.db.work import Session, Work
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.middleware import BODY_LIMIT
from shared.web.models import Instant, Page
from shared.web.problems import UnsupportedMediaTypeError
from shared.web.reads import Reader, reading

router = APIRouter(tags=["calendars"])
LOCATION = "/sla/v1/calendars"
# What a year of the longest calendar holds, many times over: beyond it a question is a mistake.
MOST_SECONDS = 3_200_000_000
Context = Annotated[SlaContext, Depends(context_of)]


@router.post("/calendars", status_code=201, response_model=CalendarOut)
async def create_calendar(
    body: CreateCalendarIn,
    context: Context,
    edge: Annotated[CommandEdge, Depends(command("create_calendar"))],
) -> Response:
    """Write a calendar. Its dates are resolved now and stay as they are, whatever holiday data comes later."""
    creating = CreateCalendar(body.name, body.specification(), body.effective_from)

    async def run(work: Work) -> CalendarOut:
        return await _shown(work, await create_usecase(creating, work, years=context.years))

    return await edge.run(
        run, present=lambda shown: shown, status=201, location=lambda shown: f"{LOCATION}/{shown.id}"
    )


@router.post(
    "/calendars/{calendar_id}/versions",
    status_code=201,
    response_model=CalendarOut,
    responses={202: {"model": CalendarOut, "description": "A job applies it to what runs already."}},
)
async def add_calendar_version(
    calendar_id: UUID,
    body: AddCalendarVersionIn,
    context: Context,
    edge: Annotated[CommandEdge, Depends(command("add_calendar_version"))],
) -> Response:
    """Write a new version, in force from later than the one before. Subjects keep the version they started with,
    unless it is applied retroactively: then 202, and `job_id` names the job that does it."""
    adding = AddCalendarVersion(calendar_id, edge.expected_version, body.specification(), body.effective_from)

    async def run(work: Work) -> CalendarOut:
        await add_version_usecase(adding, work, years=context.years, catalogues=context.catalogues)
        shown = await _shown(work, calendar_id)
        if body.application == "future_only":
            return shown
        job = await apply_new_calendar(calendar_id, work, catalogues=context.catalogues)
        return shown.model_copy(update={"job_id": job["id"]})

    return await edge.run(run, present=lambda shown: shown, status=lambda shown: 202 if shown.job_id else 201)


@router.post(
    "/calendars/{calendar_id}/ical-imports",
    status_code=201,
    response_model=ClosedDaysOut,
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "An iCalendar file (RFC 5545) in UTF-8.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": EXAMPLE_FILE}},
        }
    },
)
async def import_closed_days(
    calendar_id: UUID,
    request: Request,
    context: Context,
    edge: Annotated[CommandEdge, Depends(command("import_closed_days"))],
    effective_from: Annotated[Instant | None, Query(description="Now unless said.")] = None,
) -> Response:
    """Close the days of an iCalendar file in a new version, otherwise as the newest one.

    Events of whole days close their dates, with recurrence, in the years that the version is resolved for. What
    the file says about times of day is skipped and listed.
    """
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != MEDIA_TYPE:
        raise UnsupportedMediaTypeError(f"Send {MEDIA_TYPE}, not {given or 'nothing'}.")
    request.scope[BODY_LIMIT] = MOST_BYTES
    read = await asyncio.to_thread(read_calendar_file, await request.body())
    importing = ImportClosedDays(calendar_id, edge.expected_version, read.days, effective_from)

    async def run(work: Work) -> ClosedDaysOut:
        closed = await import_usecase(importing, work, years=context.years, catalogues=context.catalogues)
        shown = await _shown(work, calendar_id)
        skipped = [SkippedEventOut.model_validate(one) for one in read.skipped]
        return ClosedDaysOut(
            **dict(shown), closed=list(closed.closed), replaced=list(closed.replaced), skipped=skipped
        )

    return await edge.run(run, present=lambda shown: shown, status=201)


@router.get(
    "/calendars/{calendar_id}/closed-days.ics",
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": EXAMPLE_FILE}}}},
)
async def export_closed_days(
    calendar_id: UUID,
    reader: Annotated[Reader, Depends(reading("export_closed_days"))],
    number: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="The newest unless said.")] = None,
) -> Response:
    """The days that do not follow the week, as an iCalendar file: holidays by name, exceptions, make-up workdays."""
    async with reader.session() as session:
        if number is None:
            row = await calendar_store.latest(session, calendar_id)
        else:
            row = await calendar_store.version(session, calendar_id, number)
    written = write_calendar_file(
        ResolvedCalendar.from_json(row["resolved"]),
        name=row["name"],
        unique=f"{calendar_id}.careloop",
        written_at=row["created_at"],
    )
    headers = {"content-disposition": 'attachment; filename="closed-days.ics"'}
    return Response(written, headers=headers, media_type=f"{MEDIA_TYPE}; charset=utf-8")


@router.get("/calendars", response_model=Page[CalendarSummary])
async def list_calendars(
    paging: Annotated[Paging, Depends(paging)],
    reader: Annotated[Reader, Depends(reading("list_calendars"))],
) -> Response:
    """Calendars by name."""
    after = paging.after(str)
    async with reader.session() as session:
        found = await calendar_store.page(
            session, after=None if after is None else after[0], limit=paging.fetch
        )
    return paging.page(found, present=CalendarSummary.of, key=lambda calendar: (calendar.name,))


@router.get("/calendars/{calendar_id}", response_model=CalendarOut)
async def get_calendar(
    calendar_id: UUID, reader: Annotated[Reader, Depends(reading("get_calendar"))]
) -> Response:
    """A calendar with its newest version."""
    async with reader.session() as session:
        return reader.answer(await _shown(session, calendar_id))


@router.get("/calendars/{calendar_id}/versions", response_model=Page[CalendarVersionOut])
async def list_calendar_versions(
    calendar_id: UUID,
    paging: Annotated[Paging, Depends(paging)],
    reader: Annotated[Reader, Depends(reading("list_calendar_versions"))],
) -> Response:
    """Versions of a calendar, oldest first."""
    after = paging.after(int)
    async with reader.session() as session:
        rows = await calendar_store.version_page(
            session, calendar_id, after=None if after is None else after[0], limit=paging.fetch
        )
    return paging.page(rows, present=CalendarVersionOut.of, key=lambda row: (row["number"],))


@router.get("/calendars/{calendar_id}/versions/{number}", response_model=CalendarVersionOut)
async def get_calendar_version(
    calendar_id: UUID,
    number: Annotated[int, Path(ge=1, le=2**31 - 1)],
    reader: Annotated[Reader, Depends(reading("get_calendar_version"))],
) -> Response:
    """One version of a calendar."""
    async with reader.session() as session:
        row = await calendar_store.version(session, calendar_id, number)
    return reader.answer(CalendarVersionOut.of(row))


@router.get("/calendars/{calendar_id}/due", response_model=DueOut)
async def find_due_instant(
    calendar_id: UUID,
    start: Instant,
    seconds: Annotated[float, Query(ge=-MOST_SECONDS, le=MOST_SECONDS)],
    context: Context,
    reader: Annotated[Reader, Depends(reading("find_due_instant"))],
) -> Response:
    """When so many business seconds after `start` have passed, on the newest version; negative looks back."""
    async with reader.session() as session:
        timeline = await _timeline(session, calendar_id, context)
    return reader.answer(DueOut(due_at=timeline.due(start, seconds)))


@router.get("/calendars/{calendar_id}/elapsed", response_model=ElapsedOut)
async def find_elapsed_time(
    calendar_id: UUID,
    start: Instant,
    end: Instant,
    context: Context,
    reader: Annotated[Reader, Depends(reading("find_elapsed_time"))],
) -> Response:
    """Business seconds from `start` to `end`, on the newest version."""
    async with reader.session() as session:
        timeline = await _timeline(session, calendar_id, context)
    return reader.answer(ElapsedOut(seconds=timeline.elapsed(start, end)))


async def _timeline(session: Session, calendar_id: UUID, context: SlaContext) -> BusinessTimeline:
    versions = (await context.catalogues.newest(session)).calendar_versions(calendar_id)
    if not versions:
        raise CalendarNotFoundError
    return versions[-1].timeline


async def _shown(session: Session, calendar_id: UUID) -> CalendarOut:
    calendar = await calendar_store.get(session, calendar_id)
    return CalendarOut.beside(calendar, await calendar_store.latest(session, calendar_id))
