"""Margin rates by product kind, for transactions that bring no margin of their own."""

from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import Field
from starlette.responses import Response

from services.valuation.domain.errors import MarginRateNotFoundError
from services.valuation.persistence import margin_rates
from services.valuation.persistence.margin_rates import MarginRate
from services.valuation.usecases import set_margin_rate as setting
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.set_margin_rate import SetMarginRate
from shared.kernel.errors import PreconditionRequiredError
from shared.web.commands import CommandEdge, command
from shared.web.models import ApiModel, Instant
from shared.web.reads import Reader, reading

ProductKind = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[^\x00/]+$")]


class SetMarginRateIn(ApiModel):
    """The share of an amount that is margin, 0 to 1."""

    rate: Annotated[Decimal, Field(ge=0, le=1, max_digits=7, decimal_places=6)] = Field(examples=["0.45"])


class MarginRateOut(ApiModel):
    """The rate of one product kind; what was booked before a change keeps its margin."""

    product_kind: str
    rate: Decimal
    changed_at: Instant
    version: int

    @classmethod
    def of(cls, rate: MarginRate) -> "MarginRateOut":
        return cls.model_validate(rate)


class MarginRatesOut(ApiModel):
    """All rates, and the one that holds for every other kind."""

    default_rate: Decimal
    items: list[MarginRateOut]


def margin_rate_routes(valuation: Valuation) -> APIRouter:
    router = APIRouter(tags=["margin rates"])

    @router.put("/margin-rates/{product_kind}", response_model=MarginRateOut)
    async def set_margin_rate(
        product_kind: ProductKind,
        body: SetMarginRateIn,
        edge: Annotated[CommandEdge, Depends(command("set_margin_rate", if_match="optional"))],
    ) -> Response:
        """Set the rate of a kind; If-Match when it has one already."""
        try:
            expected: int | None = edge.expected_version
        except PreconditionRequiredError:
            expected = None
        wanted = SetMarginRate(product_kind, body.rate, expected)
        return await edge.run(lambda work: setting.set_margin_rate(wanted, work), present=MarginRateOut.of)

    @router.get("/margin-rates", response_model=MarginRatesOut)
    async def list_margin_rates(
        reader: Annotated[Reader, Depends(reading("list_margin_rates"))],
    ) -> Response:
        """All rates by product kind."""
        async with reader.session() as session:
            rates = await margin_rates.listed(session)
        return reader.answer(
            MarginRatesOut(
                default_rate=valuation.ledger.default_margin_rate,
                items=[MarginRateOut.of(rate) for rate in rates],
            )
        )

    @router.get("/margin-rates/{product_kind}", response_model=MarginRateOut)
    async def get_margin_rate(
        product_kind: ProductKind, reader: Annotated[Reader, Depends(reading("get_margin_rate"))]
    ) -> Response:
        """The rate of one kind."""
        async with reader.session() as session:
            rate = await margin_rates.find(session, product_kind)
        if rate is None:
            raise MarginRateNotFoundError
        return reader.answer(MarginRateOut.of(rate))

    return router
