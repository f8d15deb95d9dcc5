"""Refit jobs: fit the value models anew, promote what passes its checks, and score everybody."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.valuation.domain.serving.refit_status import RefitStatus
from services.valuation.persistence import refit_jobs
from services.valuation.persistence.refit_jobs import RefitCause, RefitJob
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.refit_models import start_refit
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Instant, Page
from shared.web.reads import Reader, reading


class RefitJobOut(ApiModel):
    """A refit and how far it is; a job after a rollback only scores."""

    id: UUID
    cause: RefitCause
    state: RefitStatus
    history_day: date = Field(description="The last day that the fit takes into account.")
    attempts: int = Field(description="Processes started for the fit.")
    problem: str | None = Field(description="Why the last attempt, or the job, came to nothing.")
    model_version: int | None = Field(description="What the fit became, promoted or rejected.")
    customers: int = Field(description="How many there were when it began.")
    scored: int = Field(description="Those who have bought, scored so far.")
    told: int = Field(description="Scores published because they had moved materially.")
    started_at: Instant
    started_by: str
    completed_at: Instant | None

    @classmethod
    def of(cls, job: RefitJob) -> Self:
        return cls(
            id=job.id,
            cause=job.cause,
            state=job.status,
            history_day=job.history_day,
            attempts=job.attempts,
            problem=job.problem,
            model_version=job.model_version,
            customers=job.customers,
            scored=job.scored,
            told=job.told,
            started_at=job.started_at,
            started_by=job.started_by,
            completed_at=job.completed_at,
        )


def refit_job_routes(valuation: Valuation, wake_refits: Callable[[], None]) -> APIRouter:
    router = APIRouter(tags=["value models"])

    @router.post("/refit-jobs", status_code=202, response_model=RefitJobOut)
    async def start_refit_job(edge: Annotated[CommandEdge, Depends(command("start_refit_job"))]) -> Response:
        """Fit now; the job that is open already, if there is one. It also runs every night by itself."""
        answer = await edge.run(
            lambda work: start_refit(work, valuation),
            present=RefitJobOut.of,
            status=202,
            location=lambda job: f"/valuation/v1/refit-jobs/{job.id}",
        )
        wake_refits()
        return answer

    @router.get("/refit-jobs", response_model=Page[RefitJobOut])
    async def list_refit_jobs(
        reader: Annotated[Reader, Depends(reading("list_refit_jobs"))],
        paging: Annotated[Paging, Depends(paging)],
    ) -> Response:
        """All jobs, the newest first."""
        after = paging.after(UUID)
        async with reader.session() as session:
            jobs = await refit_jobs.page(session, None if after is None else after[0], paging.fetch)
        return paging.page(jobs, present=RefitJobOut.of, key=lambda job: (job.id,))

    @router.get("/refit-jobs/{job_id}", response_model=RefitJobOut)
    async def get_refit_job(
        job_id: UUID, reader: Annotated[Reader, Depends(reading("get_refit_job"))]
    ) -> Response:
        """How far a job is."""
        async with reader.session() as session:
            job = await refit_jobs.require(session, job_id)
        return reader.answer(RefitJobOut.of(job))

    return router
