"""Indicator systems (指标体系): what may be an indicator, versions with their weights, and a look before saving."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import Field
from starlette.responses import Response

from services.valuation.api.indicator_schemas import IndicatorSystemIn, IndicatorSystemOut, WeightsOut
from services.valuation.domain.indicators.sources import SOURCES, Direction, Unit, ValueKind
from services.valuation.persistence import indicator_systems
from services.valuation.usecases import create_indicator_system as creating
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Page
from shared.web.reads import Reader, reading

LARGEST_VERSION = 2**31 - 1


class IndicatorSourceOut(ApiModel):
    """A figure that an indicator may read."""

    name: str
    kind: ValueKind
    unit: Unit
    direction: Direction = Field(description="The good end, unless an indicator says otherwise.")
    label: str
    label_zh: str


class IndicatorSourcesOut(ApiModel):
    """The closed list: what customers did and received. Who a person is (age, sex, origin …) is not on it."""

    items: list[IndicatorSourceOut]


def indicator_system_routes() -> APIRouter:
    router = APIRouter(tags=["indicator systems"])

    @router.get("/indicator-sources", response_model=IndicatorSourcesOut)
    async def list_indicator_sources(
        reader: Annotated[Reader, Depends(reading("list_indicator_sources"))],
    ) -> Response:
        """What may be an indicator."""
        return reader.answer(
            IndicatorSourcesOut(items=[IndicatorSourceOut.model_validate(one) for one in SOURCES.values()])
        )

    @router.post(
        "/indicator-system-previews",
        response_model=WeightsOut,
        responses={409: {"description": "The population was not measured yet."}},
    )
    async def preview_indicator_system(
        body: IndicatorSystemIn,
        reader: Annotated[Reader, Depends(reading("preview_indicator_system"))],
    ) -> Response:
        """The weights that a system would have, with the judgements that fit least; nothing is stored."""
        system = body.to_system()
        async with reader.session() as session:
            weights, measurement = await creating.preview_weights(system, session)
        return reader.answer(WeightsOut.of(system, weights, None if measurement is None else measurement.id))

    @router.post("/indicator-systems", status_code=201, response_model=IndicatorSystemOut)
    async def create_indicator_system(
        body: IndicatorSystemIn,
        edge: Annotated[CommandEdge, Depends(command("create_indicator_system"))],
    ) -> Response:
        """Make a new version, in force at once; contradictory judgements are refused, the worst of them named."""
        system = body.to_system()
        return await edge.run(
            lambda work: creating.create_indicator_system(system, work),
            present=IndicatorSystemOut.of,
            status=201,
            location=lambda stored: f"/valuation/v1/indicator-systems/{stored.provenance.version}",
        )

    @router.get("/indicator-systems", response_model=Page[IndicatorSystemOut])
    async def list_indicator_systems(
        reader: Annotated[Reader, Depends(reading("list_indicator_systems"))],
        paging: Annotated[Paging, Depends(paging)],
    ) -> Response:
        """All versions, the newest (in force) first."""
        after = paging.after(int)
        before = LARGEST_VERSION if after is None else after[0]
        async with reader.session() as session:
            versions = await indicator_systems.page(session, before, paging.fetch)
        return paging.page(
            versions, present=IndicatorSystemOut.of, key=lambda stored: (stored.provenance.version,)
        )

    @router.get("/indicator-systems/{version}", response_model=IndicatorSystemOut)
    async def get_indicator_system(
        version: Annotated[int, Path(ge=1, le=LARGEST_VERSION)],
        reader: Annotated[Reader, Depends(reading("get_indicator_system"))],
    ) -> Response:
        """One version, as a score names it."""
        async with reader.session() as session:
            stored = await indicator_systems.require(session, version)
        return reader.answer(IndicatorSystemOut.of(stored))

    return router
