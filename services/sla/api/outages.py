"""Outages (中断) and probe results: what availability is measured by."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from services.sla.api.availability import AvailabilityContext, availability_of
from services.sla.api.availability_models import (
    CorrectOutageIn,
    OutageOut,
    ProbeResultsIn,
    ProbeResultsOut,
    RecordOutageIn,
    Text,
)
from services.sla.persistence import outage_store
from services.sla.usecases.record_outage import CorrectOutage, RecordOutage, RecordProbeResults
from services.sla.usecases.record_outage import correct_outage as correct_usecase
from services.sla.usecases.record_outage import record_outage as record_usecase
from services.sla.usecases.record_outage import record_probe_results as record_results_usecase
from shared.db.work import Work
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.models import Page
from shared.web.reads import Reader, reading

router = APIRouter(tags=["availability"])
LOCATION = "/sla/v1/outages"


@router.post("/outages", status_code=201, response_model=OutageOut)
async def record_outage(
    body: RecordOutageIn, edge: Annotated[CommandEdge, Depends(command("record_outage"))]
) -> Response:
    """An offering is or was down, or maintenance is planned."""
    recording = RecordOutage(
        body.offering, body.start_at, body.end_at, body.cause, body.planned, body.evidence
    )
    return await edge.run(
        lambda work: record_usecase(recording, work),
        present=OutageOut.of,
        status=201,
        location=lambda stored: f"{LOCATION}/{stored.id}",
    )


@router.post("/outages/{outage_id}/facts", status_code=201, response_model=OutageOut)
async def correct_outage(
    outage_id: UUID,
    body: CorrectOutageIn,
    edge: Annotated[CommandEdge, Depends(command("correct_outage"))],
) -> Response:
    """It has ended, or it was otherwise: the new fact counts, those before stay."""
    correcting = CorrectOutage(
        outage_id=outage_id,
        expected_version=edge.expected_version,
        start_at=body.start_at,
        end_at=body.end_at,
        cause=body.cause,
        is_planned=body.planned,
        is_retracted=body.retracted,
        evidence=body.evidence,
    )
    return await edge.run(lambda work: correct_usecase(correcting, work), present=OutageOut.of, status=201)


@router.get("/outages", response_model=Page[OutageOut])
async def list_outages(
    paging: Annotated[Paging, Depends(paging)],
    reader: Annotated[Reader, Depends(reading("list_outages"))],
    offering: Annotated[Text | None, Query()] = None,
) -> Response:
    """Outages in the order in which they were recorded."""
    after = paging.after(datetime, UUID)
    async with reader.session() as session:
        found = await outage_store.page(session, offering=offering, after=after, limit=paging.fetch)
    return paging.page(found, present=OutageOut.of, key=lambda stored: (stored.created_at, stored.id))


@router.get("/outages/{outage_id}", response_model=OutageOut)
async def get_outage(outage_id: UUID, reader: Annotated[Reader, Depends(reading("get_outage"))]) -> Response:
    """An outage with everything that was said of it."""
    async with reader.session() as session:
        return reader.answer(OutageOut.of(await outage_store.get(session, outage_id)))


@router.post("/probe-results", response_model=ProbeResultsOut)
async def record_probe_results(
    body: ProbeResultsIn,
    availability: Annotated[AvailabilityContext, Depends(availability_of)],
    edge: Annotated[CommandEdge, Depends(command("record_probe_results"))],
) -> Response:
    """Results of probes, up to 1,000 at once. Bad ones in a row make an outage by each objective's rule."""
    results = [(one.probe, one.at, one.ok) for one in body.results]
    recording = RecordProbeResults(body.offering, results, availability.settle_seconds)

    async def run(work: Work) -> ProbeResultsOut:
        added = await record_results_usecase(recording, work)
        return ProbeResultsOut(received=len(results), added=added)

    return await edge.run(run, present=lambda shown: shown)
