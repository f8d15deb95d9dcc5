"""What happens to a complaint, as other services will hear of it. `aggregate_id` is the complaint."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.complaints.domain.outcomes import Channel, Outcome, Severity, WaitingOn
from shared.kernel.aggregates import DomainEvent


@dataclass(frozen=True, kw_only=True)
class ComplaintReceived(DomainEvent):
    number: str
    external_number: str | None
    customer_id: UUID | None
    channel: Channel
    category: str | None
    severity: Severity
    ticket_id: UUID | None
    received_at: datetime


@dataclass(frozen=True, kw_only=True)
class ComplaintAcknowledged(DomainEvent):
    message_id: UUID


@dataclass(frozen=True, kw_only=True)
class ComplaintAssigned(DomainEvent):
    owner_id: str
    previous_owner_id: str | None


@dataclass(frozen=True, kw_only=True)
class ComplaintResponded(DomainEvent):
    responder_id: str


@dataclass(frozen=True, kw_only=True)
class ComplaintWaiting(DomainEvent):
    waiting_on: WaitingOn


@dataclass(frozen=True, kw_only=True)
class ComplaintResumed(DomainEvent):
    pass


@dataclass(frozen=True, kw_only=True)
class ComplaintSeverityAssessed(DomainEvent):
    severity: Severity
    previous: Severity


@dataclass(frozen=True, kw_only=True)
class ComplaintDecided(DomainEvent):
    outcome: Outcome
    cause_code: str


@dataclass(frozen=True, kw_only=True)
class DecisionDelivered(DomainEvent):
    message_id: UUID
    channel: Channel


@dataclass(frozen=True, kw_only=True)
class DecisionDeliveryFailed(DomainEvent):
    message_id: UUID
    attempts: int


@dataclass(frozen=True, kw_only=True)
class CorrectiveActionVerified(DomainEvent):
    cause_code: str


@dataclass(frozen=True, kw_only=True)
class ComplaintWithdrawn(DomainEvent):
    pass


@dataclass(frozen=True, kw_only=True)
class ComplaintClosed(DomainEvent):
    outcome: Outcome
    cause_code: str


@dataclass(frozen=True, kw_only=True)
class ComplaintReopened(DomainEvent):
    reopen_count: int


@dataclass(frozen=True, kw_only=True)
class ComplaintSatisfactionRecorded(DomainEvent):
    satisfied: bool
    score: int | None
