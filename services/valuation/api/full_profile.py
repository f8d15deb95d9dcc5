"""The profile (客户画像) in full: who the customer is, what they wish, allow and bought, and what is to be done."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.valuation.api.consents import ConsentOut
from services.valuation.api.important_dates import ImportantDateOut
from services.valuation.api.insights import InsightOut
from services.valuation.api.people import PersonOut
from services.valuation.api.preferences import PreferencesOut
from services.valuation.api.profile import ProfileOut, read_profile
from services.valuation.api.transactions import TransactionOut
from services.valuation.api.visibility import require_own
from services.valuation.domain.insights.insight_status import LIVE
from services.valuation.persistence import (
    consents,
    customer_queries,
    departures,
    important_dates,
    insights,
    people,
    preferences,
)
from services.valuation.usecases.context import Valuation
from shared.db.work import Session
from shared.web.models import ApiModel
from shared.web.reads import Reader, reading

LAST_TRANSACTIONS = 20
LAST_INSIGHTS = 20


class FullProfileOut(ApiModel):
    """All of one account. Lists without a page of their own are bounded; the others show the latest."""

    customer: ProfileOut
    people: list[PersonOut]
    preferences: PreferencesOut | None
    consents: list[ConsentOut] = Field(description="The decisions that hold.")
    important_dates: list[ImportantDateOut]
    last_transactions: list[TransactionOut] = Field(
        description=f"The latest {LAST_TRANSACTIONS} rows of the ledger."
    )
    insights: list[InsightOut] = Field(
        description="Suggestions that are open or taken, for staff only; a customer sees none."
    )
    merged_ids: list[UUID] = Field(description="Accounts that went into this one.")


def full_profile_routes(valuation: Valuation) -> APIRouter:
    router = APIRouter(tags=["customers"])

    @router.get("/customers/{customer_id}/profile", response_model=FullProfileOut)
    async def get_profile(
        customer_id: UUID, reader: Annotated[Reader, Depends(reading("get_profile"))]
    ) -> Response:
        """Identity, people, wishes, consent, dates, purchases, value, service history, and what is to be done."""
        require_own(reader.principal, customer_id)
        async with reader.session() as session:
            profile = await _read(session, customer_id, valuation, for_staff=not reader.principal.is_customer)
        return reader.answer(profile)

    return router


async def _read(
    session: Session, customer_id: UUID, valuation: Valuation, *, for_staff: bool
) -> FullProfileOut:
    today = valuation.ledger.calendar.day_of(valuation.clock.now())
    customer = await read_profile(session, customer_id, valuation)
    wished = await preferences.find(session, customer_id)
    dates = [
        ImportantDateOut.of(one, today) for one in await important_dates.of_customer(session, customer_id)
    ]
    suggested = [
        one
        for status in (sorted(LIVE) if for_staff else ())
        for one in await insights.page(
            session, status=status, customer_id=customer_id, kind=None, before=None, limit=LAST_INSIGHTS
        )
    ]
    return FullProfileOut(
        customer=customer,
        people=[PersonOut.of(one) for one in await people.of_customer(session, customer_id)],
        preferences=None if wished is None else PreferencesOut.of(wished),
        consents=[ConsentOut.of(one) for one in await consents.in_force(session, customer_id)],
        important_dates=sorted(dates, key=lambda one: one.next_on),
        last_transactions=[
            TransactionOut.of_row(row)
            for row in await customer_queries.list_transactions(session, customer_id, None, LAST_TRANSACTIONS)
        ],
        insights=[InsightOut.of(one) for one in suggested],
        merged_ids=list(await departures.earlier_of(session, customer_id)),
    )
