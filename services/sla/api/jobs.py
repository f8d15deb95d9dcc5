"""Jobs: a version applied to the subjects that run already, with progress."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import ConfigDict, Field, model_validator

from services.sla.api.catalogue_access import SlaContext, context_of
from services.sla.domain.jobs import JobKind, JobState
from services.sla.domain.metrics import SubjectKind
from services.sla.persistence import job_store
from services.sla.usecases.apply_version import (
    ApplyCalendarVersion,
    ApplyPolicyVersion,
    RetryJob,
    apply_calendar_version,
    apply_policy_version,
)
from services.sla.usecases.apply_version import retry_job as retry_usecase
from shared.db.work import Work
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Page
from shared.web.reads import Reader, reading

router = APIRouter(tags=["jobs"])
LOCATION = "/sla/v1/jobs"
Context = Annotated[SlaContext, Depends(context_of)]
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]


class ApplyVersionIn(ApiModel):
    """Which version: of a policy or of a calendar, in force now."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"policy_id": "0197a3c1-0000-7000-8000-000000000001", "version": 2}]}
    )

    policy_id: UUID | None = None
    calendar_id: UUID | None = None
    version: Number

    @model_validator(mode="after")
    def _one_of(self) -> "ApplyVersionIn":
        if (self.policy_id is None) == (self.calendar_id is None):
            raise ValueError("give a policy_id or a calendar_id, one of them")
        return self


class JobOut(ApiModel):
    """A job as far as it has come. `subjects_total` is what there was to look at when it was asked for."""

    id: UUID
    kind: JobKind
    state: JobState
    version_id: UUID = Field(description="Of the policy or calendar version that is applied.")
    subject_kinds: list[SubjectKind]
    applied_at: datetime = Field(description="From when on the version counts for what runs.")
    subjects_total: int
    subjects_done: int
    subjects_changed: int
    percent: float
    error: str | None
    created_at: datetime
    created_by: str
    finished_at: datetime | None
    version: int

    @classmethod
    def of(cls, row: Any) -> "JobOut":
        done, total = row["subjects_done"], row["subjects_total"]
        is_done = row["state"] == JobState.DONE
        names = [name for name in cls.model_fields if name != "percent"]
        percent = 100.0 if is_done or not total else round(100 * done / max(done, total), 2)
        return cls(**{name: row[name] for name in names}, percent=percent)


@router.post(
    "/jobs",
    status_code=202,
    response_model=JobOut,
    responses={404: {"description": "There is no such policy or calendar, or no such version of it."}},
)
async def apply_version(
    body: ApplyVersionIn,
    context: Context,
    edge: Annotated[CommandEdge, Depends(command("apply_version"))],
) -> Response:
    """Apply a version retroactively: clocks that run follow it from now on, with its notice and never in the
    past. What it makes late is told in one digest a target."""

    async def run(work: Work) -> Any:
        if body.policy_id is not None:
            applying = ApplyPolicyVersion(body.policy_id, body.version)
            return await apply_policy_version(applying, work, catalogues=context.catalogues)
        assert body.calendar_id is not None
        other = ApplyCalendarVersion(body.calendar_id, body.version)
        return await apply_calendar_version(other, work, catalogues=context.catalogues)

    return await edge.run(run, present=JobOut.of, status=202, location=lambda row: f"{LOCATION}/{row['id']}")


@router.get("/jobs", response_model=Page[JobOut])
async def list_jobs(
    paging: Annotated[Paging, Depends(paging)], reader: Annotated[Reader, Depends(reading("list_jobs"))]
) -> Response:
    """Jobs, newest first."""
    after = paging.after(UUID)
    async with reader.session() as session:
        rows = await job_store.page(session, after=None if after is None else after[0], limit=paging.fetch)
    return paging.page(rows, present=JobOut.of, key=lambda row: (row["id"],))


@router.get("/jobs/{job_id}", response_model=JobOut)
async def get_job(job_id: UUID, reader: Annotated[Reader, Depends(reading("get_job"))]) -> Response:
    """How far a job has come."""
    async with reader.session() as session:
        return reader.answer(JobOut.of(await job_store.get(session, job_id)))


@router.post("/jobs/{job_id}/retry", status_code=202, response_model=JobOut)
async def retry_job(job_id: UUID, edge: Annotated[CommandEdge, Depends(command("retry_job"))]) -> Response:
    """Let a failed job go on where it stopped."""
    retrying = RetryJob(job_id)
    return await edge.run(lambda work: retry_usecase(retrying, work), present=JobOut.of, status=202)
