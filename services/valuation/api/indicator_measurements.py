"""Measurements of the population: how each source is distributed over all customers, as a job."""

from collections.abc import Callable
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.valuation.domain.indicators.errors import IndicatorMeasurementNotFoundError
from services.valuation.persistence import measurements
from services.valuation.persistence.measurements import Measurement, MeasurementState
from services.valuation.usecases import measure_population as measuring
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Instant, Page
from shared.web.reads import Reader, reading


class MeasurementOut(ApiModel):
    """A measurement and how far it is. Scores use the last one that is completed."""

    id: UUID
    state: MeasurementState
    customers: int = Field(description="How many there were when it began.")
    sources_total: int
    sources_done: int
    progress: float = Field(description="Share of the sources that was measured, 0 to 1.")
    started_at: Instant = Field(description="The instant that figures were taken at.")
    completed_at: Instant | None
    started_by: str

    @classmethod
    def of(cls, job: Measurement) -> Self:
        return cls(
            id=job.id,
            state=job.state,
            customers=job.customers,
            sources_total=job.sources_total,
            sources_done=job.sources_done,
            progress=job.sources_done / job.sources_total,
            started_at=job.started_at,
            completed_at=job.completed_at,
            started_by=job.started_by,
        )


def indicator_measurement_routes(wake_measurements: Callable[[], None]) -> APIRouter:
    router = APIRouter(tags=["indicator measurements"])

    @router.post("/indicator-measurements", status_code=202, response_model=MeasurementOut)
    async def start_indicator_measurement(
        edge: Annotated[CommandEdge, Depends(command("start_indicator_measurement"))],
    ) -> Response:
        """Measure all customers now; the job that is running already, if there is one. It also runs by itself."""
        answer = await edge.run(
            measuring.start_measurement,
            present=MeasurementOut.of,
            status=202,
            location=lambda job: f"/valuation/v1/indicator-measurements/{job.id}",
        )
        wake_measurements()
        return answer

    @router.get("/indicator-measurements", response_model=Page[MeasurementOut])
    async def list_indicator_measurements(
        reader: Annotated[Reader, Depends(reading("list_indicator_measurements"))],
        paging: Annotated[Paging, Depends(paging)],
    ) -> Response:
        """All measurements, the newest first."""
        after = paging.after(UUID)
        async with reader.session() as session:
            jobs = await measurements.page(session, None if after is None else after[0], paging.fetch)
        return paging.page(jobs, present=MeasurementOut.of, key=lambda job: (job.id,))

    @router.get("/indicator-measurements/{measurement_id}", response_model=MeasurementOut)
    async def get_indicator_measurement(
        measurement_id: UUID, reader: Annotated[Reader, Depends(reading("get_indicator_measurement"))]
    ) -> Response:
        """How far a measurement is."""
        async with reader.session() as session:
            job = await measurements.find(session, measurement_id)
        if job is None:
            raise IndicatorMeasurementNotFoundError
        return reader.answer(MeasurementOut.of(job))

    return router
