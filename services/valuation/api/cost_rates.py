"""Cost rates: what an hour or a case of service costs."""

from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.valuation.domain.costs.cases import CaseKind
from services.valuation.domain.costs.errors import CostRateNotFoundError
from services.valuation.domain.costs.rates import CostRate
from services.valuation.persistence import cost_rates
from services.valuation.usecases import set_cost_rate as setting
from services.valuation.usecases.set_cost_rate import SetCostRate
from shared.kernel.errors import PreconditionRequiredError
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Instant, Page
from shared.web.reads import Reader, reading

CostMinor = Annotated[int, Field(ge=0, le=10**11)]


class SetCostRateIn(ApiModel):
    """A cost an hour of work, a cost a case, or both: then the case's is for cases whose hours are not known."""

    per_hour_minor: CostMinor | None = Field(default=None, examples=[4500])
    per_case_minor: CostMinor | None = Field(default=None, examples=[1200])
    most_hours: Annotated[Decimal, Field(gt=0, max_digits=9, decimal_places=2)] | None = Field(
        default=None, description="A case counts at most so many hours.", examples=["8"]
    )


class CostRateOut(ApiModel):
    """What cases of one kind cost that were opened from `effective_from` on (minor units)."""

    case_kind: CaseKind
    per_hour_minor: int | None
    per_case_minor: int | None
    most_hours: Decimal | None
    effective_from: Instant
    version: int

    @classmethod
    def of(cls, rate: CostRate) -> "CostRateOut":
        return cls.model_validate(rate)


class CostRatesOut(ApiModel):
    """The newest version of each kind that has one; cases of the others are unpriced."""

    items: list[CostRateOut]


def cost_rate_routes() -> APIRouter:
    router = APIRouter(tags=["cost rates"])

    @router.put("/cost-rates/{case_kind}", response_model=CostRateOut)
    async def set_cost_rate(
        case_kind: CaseKind,
        body: SetCostRateIn,
        edge: Annotated[CommandEdge, Depends(command("set_cost_rate", if_match="optional"))],
    ) -> Response:
        """Set what cases opened from now on cost; If-Match when the kind has a rate already."""
        try:
            expected: int | None = edge.expected_version
        except PreconditionRequiredError:
            expected = None
        wanted = SetCostRate(case_kind, body.per_hour_minor, body.per_case_minor, body.most_hours, expected)
        return await edge.run(lambda work: setting.set_cost_rate(wanted, work), present=CostRateOut.of)

    @router.get("/cost-rates", response_model=CostRatesOut)
    async def list_cost_rates(reader: Annotated[Reader, Depends(reading("list_cost_rates"))]) -> Response:
        """The rates as they are now."""
        async with reader.session() as session:
            rates = await cost_rates.newest(session)
        return reader.answer(CostRatesOut(items=[CostRateOut.of(rate) for rate in rates]))

    @router.get("/cost-rates/{case_kind}", response_model=CostRateOut)
    async def get_cost_rate(
        case_kind: CaseKind, reader: Annotated[Reader, Depends(reading("get_cost_rate"))]
    ) -> Response:
        """The rate of one kind as it is now."""
        async with reader.session() as session:
            rate = await cost_rates.find(session, case_kind)
        if rate is None:
            raise CostRateNotFoundError
        return reader.answer(CostRateOut.of(rate))

    @router.get("/cost-rates/{case_kind}/versions", response_model=Page[CostRateOut])
    async def list_cost_rate_versions(
        case_kind: CaseKind,
        reader: Annotated[Reader, Depends(reading("list_cost_rate_versions"))],
        paging: Annotated[Paging, Depends(paging)],
    ) -> Response:
        """All versions of one kind's rate, the newest first."""
        after = paging.after(int)
        async with reader.session() as session:
            rates = await cost_rates.versions(
                session, case_kind, 2**31 - 1 if after is None else after[0], paging.fetch
            )
        return paging.page(rates, present=CostRateOut.of, key=lambda rate: (rate.version,))

    return router
