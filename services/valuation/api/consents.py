"""Consent (同意): given or withdrawn for a purpose and a channel; only ever appended."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.valuation.api.visibility import require_own
from services.valuation.domain.profile.consents import PURPOSES, Consent, ConsentChannel, ConsentDecision
from services.valuation.persistence import consents, customers
from services.valuation.usecases import record_consent as recording
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.record_consent import RecordConsent
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Instant, Page
from shared.web.reads import Reader, reading

Word = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]+$")]


class RecordConsentIn(ApiModel):
    """A decision of the customer, and where its proof is."""

    purpose: Word = Field(description=f"One of {', '.join(PURPOSES)}.", examples=["marketing"])
    channel: ConsentChannel
    decision: ConsentDecision
    at: Instant | None = Field(default=None, description="When it was decided; now when absent.")
    source: Word = Field(description="Where it was decided.", examples=["web_form"])
    evidence: Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]+$")] | None = Field(
        default=None, description="A reference to its proof.", examples=["form-2026-03-02-0017"]
    )


class ConsentOut(ApiModel):
    """One decision. The one made last holds for its purpose and channel; without any there is no consent."""

    id: UUID
    customer_id: UUID
    purpose: str
    purpose_zh: str
    channel: ConsentChannel
    decision: ConsentDecision
    at: Instant
    source: str
    evidence: str | None
    recorded_at: Instant

    @classmethod
    def of(cls, one: Consent) -> "ConsentOut":
        return cls(
            id=one.id,
            customer_id=one.customer_id,
            purpose=one.purpose,
            purpose_zh=PURPOSES.get(one.purpose, one.purpose),
            channel=one.channel,
            decision=one.decision,
            at=one.at,
            source=one.source,
            evidence=one.evidence,
            recorded_at=one.recorded_at,
        )


def consent_routes(valuation: Valuation) -> APIRouter:
    router = APIRouter(tags=["consent"])

    @router.get("/customers/{customer_id}/consents", response_model=Page[ConsentOut])
    async def list_consents(
        customer_id: UUID,
        reader: Annotated[Reader, Depends(reading("list_consents"))],
        paging: Annotated[Paging, Depends(paging)],
    ) -> Response:
        """All decisions, the one recorded last first; the profile shows those that hold."""
        require_own(reader.principal, customer_id)
        after = paging.after(UUID)
        async with reader.session() as session:
            await customers.require(session, customer_id)
            found = await consents.page(
                session, customer_id, None if after is None else after[0], paging.fetch
            )
        return paging.page(found, present=ConsentOut.of, key=lambda one: (one.id,))

    @router.post("/customers/{customer_id}/consents", status_code=201, response_model=ConsentOut)
    async def record_consent(
        customer_id: UUID,
        body: RecordConsentIn,
        edge: Annotated[CommandEdge, Depends(command("record_consent"))],
    ) -> Response:
        """Record a decision; others are told when it changes what holds."""
        require_own(edge.principal, customer_id)
        wanted = RecordConsent(
            customer_id=customer_id,
            purpose=body.purpose,
            channel=body.channel,
            decision=body.decision,
            at=body.at,
            source=body.source,
            evidence=body.evidence,
        )
        return await edge.run(
            lambda work: recording.record_consent(wanted, work, valuation),
            present=ConsentOut.of,
            status=201,
        )

    return router
