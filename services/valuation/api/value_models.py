"""Versions of the value models: what each was fitted to, what its checks found, and which is in force."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Path
from pydantic import Field
from starlette.responses import Response

from services.valuation.persistence import model_versions
from services.valuation.persistence.model_versions import (
    FitReport,
    ModelVersion,
    Promotion,
    PromotionCause,
    VersionState,
)
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.roll_back_model import RollBackModel, roll_back_model
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Instant, Page
from shared.web.reads import Reader, reading

LARGEST_VERSION = 2**31 - 1
Version = Annotated[int, Path(ge=1, le=LARGEST_VERSION)]
Reason = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00]+$")]


class FitOut(ApiModel):
    """Parameters with a report on how they were found."""

    model: str = Field(description="Of the parameters; rfm-only when the data can tell nothing.")
    asked: str
    parameters: dict[str, float] | None = Field(description="None: this part is not used for scores.")
    log_likelihood: float | None
    customers: float
    converged: bool
    method: str
    evaluations: int
    warnings: list[str]

    @classmethod
    def of(cls, fit: FitReport) -> Self:
        return cls.model_validate(fit)


class CheckOut(ApiModel):
    """One check and its outcome."""

    name: str
    passed: bool
    detail: str


class ValueModelOut(ApiModel):
    """One fit of both models; rejected ones are kept with their reasons. Time in days, money in minor units."""

    model_version: int
    state: VersionState = Field(description="promoted (in force), retired (was in force) or rejected.")
    buying: FitOut = Field(description="When customers buy, and whether they still do.")
    spend: FitOut = Field(description="What they spend a purchase day.")
    unit: str
    history_day: date
    customers: int
    checks: list[CheckOut]
    fitted_at: Instant
    job_id: UUID

    @classmethod
    def of(cls, version: ModelVersion) -> Self:
        return cls(
            model_version=version.version,
            state=version.state,
            buying=FitOut.of(version.buying),
            spend=FitOut.of(version.spend),
            unit=version.unit,
            history_day=version.history_day,
            customers=version.customers,
            checks=[CheckOut(name=one.name, passed=one.passed, detail=one.detail) for one in version.checks],
            fitted_at=version.fitted_at,
            job_id=version.job_id,
        )


class PromotionOut(ApiModel):
    """A version was put in force: by its refit, or by a person who went back to it."""

    place: int
    model_version: int
    previous_version: int | None
    cause: PromotionCause
    reason: str | None
    promoted_at: Instant
    promoted_by: str

    @classmethod
    def of(cls, promotion: Promotion) -> Self:
        return cls.model_validate(promotion)


class RollbackIn(ApiModel):
    """Why, and to which version; the one before when absent."""

    reason: Reason
    to_version: Annotated[int, Field(ge=1, le=LARGEST_VERSION)] | None = None


def value_model_routes(valuation: Valuation, wake_refits: Callable[[], None]) -> APIRouter:
    router = APIRouter(tags=["value models"])

    @router.get("/value-models", response_model=Page[ValueModelOut])
    async def list_value_models(
        reader: Annotated[Reader, Depends(reading("list_value_models"))],
        paging: Annotated[Paging, Depends(paging)],
    ) -> Response:
        """All versions, the newest first."""
        after = paging.after(int)
        async with reader.session() as session:
            found = await model_versions.page(session, None if after is None else after[0], paging.fetch)
        return paging.page(found, present=ValueModelOut.of, key=lambda one: (one.version,))

    @router.get("/value-models/{model_version}", response_model=ValueModelOut)
    async def get_value_model(
        model_version: Version, reader: Annotated[Reader, Depends(reading("get_value_model"))]
    ) -> Response:
        """One version with its parameters and the outcome of each check."""
        async with reader.session() as session:
            version = await model_versions.require(session, model_version)
        return reader.answer(ValueModelOut.of(version))

    @router.post("/value-models/rollbacks", status_code=202, response_model=ValueModelOut)
    async def roll_back_value_model(
        body: RollbackIn, edge: Annotated[CommandEdge, Depends(command("roll_back_value_model"))]
    ) -> Response:
        """Go back to a version that was in force. Scores at read follow at once, kept ones by a job of their own.
        Nightly fits are then kept and not promoted until a refit is asked for."""
        wanted = RollBackModel(body.reason, body.to_version)
        answer = await edge.run(
            lambda work: roll_back_model(wanted, work, valuation),
            present=ValueModelOut.of,
            status=202,
            location=lambda version: f"/valuation/v1/value-models/{version.version}",
        )
        wake_refits()
        return answer

    @router.get("/value-model-promotions", response_model=Page[PromotionOut])
    async def list_value_model_promotions(
        reader: Annotated[Reader, Depends(reading("list_value_model_promotions"))],
        paging: Annotated[Paging, Depends(paging)],
    ) -> Response:
        """Which version was put in force, when, by whom and why, the newest first."""
        after = paging.after(int)
        async with reader.session() as session:
            found = await model_versions.promotions_page(
                session, None if after is None else after[0], paging.fetch
            )
        return paging.page(found, present=PromotionOut.of, key=lambda one: (one.place,))

    return router
