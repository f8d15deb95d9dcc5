"""What a customer is worth: the three values, and the value score with each indicator's contribution in words."""

from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from services.valuation.domain.indicators import words
from services.valuation.domain.indicators.score import Contribution, Missing
from services.valuation.domain.indicators.sources import Direction, Unit
from services.valuation.domain.values.referrals import Influence
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.read_value import (
    ScoredCustomer,
    ThreeValues,
    read_score,
    read_scores,
    read_three_values,
)
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Instant, Page
from shared.web.reads import Reader, reading

LARGEST_VERSION = 2**31 - 1
SystemVersion = Annotated[
    int | None, Query(ge=1, le=LARGEST_VERSION, description="The one in force when absent.")
]


class RealisedOut(ApiModel):
    """Realised value (既成价值), in minor units."""

    margin_minor: int
    cost_saved_minor: int
    total_minor: int


class PotentialOut(ApiModel):
    """Potential value (潜在价值): the expected lifetime value, in minor units."""

    state: Literal["scored", "not_scored_yet"]
    clv_minor: float | None


class InfluenceOut(ApiModel):
    """Influence (影响价值): customers brought; what these bring is theirs, shown here and never added to another's."""

    referrals: int = Field(description="Unprompted.")
    incentivised_referrals: int = Field(description="For a promised reward.")
    referred_margin_minor: int
    incentivised_referred_margin_minor: int

    @classmethod
    def of(cls, influence: Influence) -> Self:
        return cls.model_validate(influence)


class ThreeValuesOut(ApiModel):
    """The three values of one customer. They are different in kind, so there is no sum of them."""

    customer_id: UUID
    currency: str
    realised: RealisedOut
    potential: PotentialOut
    influence: InfluenceOut

    @classmethod
    def of(cls, customer_id: UUID, values: ThreeValues, currency: str) -> Self:
        return cls(
            customer_id=customer_id,
            currency=currency,
            realised=RealisedOut(
                margin_minor=values.margin_minor,
                cost_saved_minor=values.cost_saved_minor,
                total_minor=values.margin_minor + values.cost_saved_minor,
            ),
            potential=PotentialOut(
                state="not_scored_yet" if values.potential_minor is None else "scored",
                clv_minor=values.potential_minor,
            ),
            influence=InfluenceOut.of(values.influence),
        )


class ContributionOut(ApiModel):
    """What one indicator adds to the score."""

    group: str
    source: str
    direction: Direction
    unit: Unit
    value: float | None = Field(description="Money in minor units; None when it is not known.")
    share_below: float | None = Field(description="Share of the customers with a lower figure.")
    share_level: float | None = Field(description="Share of the customers with the same figure.")
    missing: Missing | None = Field(
        description="Why it counts as neutral: unknown, or too_few customers to compare with."
    )
    weight: float
    points: float
    most_points: float
    words: str
    words_zh: str

    @classmethod
    def of(cls, one: Contribution, currency: str) -> Self:
        said, said_zh = words.contribution(one, currency)
        return cls(
            group=one.group,
            source=one.source.name,
            direction=one.indicator.direction,
            unit=one.source.unit,
            value=one.value,
            share_below=None if one.place is None else one.place.below,
            share_level=None if one.place is None else one.place.level,
            missing=one.missing,
            weight=one.weight,
            points=one.points,
            most_points=one.most_points,
            words=said,
            words_zh=said_zh,
        )


class ValueScoreOut(ApiModel):
    """A customer's score, 0 to 100, as of the measurement that it is compared with."""

    customer_id: UUID
    points: float
    coverage: float = Field(description="Share of the weight that rests on known figures, 0 to 1.")
    words: str
    words_zh: str
    currency: str
    contributions: list[ContributionOut]
    system_version: int
    measurement_id: UUID
    measured_at: Instant
    measured_customers: int

    @classmethod
    def of(cls, customer_id: UUID, found: ScoredCustomer, currency: str) -> Self:
        said, said_zh = words.summary(found.score)
        return cls(
            customer_id=customer_id,
            points=found.score.points,
            coverage=found.score.coverage,
            words=said,
            words_zh=said_zh,
            currency=currency,
            contributions=[ContributionOut.of(one, currency) for one in found.score.contributions],
            system_version=found.stored.provenance.version,
            measurement_id=found.measurement.id,
            measured_at=found.measurement.started_at,
            measured_customers=found.measurement.customers,
        )


class ScoreRowOut(ApiModel):
    """One customer's score in the list of all; its contributions are at the customer's own."""

    customer_id: UUID
    points: float
    coverage: float


def value_score_routes(valuation: Valuation) -> APIRouter:
    router = APIRouter(tags=["value"])
    currency = valuation.ledger.currency

    @router.get("/customers/{customer_id}/values", response_model=ThreeValuesOut)
    async def get_customer_values(
        customer_id: UUID, reader: Annotated[Reader, Depends(reading("get_customer_values"))]
    ) -> Response:
        """Realised, potential and influence, side by side."""
        async with reader.session() as session:
            values = await read_three_values(session, customer_id, valuation)
        return reader.answer(ThreeValuesOut.of(customer_id, values, currency))

    @router.get(
        "/customers/{customer_id}/value-score",
        response_model=ValueScoreOut,
        responses={409: {"description": "The population was not measured yet."}},
    )
    async def get_customer_value_score(
        customer_id: UUID,
        reader: Annotated[Reader, Depends(reading("get_customer_value_score"))],
        system_version: SystemVersion = None,
    ) -> Response:
        """The score with each indicator's contribution; `409 population_not_measured` before the first measurement."""
        async with reader.session() as session:
            found = await read_score(session, customer_id, system_version, valuation)
        return reader.answer(ValueScoreOut.of(customer_id, found, currency))

    @router.get(
        "/value-scores",
        response_model=Page[ScoreRowOut],
        responses={
            404: {"description": "There is no such version of the indicator system."},
            409: {"description": "The population was not measured yet."},
        },
    )
    async def list_value_scores(
        reader: Annotated[Reader, Depends(reading("list_value_scores"))],
        paging: Annotated[Paging, Depends(paging)],
        system_version: SystemVersion = None,
    ) -> Response:
        """The score of every customer, page by page in the order of their ids, as they are now."""
        after = paging.after(UUID)
        async with reader.session() as session:
            rows = await read_scores(
                session, None if after is None else after[0], paging.fetch, system_version, valuation
            )
        return paging.page(
            rows,
            present=lambda row: ScoreRowOut(
                customer_id=row[0], points=row[1].points, coverage=row[1].coverage
            ),
            key=lambda row: (row[0],),
        )

    return router
