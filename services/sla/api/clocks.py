"""Clocks: list, read, explain, draw."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from services.sla.api.catalogue_access import SlaContext, context_of
from services.sla.api.clock_models import ClockDetail, ClockExplanation, ClockOut
from services.sla.api.timeline_svg import Caption, timeline_svg
from services.sla.domain.clock_fold import ClockFold
from services.sla.domain.clock_status import ClockState
from services.sla.domain.errors import ClockNotFoundError
from services.sla.domain.explanation import Explanation, explain
from services.sla.domain.fold import Line
from services.sla.domain.metrics import Agreement, Metric, SubjectKind
from services.sla.domain.picture import LocalTime, picture
from services.sla.persistence import clock_reads, subject_store
from services.sla.persistence.clock_reads import ClockFilter
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Instant, Page
from shared.web.reads import Reader, reading

router = APIRouter(tags=["clocks"])
SVG = "image/svg+xml"
# An image may be opened as a page of its own: whatever were in it, nothing would run or be fetched.
ALONE = {
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "cache-control": "private, no-cache",
}
Label = Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")]


class ClockFilters(ApiModel):
    """Filters of the list; each narrows it."""

    subject_kind: SubjectKind | None = None
    subject_id: UUID | None = None
    customer_id: UUID | None = None
    metric: Metric | None = None
    agreement: Agreement | None = None
    priority: Label | None = None
    tier: Label | None = None
    policy_id: UUID | None = None
    state: list[ClockState] = Field(
        default=[], max_length=len(ClockState), description="One or more of these."
    )
    started_from: Instant | None = None
    started_until: Instant | None = Field(default=None, description="Excluded.")
    limit: int | None = Field(default=None, exclude=True)
    cursor: str | None = Field(default=None, exclude=True)

    def wanted(self, for_customer: UUID | None) -> ClockFilter:
        given = {name: getattr(self, name) for name in _NAMES}
        return ClockFilter(**given, states=tuple(self.state), for_customer=for_customer)


_NAMES = (
    "subject_kind",
    "subject_id",
    "customer_id",
    "metric",
    "agreement",
    "priority",
    "tier",
    "policy_id",
    "started_from",
    "started_until",
)


@router.get("/clocks", response_model=Page[ClockOut])
async def list_clocks(
    filters: Annotated[ClockFilters, Query()],
    context: Annotated[SlaContext, Depends(context_of)],
    paging: Annotated[Paging, Depends(paging)],
    reader: Annotated[Reader, Depends(reading("list_clocks"))],
) -> Response:
    """Clocks by start, one row a cycle. Customers see those promised to them."""
    after = paging.after(datetime, UUID, int)
    now = context.clock.now()
    async with reader.session() as session:
        rows = await clock_reads.page(
            session, filters.wanted(reader.principal.customer_id), after=after, limit=paging.fetch
        )
    return paging.page(
        rows,
        present=lambda row: ClockOut.of(row, now),
        key=lambda row: (row["started_at"], row["id"], row["cycle"]),
    )


@router.get("/clocks/{clock_id}", response_model=ClockDetail)
async def get_clock(
    clock_id: UUID,
    context: Annotated[SlaContext, Depends(context_of)],
    reader: Annotated[Reader, Depends(reading("get_clock"))],
) -> Response:
    """A clock with all its cycles."""
    async with reader.session() as session:
        rows = await clock_reads.cycles(session, clock_id, for_customer=reader.principal.customer_id)
    if not rows:
        raise ClockNotFoundError
    now = context.clock.now()
    return reader.answer(ClockDetail(id=clock_id, cycles=[ClockOut.of(row, now) for row in rows]))


@router.get("/clocks/{clock_id}/explain", response_model=ClockExplanation)
async def explain_clock(
    clock_id: UUID,
    context: Annotated[SlaContext, Depends(context_of)],
    reader: Annotated[Reader, Depends(reading("explain_clock"))],
    cycle: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="The latest unless said.")] = None,
) -> Response:
    """Every interval counted or skipped with its reason, the policy and why it matched, the sum to the due date."""
    found = await _explained(clock_id, cycle, context, reader)
    shown = ClockOut.of(found.row, found.now)
    return reader.answer(ClockExplanation.of(shown, found.explanation, found.lines))


@router.get(
    "/clocks/{clock_id}/timeline.svg",
    response_class=Response,
    responses={200: {"content": {SVG: {"schema": {"type": "string"}}}, "description": "The picture."}},
)
async def draw_clock(
    clock_id: UUID,
    context: Annotated[SlaContext, Depends(context_of)],
    reader: Annotated[Reader, Depends(reading("draw_clock"))],
    cycle: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="The latest unless said.")] = None,
) -> Response:
    """What `explain` says, drawn: counted and skipped intervals, pauses, thresholds, what happened, now."""
    found = await _explained(clock_id, cycle, context, reader)
    clock, row = found.clock, found.row
    shown = ClockOut.of(row, found.now)
    number = shown.subject_number or str(shown.subject_id)
    caption = Caption(
        f"{shown.agreement} {shown.metric} on {shown.subject_kind} {number}: {shown.state}",
        [
            f"Target {shown.target.amount} {shown.target.unit.replace('_', ' ')}, cycle {shown.cycle}",
            found.explanation.matched,
            "; ".join(found.explanation.arithmetic[-2:]),
        ],
    )
    drawn = picture(clock, found.explanation, found.lines, found.now)
    body = timeline_svg(drawn, caption, LocalTime(clock))
    return Response(body, media_type=SVG, headers=ALONE)


@dataclass(frozen=True, slots=True)
class _Explained:
    row: Any
    clock: ClockFold
    explanation: Explanation
    lines: list[Line]
    now: datetime


async def _explained(clock_id: UUID, cycle: int | None, context: SlaContext, reader: Reader) -> _Explained:
    """A cycle of a clock, folded and explained. Raises `ClockNotFoundError`."""
    async with reader.session() as session:
        rows = await clock_reads.cycles(session, clock_id, for_customer=None)
        row = next((one for one in reversed(rows) if cycle in (None, one["cycle"])), None)
        if row is None:
            raise ClockNotFoundError
        subject = await subject_store.get(session, row["subject_id"], SubjectKind(row["subject_kind"]))
        catalogue = await context.catalogues.at(session, subject.needed_revision)
    folded = subject.folded(catalogue)
    key = row["agreement"], row["metric"]
    started = folded.started()
    clock = next((one for one in started if one.key == key and one.cycle == row["cycle"]), None)
    if clock is None:
        raise ClockNotFoundError
    now = context.clock.now()
    return _Explained(row, clock, explain(clock, now), folded.lines, now)
