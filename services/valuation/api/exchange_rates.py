"""Rates of exchange, for transactions in other currencies than the ledger's."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field
from starlette.responses import Response

from services.valuation.domain.exchange.errors import ExchangeRateNotFoundError
from services.valuation.domain.exchange.rates import ExchangeRate
from services.valuation.persistence import exchange_rates
from services.valuation.usecases import set_exchange_rate as setting
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.set_exchange_rate import SetExchangeRate
from shared.kernel.errors import PreconditionRequiredError
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Instant, Page
from shared.web.reads import Reader, reading

CODE = r"^[A-Z]{3}$"
Currency = Annotated[str, Path(pattern=CODE, description="ISO 4217.", examples=["EUR"])]
Day = Annotated[date, Path(description="A day of the ledger's time zone.", examples=["2026-03-01"])]


class SetExchangeRateIn(ApiModel):
    """Units of the ledger's currency for one unit of the other."""

    rate: Annotated[Decimal, Field(gt=0, max_digits=20, decimal_places=10)] = Field(examples=["1.0834"])


class ExchangeRateOut(ApiModel):
    """It holds from `effective_on` until the next day that has a rate; what was booked keeps the rate it had."""

    currency: str
    effective_on: date
    rate: Decimal
    set_at: Instant
    version: int

    @classmethod
    def of(cls, rate: ExchangeRate) -> "ExchangeRateOut":
        return cls.model_validate(rate)


def exchange_rate_routes(valuation: Valuation) -> APIRouter:
    router = APIRouter(tags=["exchange rates"])

    @router.put("/exchange-rates/{currency}/{effective_on}", response_model=ExchangeRateOut)
    async def set_exchange_rate(
        currency: Currency,
        effective_on: Day,
        body: SetExchangeRateIn,
        edge: Annotated[CommandEdge, Depends(command("set_exchange_rate", if_match="optional"))],
    ) -> Response:
        """Set a currency's rate from a day on; If-Match when that day has one already."""
        try:
            expected: int | None = edge.expected_version
        except PreconditionRequiredError:
            expected = None
        wanted = SetExchangeRate(currency, effective_on, body.rate, expected)
        return await edge.run(
            lambda work: setting.set_exchange_rate(wanted, work, valuation), present=ExchangeRateOut.of
        )

    @router.get("/exchange-rates", response_model=Page[ExchangeRateOut])
    async def list_exchange_rates(
        reader: Annotated[Reader, Depends(reading("list_exchange_rates"))],
        paging: Annotated[Paging, Depends(paging)],
        currency: Annotated[str | None, Query(pattern=CODE)] = None,
    ) -> Response:
        """All rates by currency, the latest day first."""
        after = paging.after(str, date)
        async with reader.session() as session:
            rates = await exchange_rates.listed(
                session, currency, None if after is None else (after[0], after[1]), paging.fetch
            )
        return paging.page(
            rates, present=ExchangeRateOut.of, key=lambda rate: (rate.currency, rate.effective_on)
        )

    @router.get("/exchange-rates/{currency}/{effective_on}", response_model=ExchangeRateOut)
    async def get_exchange_rate(
        currency: Currency,
        effective_on: Day,
        reader: Annotated[Reader, Depends(reading("get_exchange_rate"))],
    ) -> Response:
        """The rate that was set for this day."""
        async with reader.session() as session:
            rate = await exchange_rates.of_day(session, currency, effective_on)
        if rate is None:
            raise ExchangeRateNotFoundError
        return reader.answer(ExchangeRateOut.of(rate))

    return router
