"""Overrides: a tier held by decision of a person, with owner, reason and end."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.valuation.domain.tiering.overrides import OverrideEnd, TierOverride
from services.valuation.persistence import customers, tier_overrides
from services.valuation.usecases import override_tier as overriding
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.override_tier import OverrideTier, WithdrawOverride
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Instant, Page
from shared.web.reads import Reader, reading

Reason = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00]+$")]
TierName = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]+$")]


class OverrideTierIn(ApiModel):
    """The tier to hold, why, and until when. It ends by itself; then the tier is judged by its value again."""

    tier: TierName
    reason: Reason
    expires_at: Instant
    owner: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")] | None = Field(
        default=None, description="Who answers for it; whoever decides when absent."
    )


class WithdrawOverrideIn(ApiModel):
    """Why the override ends before its time."""

    reason: Reason


class TierOverrideOut(ApiModel):
    """A decision as recorded. `ended_how`: expired, withdrawn, or replaced by a later override."""

    id: UUID
    customer_id: UUID
    tier: str
    previous_tier: str
    rule_version: int
    owner: str
    reason: str
    decided_at: Instant
    decided_by: str
    expires_at: Instant
    contest_id: UUID | None
    ended_at: Instant | None
    ended_how: OverrideEnd | None
    ended_by: str | None
    end_reason: str | None
    version: int

    @classmethod
    def of(cls, override: TierOverride) -> "TierOverrideOut":
        return cls.model_validate(override)


def tier_override_routes(valuation: Valuation) -> APIRouter:
    router = APIRouter(tags=["tiers"])

    @router.post("/customers/{customer_id}/tier-overrides", status_code=201, response_model=TierOverrideOut)
    async def override_tier(
        customer_id: UUID,
        body: OverrideTierIn,
        edge: Annotated[CommandEdge, Depends(command("override_tier"))],
    ) -> Response:
        """Decide on the tier, up or down, for a time; an override that stands is replaced."""
        wanted = OverrideTier(customer_id, body.tier, body.reason, body.expires_at, body.owner)
        return await edge.run(
            lambda work: overriding.override_tier(wanted, work, valuation),
            present=TierOverrideOut.of,
            status=201,
            location=lambda override: f"/valuation/v1/tier-overrides/{override.id}",
        )

    @router.get("/customers/{customer_id}/tier-overrides", response_model=Page[TierOverrideOut])
    async def list_tier_overrides(
        customer_id: UUID,
        reader: Annotated[Reader, Depends(reading("list_tier_overrides"))],
        paging: Annotated[Paging, Depends(paging)],
    ) -> Response:
        """Every override that the customer's tier ever had, the newest first."""
        after = paging.after(UUID)
        async with reader.session() as session:
            await customers.require(session, customer_id)
            before = None if after is None else after[0]
            found = await tier_overrides.page(session, customer_id, before, paging.fetch)
        return paging.page(found, present=TierOverrideOut.of, key=lambda one: (one.id,))

    @router.get("/tier-overrides/{override_id}", response_model=TierOverrideOut)
    async def get_tier_override(
        override_id: UUID, reader: Annotated[Reader, Depends(reading("get_tier_override"))]
    ) -> Response:
        """One override."""
        async with reader.session() as session:
            override = await tier_overrides.require(session, override_id)
        return reader.answer(TierOverrideOut.of(override))

    @router.post("/tier-overrides/{override_id}/withdrawal", response_model=TierOverrideOut)
    async def withdraw_tier_override(
        override_id: UUID,
        body: WithdrawOverrideIn,
        edge: Annotated[CommandEdge, Depends(command("withdraw_tier_override"))],
    ) -> Response:
        """End the override now; the tier is judged by its value at once, and falls with a warning only."""
        wanted = WithdrawOverride(override_id, edge.expected_version, body.reason)
        return await edge.run(
            lambda work: overriding.withdraw_override(wanted, work, valuation), present=TierOverrideOut.of
        )

    return router
