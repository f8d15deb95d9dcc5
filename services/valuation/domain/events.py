"""What happens to a customer's account, inside this service."""

from dataclasses import dataclass
from datetime import datetime
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
