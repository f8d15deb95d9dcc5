"""Reports (报表) from the ledgers: attainment, durations, breaches, commitments, resolution."""

from datetime import datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field
from starlette.requests import Request
from starlette.responses import StreamingResponse

from services.sla.api.catalogue_access import SlaContext, context_of
from services.sla.api.report_formats import CSV, NDJSON, lines, to_csv
from services.sla.domain.calendars.public_data import has_timezone
from services.sla.domain.metrics import Agreement, Metric, SubjectKind
from services.sla.domain.reports.errors import InvalidReportError
from services.sla.domain.reports.periods import Period
from services.sla.domain.reports.tables import KINDS, Kind, Scope
from services.sla.usecases.make_report import MakeReport, make_report
from shared.web.answers import BytesResponse
from shared.web.models import ApiModel, Instant
from shared.web.reads import Reader, reading

router = APIRouter(tags=["reports"])
LONGEST = timedelta(days=400)
Name = Literal["attainment", "durations", "breaches", "commitments", "resolution"]
Group = Literal[
    "metric",
    "agreement",
    "subject_kind",
    "priority",
    "tier",
    "category",
    "channel",
    "queue",
    "policy_version",
    "cause",
    "queue_at_breach",
    "priority_at_breach",
]
Format = Literal["json", "csv", "ndjson"]


class ReportFilters(ApiModel):
    """Which starts are counted, and by what; a subject starts when it is opened."""

    started_from: Instant
    started_until: Instant = Field(description="Excluded; at most 400 days later.")
    timezone: str = Field(default="UTC", max_length=64, description="IANA zone of the periods.")
    period: Period | None = Field(default=None, description="A row for each of these.")
    group_by: list[Group] | None = Field(
        default=None, max_length=6, description="What the report allows; its usual ones unless said."
    )
    metric: Metric | None = None
    agreement: Agreement | None = None
    subject_kind: SubjectKind | None = None
    as_known_at: Instant | None = Field(
        default=None, description="By what had been stored up to then, and judged at that instant."
    )
    format: Format | None = Field(default=None, description="`Accept` decides unless said.")

    def scope(self, kind: Kind) -> Scope:
        """Raises `InvalidReportError`."""
        if self.started_until <= self.started_from:
            raise InvalidReportError.named(
                "started_until", "after_started_from", "A report ends after it begins."
            )
        if self.started_until - self.started_from > LONGEST:
            message = f"A report covers {LONGEST.days} days at most."
            raise InvalidReportError.named("started_until", "range", message)
        if not has_timezone(self.timezone):
            message = f"There is no time zone {self.timezone}."
            raise InvalidReportError.named("timezone", "known_timezone", message)
        groups = kind.usual if self.group_by is None else tuple(dict.fromkeys(self.group_by))
        for group in groups:
            if group not in kind.names:
                message = f"This report is grouped by: {', '.join(kind.names)}."
                raise InvalidReportError.named("group_by", "allowed", message)
        given = {"metric": self.metric, "agreement": self.agreement, "subject_kind": self.subject_kind}
        wanted = {name: value.value for name, value in given.items() if value is not None}
        for name in wanted:
            if name not in kind.names:
                message = f"This report is not narrowed by {name}."
                raise InvalidReportError.named(name, "allowed", message)
        zone = ZoneInfo(self.timezone)
        return Scope(self.started_from, self.started_until, zone, groups, self.period, wanted)


class ReportOut(ApiModel):
    """A report. Each row has its groups (absent values are null) and the report's figures.

    - attainment: clocks, met, missed, cancelled, open, open_breached, attainment = met ÷ (met + missed), and
      attainment_of_promised = met ÷ (met + missed + cancelled)
    - durations: unit, clocks, p50, p90, p95 (nearest rank), mean, longest: of fulfilled clocks, by their own meter
    - breaches: breaches, open (of them, not fulfilled yet)
    - commitments: promised, recommitted, recommitments, and kept, missed and attainment by first and latest promise
    - resolution: opened, resolved (and not reopened since), ever_resolved, first_contact, reopened, reopenings,
      given_up, resolution_rate, first_contact_rate, reopen_rate
    """

    report: str
    started_from: datetime
    started_until: datetime
    timezone: str
    group_by: list[str]
    known_at: datetime
    subjects: int = Field(description="Whose ledgers were read.")
    rows: list[dict[str, str | int | float | None]]


@router.get(
    "/reports/{report}",
    response_model=ReportOut,
    responses={
        200: {
            "description": "The report, as JSON, as CSV, or as lines of JSON that begin with its progress.",
            "content": {CSV: {"schema": {"type": "string"}}, NDJSON: {"schema": {"type": "string"}}},
        }
    },
)
async def get_report(
    report: Name,
    filters: Annotated[ReportFilters, Query()],
    request: Request,
    context: Annotated[SlaContext, Depends(context_of)],
    reader: Annotated[Reader, Depends(reading("get_report"))],
) -> Response:
    """A report from the ledgers, as they are known now or were at an instant."""
    kind = KINDS[report]
    scope = filters.scope(kind)
    now = context.clock.now()
    known_at = filters.as_known_at or now
    if known_at > now:
        raise InvalidReportError.named("as_known_at", "not_in_future", "What will be known is not known.")
    table = kind.table(scope)
    most: int = request.scope["app"].state.report_subjects
    made = make_report(MakeReport(scope, known_at, most), table, reader.session, context.catalogues)
    progress = await anext(made)
    chosen = filters.format or _accepted(request)
    if chosen == "ndjson":
        return StreamingResponse(lines(progress, made, table), media_type=NDJSON)
    async for step in made:
        progress = step
    rows = table.rows()
    if chosen == "csv":
        headers = {
            "content-type": f"{CSV}; charset=utf-8",
            "content-disposition": f'attachment; filename="{report}.csv"',
        }
        return BytesResponse(to_csv(table.columns, rows), 200, headers)
    return reader.answer(
        ReportOut(
            report=report,
            started_from=scope.start_at,
            started_until=scope.end_at,
            timezone=filters.timezone,
            group_by=list(scope.columns),
            known_at=known_at,
            subjects=progress.total,
            rows=rows,
        )
    )


def _accepted(request: Request) -> Format:
    """The first of the media types that the caller names and this operation has."""
    for one in request.headers.get("accept", "").split(","):
        media_type = one.partition(";")[0].strip().lower()
        if media_type == CSV:
            return "csv"
        if media_type == NDJSON:
            return "ndjson"
        if media_type == "application/json":
            return "json"
    return "json"
