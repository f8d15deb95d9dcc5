"""Referrals: who brought whom."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.valuation.domain.values.referrals import Referral
from services.valuation.persistence import customers, referrals
from services.valuation.persistence.referrals import ReferredCustomer
from services.valuation.usecases import record_referral as recording
from services.valuation.usecases.context import Valuation
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Instant, Page
from shared.web.reads import Reader, reading


class ReferralIn(ApiModel):
    """`referrer_id` brought `referred_id`. A customer has one referrer, and nobody is brought by who they brought."""

    referrer_id: UUID
    referred_id: UUID
    incentivised: bool = Field(description="Whether a reward was promised for it.")
    at: Instant


class ReferralOut(ApiModel):
    """A referral."""

    referrer_id: UUID
    referred_id: UUID
    incentivised: bool
    at: Instant

    @classmethod
    def of(cls, one: Referral) -> "ReferralOut":
        return cls(
            referrer_id=one.referrer_id,
            referred_id=one.referred_id,
            incentivised=one.is_incentivised,
            at=one.referred_at,
        )


class ReferredCustomerOut(ReferralOut):
    """A referral with the margin that the referred customer has brought, which stays that customer's value."""

    margin_minor: int

    @classmethod
    def of_referred(cls, one: ReferredCustomer) -> "ReferredCustomerOut":
        return cls(**ReferralOut.of(one.referral).model_dump(), margin_minor=one.margin_minor)


def referral_routes(valuation: Valuation) -> APIRouter:
    router = APIRouter(tags=["referrals"])

    @router.post("/referrals", status_code=201, response_model=ReferralOut)
    async def record_referral(
        body: ReferralIn, edge: Annotated[CommandEdge, Depends(command("record_referral"))]
    ) -> Response:
        """Record who brought a customer."""
        wanted = Referral(body.referrer_id, body.referred_id, body.incentivised, body.at)
        return await edge.run(
            lambda work: recording.record_referral(wanted, work, valuation),
            present=ReferralOut.of,
            status=201,
        )

    @router.get("/customers/{customer_id}/referrals", response_model=Page[ReferredCustomerOut])
    async def list_customer_referrals(
        customer_id: UUID,
        reader: Annotated[Reader, Depends(reading("list_customer_referrals"))],
        paging: Annotated[Paging, Depends(paging)],
    ) -> Response:
        """The customers that this one brought."""
        after = paging.after(UUID)
        async with reader.session() as session:
            await customers.require(session, customer_id)
            found = await referrals.page(
                session, customer_id, None if after is None else after[0], paging.fetch
            )
        return paging.page(
            found, present=ReferredCustomerOut.of_referred, key=lambda one: (one.referral.referred_id,)
        )

    return router
