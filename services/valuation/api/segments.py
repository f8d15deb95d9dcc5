"""Segments: the concentration curve, RFM groups, and the matrix of current and potential value."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from services.valuation.api.concentration_svg import concentration_svg
from services.valuation.domain.segments.concentration import Concentration, CurvePoint, Measure
from services.valuation.domain.segments.matrix import (
    CELLS,
    Cell,
    InfluenceNote,
    Level,
    PotentialLevel,
    cell_of,
    influence_note,
)
from services.valuation.domain.segments.rfm_groups import GROUPS, NOT_BOUGHT, RfmGroup, group_by, group_of
from services.valuation.persistence import segment_queries, segment_rules, standings
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.read_value import read_three_values
from shared.web.models import ApiModel
from shared.web.reads import Reader, reading

SVG = "image/svg+xml"
# A picture that somebody opens by itself may load and run nothing.
ALONE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-cache",
}
FEWEST_POINTS, MOST_POINTS = 1, 1000
TITLES: dict[Measure, str] = {
    "realised_value": "Concentration of realised value",
    "spend": "Concentration of spend",
}
WhichMeasure = Annotated[Measure, Query(description="What is summed up.")]
HowManyPoints = Annotated[
    int, Query(ge=FEWEST_POINTS, le=MOST_POINTS, description="Equal steps of the curve.")
]


class CurvePointOut(ApiModel):
    """The top `customer_share` of those that have bought bring `value_share` of the value."""

    customer_share: float
    value_share: float

    @classmethod
    def of(cls, point: CurvePoint) -> "CurvePointOut":
        return cls.model_validate(point)


class ConcentrationCurveOut(ApiModel):
    """The curve as it is. Without value in all there are no points and no Gini."""

    measure: Measure
    currency: str
    customers: int
    value_minor: int
    gini: float | None = Field(
        description="0: all alike; towards 1: few bring nearly all. Above 1 with great losses."
    )
    points: list[CurvePointOut]


class WordsOut(ApiModel):
    """A segment's name and what to do for it, in English and Chinese."""

    name: str
    name_zh: str
    strategy: str
    strategy_zh: str


class RfmGroupOut(WordsOut):
    """One RFM group: customers, and what they have spent and brought (minor units)."""

    code: str
    customers: int
    spend_minor: int
    realised_value_minor: int


class RfmGroupsOut(ApiModel):
    """All customers by RFM group; every group is listed."""

    rule_version: int
    currency: str
    groups: list[RfmGroupOut]


class MatrixCellOut(WordsOut):
    """One cell: customers, what they have brought, and how many of them bring others."""

    current: Level
    potential: PotentialLevel
    customers: int
    realised_value_minor: int
    bring_unprompted: int = Field(description="Overlay: customers who brought others unasked.")
    bring_for_reward: int = Field(description="Overlay: customers who brought others for a reward.")


class MatrixOut(ApiModel):
    """All customers by current × potential value; every cell is listed. Influence lies over it and adds to neither."""

    rule_version: int
    currency: str
    cells: list[MatrixCellOut]


class CustomerRfmOut(WordsOut):
    """The RFM group of one customer."""

    code: str


class CustomerCellOut(WordsOut):
    """The cell of one customer; values in minor units, the potential None until it is scored."""

    current: Level
    potential: PotentialLevel
    current_minor: int
    potential_minor: float | None


class InfluenceOverlayOut(ApiModel):
    """What influence adds to the strategy; customers brought unasked and for a reward are kept apart."""

    referrals: int
    incentivised_referrals: int
    strategy: str | None
    strategy_zh: str | None


class CustomerSegmentOut(ApiModel):
    """Where one customer belongs, and what follows from it."""

    customer_id: UUID
    rule_version: int
    currency: str
    rfm: CustomerRfmOut
    matrix: CustomerCellOut
    influence: InfluenceOverlayOut


def segment_routes(valuation: Valuation) -> APIRouter:
    router = APIRouter(tags=["segments"])
    currency = valuation.ledger.currency

    @router.get("/segments/concentration", response_model=ConcentrationCurveOut)
    async def measure_concentration(
        reader: Annotated[Reader, Depends(reading("measure_concentration"))],
        measure: WhichMeasure = "realised_value",
        points: HowManyPoints = 20,
    ) -> Response:
        """How concentrated the value is, over customers that have bought: measured, not assumed."""
        found = await _measured(reader, measure, points)
        return reader.answer(
            ConcentrationCurveOut(
                measure=measure,
                currency=currency,
                customers=found.customers,
                value_minor=found.value_minor,
                gini=found.gini,
                points=[CurvePointOut.of(point) for point in found.points],
            )
        )

    @router.get(
        "/segments/concentration.svg",
        response_class=Response,
        responses={200: {"content": {SVG: {"schema": {"type": "string"}}}, "description": "The picture."}},
    )
    async def draw_concentration(
        reader: Annotated[Reader, Depends(reading("draw_concentration"))],
        measure: WhichMeasure = "realised_value",
        points: HowManyPoints = 100,
    ) -> Response:
        """The same curve, drawn."""
        found = await _measured(reader, measure, points)
        image = await asyncio.to_thread(concentration_svg, found, TITLES[measure])
        return Response(image, media_type=SVG, headers=ALONE)

    @router.get("/segments/rfm", response_model=RfmGroupsOut)
    async def summarise_rfm_groups(
        reader: Annotated[Reader, Depends(reading("summarise_rfm_groups"))],
    ) -> Response:
        """Customers by recency, frequency and spend (RFM)."""
        today = valuation.ledger.calendar.day_of(valuation.clock.now())
        async with reader.session() as session:
            rules = (await segment_rules.newest(session)).rules
            rows = await segment_queries.rfm_counts(session, rules, today)
        sums = dict.fromkeys(GROUPS, (0, 0, 0))
        for row in rows:
            code = NOT_BOUGHT
            if row["has_bought"]:
                code = group_by(
                    is_recent=row["is_recent"], is_frequent=row["is_frequent"], is_large=row["is_large"]
                ).code
            before = sums[code]
            sums[code] = (
                before[0] + row["customers"],
                before[1] + row["spend_minor"],
                before[2] + row["margin_minor"],
            )
        return reader.answer(
            RfmGroupsOut(
                rule_version=rules.version,
                currency=currency,
                groups=[
                    RfmGroupOut(
                        code=code,
                        customers=sums[code][0],
                        spend_minor=sums[code][1],
                        realised_value_minor=sums[code][2],
                        **_words(group),
                    )
                    for code, group in GROUPS.items()
                ],
            )
        )

    @router.get("/segments/matrix", response_model=MatrixOut)
    async def summarise_value_matrix(
        reader: Annotated[Reader, Depends(reading("summarise_value_matrix"))],
    ) -> Response:
        """Customers by current × potential value, with a strategy for each cell."""
        async with reader.session() as session:
            rules = (await segment_rules.newest(session)).rules
            counted = await segment_queries.matrix_counts(session, rules)
        found = {(one.current, one.potential): one for one in counted}
        cells = []
        for key, cell in CELLS.items():
            one = found.get(key)
            cells.append(
                MatrixCellOut(
                    current=cell.current,
                    potential=cell.potential,
                    customers=one.customers if one else 0,
                    realised_value_minor=one.margin_minor if one else 0,
                    bring_unprompted=one.bring_unprompted if one else 0,
                    bring_for_reward=one.bring_for_reward if one else 0,
                    **_words(cell),
                )
            )
        return reader.answer(MatrixOut(rule_version=rules.version, currency=currency, cells=cells))

    @router.get("/customers/{customer_id}/segment", response_model=CustomerSegmentOut)
    async def get_customer_segment(
        customer_id: UUID, reader: Annotated[Reader, Depends(reading("get_customer_segment"))]
    ) -> Response:
        """RFM group, cell of the matrix and influence of one customer, each with what to do."""
        today = valuation.ledger.calendar.day_of(valuation.clock.now())
        async with reader.session() as session:
            rules = (await segment_rules.newest(session)).rules
            values = await read_three_values(session, customer_id, valuation)
            standing = await standings.find(session, customer_id)
        assert standing is not None
        group = group_of(standing.rfm, rules, today)
        cell = cell_of(values.margin_minor, values.potential_minor, rules)
        brought = values.influence
        note = influence_note(brought.referrals, brought.incentivised_referrals)
        return reader.answer(
            CustomerSegmentOut(
                customer_id=customer_id,
                rule_version=rules.version,
                currency=currency,
                rfm=CustomerRfmOut(code=group.code, **_words(group)),
                matrix=CustomerCellOut(
                    current=cell.current,
                    potential=cell.potential,
                    current_minor=values.margin_minor,
                    potential_minor=values.potential_minor,
                    **_words(cell),
                ),
                influence=InfluenceOverlayOut(
                    referrals=brought.referrals,
                    incentivised_referrals=brought.incentivised_referrals,
                    **_overlay(note),
                ),
            )
        )

    return router


async def _measured(reader: Reader, measure: Measure, points: int) -> Concentration:
    async with reader.session() as session:
        return await segment_queries.concentration(session, measure, points)


def _words(segment: RfmGroup | Cell) -> dict[str, str]:
    return {
        "name": segment.name,
        "name_zh": segment.name_zh,
        "strategy": segment.strategy,
        "strategy_zh": segment.strategy_zh,
    }


def _overlay(note: InfluenceNote | None) -> dict[str, str | None]:
    return {
        "strategy": None if note is None else note.strategy,
        "strategy_zh": None if note is None else note.strategy_zh,
    }
