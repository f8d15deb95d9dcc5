"""What happens to a ticket. References and codes only: free text stays in the ticket and its timeline."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.ticketing.domain.ticket_status import TicketStatus
from services.ticketing.domain.vocabulary import Channel, Priority, WaitingOn
from shared.kernel.aggregates import DomainEvent


@dataclass(frozen=True, kw_only=True)
class TicketOpened(DomainEvent):
    number: str
    external_number: str | None
    customer_id: UUID
    kind: str
    channel: Channel
    priority: Priority
    category: str | None
    queue: str | None
    offering: str | None
    contract: str | None
    entitlement: str | None
    state: TicketStatus


@dataclass(frozen=True, kw_only=True)
class TicketClassified(DomainEvent):
    kind: str
    category: str | None
    queue: str | None


@dataclass(frozen=True, kw_only=True)
class TicketPrioritised(DomainEvent):
    priority: Priority
    previous: Priority


@dataclass(frozen=True, kw_only=True)
class TicketCustomerChanged(DomainEvent):
    customer_id: UUID
    previous_customer_id: UUID


@dataclass(frozen=True, kw_only=True)
class TicketAssigned(DomainEvent):
    assignee_id: str
    queue: str | None


@dataclass(frozen=True, kw_only=True)
class TicketTransferred(DomainEvent):
    queue: str
    previous_queue: str | None


@dataclass(frozen=True, kw_only=True)
class TicketWorkStarted(DomainEvent):
    assignee_id: str | None


@dataclass(frozen=True, kw_only=True)
class TicketReplied(DomainEvent):
    message_id: UUID
    automatic: bool


@dataclass(frozen=True, kw_only=True)
class CustomerReplied(DomainEvent):
    message_id: UUID


@dataclass(frozen=True, kw_only=True)
class TicketWaiting(DomainEvent):
    waiting_on: WaitingOn
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class TicketResumed(DomainEvent):
    state: TicketStatus


@dataclass(frozen=True, kw_only=True)
class TicketEscalated(DomainEvent):
    level: int
    reason: Literal["breach", "manual"]
    clock_id: UUID | None


@dataclass(frozen=True, kw_only=True)
class CommitmentMade(DomainEvent):
    committed_at: datetime


@dataclass(frozen=True, kw_only=True)
class CommitmentChanged(DomainEvent):
    committed_at: datetime
    previous_committed_at: datetime
    reason: str


@dataclass(frozen=True, kw_only=True)
class TicketResolved(DomainEvent):
    resolution_code: str


@dataclass(frozen=True, kw_only=True)
class TicketReopened(DomainEvent):
    reason: str
    reopen_count: int


@dataclass(frozen=True, kw_only=True)
class TicketClosed(DomainEvent):
    pass


@dataclass(frozen=True, kw_only=True)
class FollowUpRequested(DomainEvent):
    follow_up_id: UUID
    customer_id: UUID


@dataclass(frozen=True, kw_only=True)
class FollowUpRecorded(DomainEvent):
    follow_up_id: UUID
    customer_id: UUID
    csat: int | None
    nps: int | None


@dataclass(frozen=True, kw_only=True)
class TicketCancelled(DomainEvent):
    reason: str


@dataclass(frozen=True, kw_only=True)
class TicketMerged(DomainEvent):
    into_ticket_id: UUID
    same_customer: bool


@dataclass(frozen=True, kw_only=True)
class TicketDeleted(DomainEvent):
    pass
