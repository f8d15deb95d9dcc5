"""How each domain event of this service is published."""

from collections.abc import Callable, Mapping
from typing import Any

from services.valuation.domain.events import (
    ConsentChanged,
    CustomerErased,
    CustomerMerged,
    CustomerRegistered,
    CustomerScored,
    InsightRaised,
    TierChanged,
    TierDemotionWarned,
    TransactionRecorded,
)
from shared.contracts.base import Contract
from shared.contracts.valuation import (
    ConsentChangedV1,
    CustomerErasedV1,
    CustomerMergedV1,
    CustomerRegisteredV1,
    CustomerScoredV1,
    CustomerTierChangedV1,
    InsightRaisedV1,
    PurchaseRecordedV1,
    TierDemotionWarnedV1,
)
from shared.kernel.aggregates import DomainEvent


def _customer_registered(event: CustomerRegistered) -> Contract:
    return CustomerRegisteredV1(
        customer_id=event.aggregate_id,
        external_id=event.external_id,
        tier=event.tier,
        registered_at=event.occurred_at,
    )


def _transaction_recorded(event: TransactionRecorded) -> Contract:
    return PurchaseRecordedV1(
        customer_id=event.aggregate_id,
        transaction_id=event.transaction_id,
        kind=event.kind,
        amount_minor=event.amount_minor,
        currency=event.currency,
        purchased_at=event.purchased_at,
        corrects_transaction_id=event.corrects_transaction_id,
    )


def _tier_changed(event: TierChanged) -> Contract:
    reason = event.reason
    if reason == "override":
        # The reasons of v1 are closed: its readers learn the direction, and that a person decided by the id.
        reason = "promotion" if event.is_raise else "demotion"
    return CustomerTierChangedV1(
        customer_id=event.aggregate_id,
        tier=event.tier,
        previous_tier=event.previous_tier,
        reason=reason,
        rule_version=event.rule_version,
        effective_at=event.occurred_at,
        override_id=event.override_id,
    )


def _tier_demotion_warned(event: TierDemotionWarned) -> Contract:
    return TierDemotionWarnedV1(
        customer_id=event.aggregate_id,
        tier=event.tier,
        next_tier=event.next_tier,
        keeps_at_value_minor=event.keeps_at_value_minor,
        currency=event.currency,
        demotes_at=event.demotes_at,
        rule_version=event.rule_version,
    )


def _customer_merged(event: CustomerMerged) -> Contract:
    return CustomerMergedV1(
        customer_id=event.aggregate_id,
        survivor_id=event.survivor_id,
        earlier_ids=list(event.earlier_ids),
        merged_at=event.occurred_at,
    )


def _customer_erased(event: CustomerErased) -> Contract:
    return CustomerErasedV1(
        customer_id=event.aggregate_id, earlier_ids=list(event.earlier_ids), erased_at=event.occurred_at
    )


def _consent_changed(event: ConsentChanged) -> Contract:
    return ConsentChangedV1(
        customer_id=event.aggregate_id,
        purpose=event.purpose,
        channel=event.channel,
        decision=event.decision,
        decided_at=event.decided_at,
    )


def _insight_raised(event: InsightRaised) -> Contract:
    return InsightRaisedV1(
        customer_id=event.aggregate_id,
        insight_id=event.insight_id,
        kind=event.kind,
        rule_version=event.rule_version,
        raised_at=event.occurred_at,
        due_at=event.due_at,
    )


def _customer_scored(event: CustomerScored) -> Contract:
    return CustomerScoredV1(
        customer_id=event.aggregate_id,
        model_version=event.model_version,
        scored_on=event.scored_on,
        p_alive=event.p_alive,
        expected_purchases=event.expected_purchases,
        clv_minor=event.clv_minor,
        previous_p_alive=event.previous_p_alive,
        previous_clv_minor=event.previous_clv_minor,
        currency=event.currency,
    )


OUTBOUND: Mapping[type[DomainEvent], Callable[[Any], Contract | None]] = {
    CustomerRegistered: _customer_registered,
    TransactionRecorded: _transaction_recorded,
    TierChanged: _tier_changed,
    TierDemotionWarned: _tier_demotion_warned,
    CustomerMerged: _customer_merged,
    CustomerErased: _customer_erased,
    ConsentChanged: _consent_changed,
    InsightRaised: _insight_raised,
    CustomerScored: _customer_scored,
}
