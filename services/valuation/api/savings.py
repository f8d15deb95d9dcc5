"""Costs that customers saved (节约成本)."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.valuation.domain.values.savings import Saving, SavingKind
from services.valuation.persistence import customers, savings
from services.valuation.usecases import record_saving as recording
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.record_saving import RecordedSaving, RecordSaving
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Instant, Page
from shared.web.reads import Reader, reading


class SavingIn(ApiModel):
    """A cost that was not incurred thanks to a customer."""

    external_id: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")] = Field(
        description="Your id for it; sending it again changes nothing."
    )
    kind: SavingKind
    amount_minor: Annotated[int, Field(ge=-(2**62), le=2**62)] = Field(
        description="Minor units of the ledger's currency, positive."
    )
    occurred_at: Instant


class SavingOut(ApiModel):
    """One saving, in minor units."""

    id: UUID
    external_id: str
    customer_id: UUID
    kind: SavingKind
    amount_minor: int
    occurred_at: Instant
    recorded_at: Instant

    @classmethod
    def of(cls, saving: Saving) -> "SavingOut":
        return cls.model_validate(saving)


class RecordedSavingOut(ApiModel):
    """`accepted` wrote it; `repeated` found the same content under this external id and changed nothing."""

    result: Literal["accepted", "repeated"]
    saving: SavingOut

    @classmethod
    def of(cls, recorded: RecordedSaving) -> "RecordedSavingOut":
        return cls(result="accepted" if recorded.is_new else "repeated", saving=SavingOut.of(recorded.saving))


def saving_routes(valuation: Valuation) -> APIRouter:
    router = APIRouter(tags=["savings"])

    @router.post(
        "/customers/{customer_id}/savings",
        status_code=201,
        response_model=RecordedSavingOut,
        responses={200: {"model": RecordedSavingOut, "description": "It was recorded already."}},
    )
    async def record_customer_saving(
        customer_id: UUID,
        body: SavingIn,
        edge: Annotated[CommandEdge, Depends(command("record_customer_saving"))],
    ) -> Response:
        """Record a saving: 201 when it was written, 200 when the same one was there already."""
        wanted = RecordSaving(body.external_id, customer_id, body.kind, body.amount_minor, body.occurred_at)
        return await edge.run(
            lambda work: recording.record_saving(wanted, work, valuation),
            present=RecordedSavingOut.of,
            status=lambda recorded: 201 if recorded.is_new else 200,
        )

    @router.get("/customers/{customer_id}/savings", response_model=Page[SavingOut])
    async def list_customer_savings(
        customer_id: UUID,
        reader: Annotated[Reader, Depends(reading("list_customer_savings"))],
        paging: Annotated[Paging, Depends(paging)],
    ) -> Response:
        """What this customer saved us, the last recorded first."""
        after = paging.after(UUID)
        async with reader.session() as session:
            await customers.require(session, customer_id)
            found = await savings.page(
                session, customer_id, None if after is None else after[0], paging.fetch
            )
        return paging.page(found, present=SavingOut.of, key=lambda saving: (saving.id,))

    return router
