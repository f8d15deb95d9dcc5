"""Events of the valuation service (topic `valuation.events`, key = customer id). Additive only."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from shared.contracts.base import Contract

# correction: a refund or correction took back the promotion that the purchase had caused; rule_change: new rules
# no longer have the tier that was held.
TierReason = Literal["initial", "promotion", "demotion", "correction", "rule_change"]


class _CustomerContract(Contract):
    customer_id: UUID


class CustomerRegisteredV1(_CustomerContract):
    """A customer account (客户) is known from now on."""

    TYPE = "valuation.customer_registered.v1"

    external_id: str | None = None
    tier: str
    registered_at: datetime


class PurchaseRecordedV1(_CustomerContract):
    """A purchase, refund or correction was written to the ledger (minor units of the currency)."""

    TYPE = "valuation.purchase_recorded.v1"

    transaction_id: UUID
    kind: Literal["purchase", "refund", "correction"]
    amount_minor: int
    currency: str
    purchased_at: datetime
    corrects_transaction_id: UUID | None = None


class CustomerTierChangedV1(_CustomerContract):
    """The account's service class (客户等级) changed, with the rule version that decided it."""

    TYPE = "valuation.customer_tier_changed.v1"

    tier: str
    previous_tier: str | None
    reason: TierReason
    rule_version: int
    effective_at: datetime
    # Set when a person's decision changed the tier; `reason` is then promotion or demotion, by its direction.
    override_id: UUID | None = None


class TierDemotionWarnedV1(_CustomerContract):
    """Unless the value rises, the tier will fall on `demotes_at`."""

    TYPE = "valuation.tier_demotion_warned.v1"

    tier: str
    next_tier: str
    keeps_at_value_minor: int
    currency: str
    demotes_at: datetime
    rule_version: int


class CustomerMergedV1(_CustomerContract):
    """The account goes on as `survivor_id`; so do the accounts that went into it before.

    `earlier_ids` are these, so that whoever hears of the merges in another order still finds the survivor.
    """

    TYPE = "valuation.customer_merged.v1"

    survivor_id: UUID
    earlier_ids: list[UUID]
    merged_at: datetime


class CustomerErasedV1(_CustomerContract):
    """The customer asked to be forgotten: drop every name, contact and free text kept of them.

    `earlier_ids` are the accounts that were merged into this one; what is kept under them goes, too.
    """

    TYPE = "valuation.customer_erased.v1"

    earlier_ids: list[UUID]
    erased_at: datetime


class ConsentChangedV1(_CustomerContract):
    """What the customer allows for a purpose and a channel is another than before."""

    TYPE = "valuation.consent_changed.v1"

    purpose: str
    channel: str
    decision: Literal["given", "withdrawn"]
    decided_at: datetime


class InsightRaisedV1(_CustomerContract):
    """Somebody should act for this customer by `due_at`; why and how is read at the valuation service."""

    TYPE = "valuation.insight_raised.v1"

    insight_id: UUID
    kind: str
    rule_version: int
    raised_at: datetime
    due_at: datetime


class CustomerScoredV1(_CustomerContract):
    """What is expected of the customer in the next twelve months moved materially since it was last published."""

    TYPE = "valuation.customer_scored.v1"

    model_version: int
    scored_on: date
    # Probability that the customer still buys, and purchases and discounted margin (minor units) to come.
    p_alive: float
    expected_purchases: float
    clv_minor: int
    previous_p_alive: float
    previous_clv_minor: int
    currency: str
