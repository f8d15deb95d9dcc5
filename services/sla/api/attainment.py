"""Attainment: how many promises were kept."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from services.sla.domain.metrics import Agreement, Metric, SubjectKind
from services.sla.domain.reports.tables import attainment_of
from services.sla.persistence import attainment_reads
from services.sla.persistence.clock_reads import ClockFilter
from shared.web.models import ApiModel, Instant
from shared.web.reads import Reader, reading

router = APIRouter(tags=["reports"])

Group = Literal["metric", "agreement", "priority", "tier", "category", "channel", "queue", "subject_kind"]


class AttainmentFilters(ApiModel):
    """Which clocks are counted, and by what."""

    group_by: list[Group] = Field(default=["metric", "priority", "tier"], max_length=4)
    subject_kind: SubjectKind | None = None
    metric: Metric | None = None
    agreement: Agreement | None = None
    policy_id: UUID | None = None
    started_from: Instant | None = None
    started_until: Instant | None = Field(default=None, description="Excluded.")


class AttainmentRow(ApiModel):
    """One group. `missed` counts a breach from its instant on, also of clocks that still run (`open_breached`).

    `attainment` is met ÷ (met + missed), `attainment_of_promised` met ÷ (met + missed + cancelled), which giving
    promises up cannot improve; absent where nothing is decided.
    """

    group: dict[str, str | None]
    clocks: int
    met: int
    missed: int
    cancelled: int
    open: int
    open_breached: int
    warned: int
    attainment: float | None
    attainment_of_promised: float | None

    @classmethod
    def of(cls, row: Any, groups: tuple[str, ...]) -> "AttainmentRow":
        names = ("clocks", "met", "missed", "cancelled", "open", "open_breached", "warned")
        counts = {name: row[name] for name in names}
        group = {name: row[name] for name in groups}
        return cls.model_validate({"group": group, **counts, **attainment_of(counts)})


class AttainmentOut(ApiModel):
    """The report, one row a group."""

    group_by: list[str]
    rows: list[AttainmentRow]


@router.get("/attainment", response_model=AttainmentOut)
async def get_attainment(
    filters: Annotated[AttainmentFilters, Query()],
    reader: Annotated[Reader, Depends(reading("get_attainment"))],
) -> Response:
    """Promises kept and missed (达成率), by metric, priority and tier unless said otherwise."""
    groups = tuple(dict.fromkeys(filters.group_by))
    wanted = ClockFilter(
        subject_kind=filters.subject_kind,
        metric=filters.metric,
        agreement=filters.agreement,
        policy_id=filters.policy_id,
        started_from=filters.started_from,
        started_until=filters.started_until,
    )
    async with reader.session() as session:
        rows = await attainment_reads.attainment(session, wanted, groups)
    return reader.answer(
        AttainmentOut(group_by=list(groups), rows=[AttainmentRow.of(row, groups) for row in rows])
    )
