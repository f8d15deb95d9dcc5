"""Why a customer holds its tier, in words."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.valuation.api.profile import TierOutlookOut
from services.valuation.api.tiers import TierChangeOut
from services.valuation.api.visibility import require_own
from services.valuation.domain.errors import CustomerNotFoundError
from services.valuation.domain.outlook import outlook
from services.valuation.domain.tiering.explanation import Sentence, TierFacts, explain
from services.valuation.domain.window import opening_day
from services.valuation.persistence import (
    customers,
    standings,
    tier_history,
    tier_rules,
    tier_runs,
    transactions,
)
from services.valuation.usecases.context import Valuation
from shared.db.work import Session
from shared.web.models import ApiModel, Instant
from shared.web.reads import Reader, reading


class SentenceOut(ApiModel):
    """One statement in both languages; `code` names its kind."""

    code: str
    en: str
    zh: str

    @classmethod
    def of(cls, sentence: Sentence) -> "SentenceOut":
        return cls.model_validate(sentence)


class OverrideHoldOut(ApiModel):
    """The person's decision that holds the tier."""

    id: UUID
    until: Instant


class TierExplanationOut(ApiModel):
    """The tier held, the facts that decided it, and the same in sentences (values in minor units)."""

    customer_id: UUID
    tier: str
    tier_since: Instant
    rule_version: int
    last_change: TierChangeOut
    outlook: TierOutlookOut
    override: OverrideHoldOut | None
    waits_for_rule_version: int | None = Field(
        description="A version in force whose cap on demotions keeps this customer under the version before."
    )
    currency: str
    sentences: list[SentenceOut]


def tier_explanation_routes(valuation: Valuation) -> APIRouter:
    router = APIRouter(tags=["tiers"])

    @router.get("/customers/{customer_id}/tier/explanation", response_model=TierExplanationOut)
    async def explain_tier(
        customer_id: UUID, reader: Annotated[Reader, Depends(reading("explain_tier"))]
    ) -> Response:
        """Why the tier is what it is, what keeps it and what raises it, in English and Chinese."""
        require_own(reader.principal, customer_id)
        async with reader.session() as session:
            facts = await _facts(session, customer_id, valuation)
        return reader.answer(_explanation(facts))

    return router


async def _facts(session: Session, customer_id: UUID, valuation: Valuation) -> TierFacts:
    """Raises what `customers.require` does."""
    await customers.require(session, customer_id)
    standing = await standings.find(session, customer_id)
    change = await tier_history.latest(session, customer_id)
    if standing is None or change is None:
        raise CustomerNotFoundError
    calendar, now = valuation.ledger.calendar, valuation.clock.now()
    book = await tier_rules.book_of(session, [standing], await tier_rules.in_force(session, now))
    rules = book.of(standing.rule_version)
    opens_on = opening_day(calendar.day_of(now), rules.window_days)
    days = (await transactions.days_of(session, [customer_id], opens_on))[customer_id]
    waiting = await tier_runs.waiting_of(session, customer_id)
    return TierFacts(
        standing=standing,
        change=change,
        rules=rules,
        seen=outlook(days, standing.held, now, rules, calendar),
        waits_for_version=None if waiting is None else waiting.rule_version,
        currency=valuation.ledger.currency,
        calendar=calendar,
    )


def _explanation(facts: TierFacts) -> TierExplanationOut:
    standing = facts.standing
    override = standing.override
    return TierExplanationOut(
        customer_id=standing.id,
        tier=standing.held.tier,
        tier_since=standing.held.since,
        rule_version=facts.rules.version,
        last_change=TierChangeOut.of(facts.change),
        outlook=TierOutlookOut.of(facts.seen),
        override=None if override is None else OverrideHoldOut(id=override.id, until=override.until),
        waits_for_rule_version=facts.waits_for_version,
        currency=facts.currency,
        sentences=[SentenceOut.of(sentence) for sentence in explain(facts)],
    )
