"""The profile of one customer."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import Field

from services.valuation.domain.costs.cases import CaseKind
from services.valuation.domain.costs.rates import CostTotal
from services.valuation.domain.customers import ContactKind, Customer, CustomerKind, number_text
from services.valuation.domain.errors import CustomerNotFoundError
from services.valuation.domain.outlook import Outlook, OutlookState, outlook
from services.valuation.domain.rfm import Rfm
from services.valuation.domain.standing import Standing
from services.valuation.domain.window import opening_day
from services.valuation.persistence import (
    case_costs,
    customer_queries,
    customers,
    service_cases,
    standings,
    tier_rules,
    transactions,
)
from services.valuation.persistence.service_cases import ServiceHistory
from services.valuation.usecases.context import Valuation
from shared.db.work import Session
from shared.web.models import ApiModel, Instant


class ProfileContactOut(ApiModel):
    kind: ContactKind
    value: str


class TierOutlookOut(ApiModel):
    """What the tier is judged on, and what becomes of it if nothing else is bought (minor units)."""

    state: OutlookState = Field(description="floor, safe, expected (a warning is coming) or warned.")
    value_minor: int = Field(description="Margin within the rules' window, today.")
    next_tier: str | None
    keeps_at_value_minor: int | None = Field(description="The value that keeps the tier.")
    shortfall_minor: int
    expected_warning_at: Instant | None
    warned_at: Instant | None
    demotes_at: Instant | None

    @classmethod
    def of(cls, seen: Outlook) -> "TierOutlookOut":
        return cls.model_validate(seen)


class RfmOut(ApiModel):
    """Recency, frequency and spend; purchases of one day count once, the spend average leaves out the first."""

    first_purchase_on: date | None
    last_purchase_on: date | None
    purchases: int
    purchase_days: int
    repeat_count: int
    recency_days: int = Field(description="From the first to the last purchase.")
    age_days: int = Field(description="From the first purchase until today.")
    spend_minor: int
    average_repeat_spend_minor: float | None

    @classmethod
    def of(cls, rfm: Rfm, today: date) -> "RfmOut":
        return cls(
            first_purchase_on=rfm.first_day,
            last_purchase_on=rfm.last_day,
            purchases=rfm.purchases,
            purchase_days=rfm.purchase_days,
            repeat_count=rfm.repeat_count,
            recency_days=rfm.recency_days,
            age_days=rfm.age_days(today),
            spend_minor=rfm.spend_minor,
            average_repeat_spend_minor=rfm.average_repeat_spend_minor,
        )


class RealisedPartOut(ApiModel):
    """One part of the realised value, by where its margin came from."""

    source: str = Field(description="given, rate (of the product kind) or default_rate.")
    purchases: int
    amount_minor: int
    margin_minor: int


class RealisedValueOut(ApiModel):
    """Realised value (既成价值): the margin that the customer has brought."""

    margin_minor: int
    parts: list[RealisedPartOut]
    default_margin_rate: Decimal = Field(description="The rate where no margin and no kind's rate is known.")


class ServiceHistoryOut(ApiModel):
    """What ticketing and complaints reported about this customer."""

    tickets: int
    tickets_closed: int
    complaints: int
    complaints_closed: int
    complaints_upheld: int
    follow_ups: int
    average_csat: float | None
    average_nps: float | None


class CostPartOut(ApiModel):
    """What the customer's tickets, or complaints, have cost; cancelled before any work they cost nothing."""

    kind: CaseKind
    cases: int
    by_hours: int = Field(description="Cases priced by the hours worked on them.")
    by_case: int = Field(description="Cases priced by the case: no hours are known, or none are counted.")
    unpriced: int = Field(description="Cases for which no rate holds.")
    worked_seconds: int
    cost_minor: int


class CostToServeOut(ApiModel):
    """Cost to serve (服务成本), in minor units of the ledger's currency."""

    cost_minor: int
    parts: list[CostPartOut]

    @classmethod
    def of(cls, totals: Mapping[CaseKind, CostTotal]) -> "CostToServeOut":
        return cls(
            cost_minor=sum(total.cost_minor for total in totals.values()),
            parts=[CostPartOut(kind=kind, **asdict(totals[kind])) for kind in sorted(totals)],
        )


class ProfileOut(ApiModel):
    """Identity, tier, purchases, value, service history and cost to serve of one customer."""

    id: UUID
    number: str
    external_id: str | None
    kind: CustomerKind
    display_name: str | None
    contacts: list[ProfileContactOut]
    registered_at: Instant
    currency: str
    tier: str
    tier_since: Instant
    tier_rule_version: int = Field(description="The version of the rules that this customer is judged by.")
    tier_outlook: TierOutlookOut
    rfm: RfmOut
    realised_value: RealisedValueOut
    service_history: ServiceHistoryOut
    cost_to_serve: CostToServeOut
    version: int


async def read_profile(session: Session, customer_id: UUID, valuation: Valuation) -> ProfileOut:
    """Raises `CustomerNotFoundError`, `CustomerMergedError`, `CustomerErasedError`."""
    customer = await customers.require(session, customer_id)
    standing = await standings.find(session, customer_id)
    if standing is None:
        raise CustomerNotFoundError
    ledger, now = valuation.ledger, valuation.clock.now()
    book = await tier_rules.book_of(session, [standing], await tier_rules.in_force(session, now))
    rules = book.of(standing.rule_version)
    opens_on = opening_day(ledger.calendar.day_of(now), rules.window_days)
    days = (await transactions.days_of(session, [customer_id], opens_on))[customer_id]
    seen = outlook(days, standing.held, now, rules, ledger.calendar)
    parts = await customer_queries.realised_by_source(session, customer_id)
    history = await service_cases.history_of(session, customer_id)
    costs = (await case_costs.costs_of(session, [customer_id])).get(customer_id, {})
    return _profile(customer, standing, rules.version, seen, parts, history, costs, valuation)


def _profile(
    customer: Customer,
    standing: Standing,
    rule_version: int,
    seen: Outlook,
    parts: list[Any],
    history: ServiceHistory,
    costs: Mapping[CaseKind, CostTotal],
    valuation: Valuation,
) -> ProfileOut:
    ledger = valuation.ledger
    return ProfileOut(
        id=customer.id,
        number=number_text(customer.number),
        external_id=customer.external_id,
        kind=customer.kind,
        display_name=customer.display_name,
        contacts=[ProfileContactOut(kind=one.kind, value=one.value) for one in customer.contacts],
        registered_at=customer.registered_at,
        currency=ledger.currency,
        tier=standing.held.tier,
        tier_since=standing.held.since,
        tier_rule_version=rule_version,
        tier_outlook=TierOutlookOut.of(seen),
        rfm=RfmOut.of(standing.rfm, ledger.calendar.day_of(valuation.clock.now())),
        realised_value=RealisedValueOut(
            margin_minor=standing.rfm.margin_minor,
            parts=[RealisedPartOut(**dict(part)) for part in parts],
            default_margin_rate=ledger.default_margin_rate,
        ),
        service_history=ServiceHistoryOut.model_validate(history),
        cost_to_serve=CostToServeOut.of(costs),
        version=customer.version,
    )
