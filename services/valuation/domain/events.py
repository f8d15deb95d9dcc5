"""What happens to a customer's account, inside this service."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from services.valuation.domain.ledger import Kind
from shared.kernel.aggregates import DomainEvent

TierReason = Literal["initial", "promotion", "demotion", "correction", "rule_change", "override"]


@dataclass(frozen=True, kw_only=True)
class CustomerRegistered(DomainEvent):
    external_id: str | None
    tier: str


@dataclass(frozen=True, kw_only=True)
class TransactionRecorded(DomainEvent):
    transaction_id: UUID
    kind: Kind
    amount_minor: int
    currency: str
    purchased_at: datetime
    corrects_transaction_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class TierChanged(DomainEvent):
    tier: str
    previous_tier: str
    reason: TierReason
    is_raise: bool
    rule_version: int
    override_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class TierDemotionWarned(DomainEvent):
    tier: str
    next_tier: str
    keeps_at_value_minor: int
    currency: str
    demotes_at: datetime
    rule_version: int


@dataclass(frozen=True, kw_only=True)
class CustomerMerged(DomainEvent):
    """The account went into another one, together with those that had gone into it before."""

    survivor_id: UUID
    earlier_ids: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True)
class CustomerErased(DomainEvent):
    earlier_ids: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True)
class ConsentChanged(DomainEvent):
    purpose: str
    channel: str
    decision: Literal["given", "withdrawn"]
    decided_at: datetime


@dataclass(frozen=True, kw_only=True)
class InsightRaised(DomainEvent):
    insight_id: UUID
    kind: str
    rule_version: int
    due_at: datetime


@dataclass(frozen=True, kw_only=True)
class CustomerScored(DomainEvent):
    """The score moved materially since it was last published."""

    model_version: int
    scored_on: date
    p_alive: float
    expected_purchases: float
    clv_minor: int
    previous_p_alive: float
    previous_clv_minor: int
    currency: str
