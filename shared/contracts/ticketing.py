"""Events of the ticketing service (topic `ticketing.events`, key = ticket id). Additive only."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.contracts.base import Contract

Channel = Literal["phone", "web", "chat", "email", "sms", "social", "api"]
Priority = Literal["critical", "high", "moderate", "low"]
TicketState = Literal["new", "open", "in_progress", "waiting", "resolved", "closed", "cancelled"]


class _TicketContract(Contract):
    ticket_id: UUID


class TicketOpenedV1(_TicketContract):
    """A customer's request was taken in; `state` may be other than `new` for imported history."""

    TYPE = "ticketing.ticket_opened.v1"

    number: str
    external_number: str | None = None
    customer_id: UUID
    kind: str
    channel: Channel
    priority: Priority
    category: str | None = None
    queue: str | None = None
    offering: str | None = None
    contract: str | None = None
    entitlement: str | None = None
    state: TicketState
    opened_at: datetime


class TicketClassifiedV1(_TicketContract):
    """Kind, category or queue was decided."""

    TYPE = "ticketing.ticket_classified.v1"

    kind: str
    category: str | None
    queue: str | None = None


class TicketPrioritisedV1(_TicketContract):
    """The priority changed."""

    TYPE = "ticketing.ticket_prioritised.v1"

    priority: Priority
    previous: Priority


class TicketCustomerChangedV1(_TicketContract):
    """The ticket belongs to another customer than first thought."""

    TYPE = "ticketing.ticket_customer_changed.v1"

    customer_id: UUID
    previous_customer_id: UUID


class TicketAssignedV1(_TicketContract):
    """A person took or was given the ticket."""

    TYPE = "ticketing.ticket_assigned.v1"

    assignee_id: str
    queue: str | None = None


class TicketTransferredV1(_TicketContract):
    """The ticket went to another queue and has no assignee until somebody takes it."""

    TYPE = "ticketing.ticket_transferred.v1"

    queue: str
    previous_queue: str | None


class TicketWorkStartedV1(_TicketContract):
    """A person began to work on it."""

    TYPE = "ticketing.ticket_work_started.v1"

    assignee_id: str | None


class TicketRepliedV1(_TicketContract):
    """A public answer to the customer. `automatic` answers neither start, resume nor stop a clock."""

    TYPE = "ticketing.ticket_replied.v1"

    message_id: UUID
    automatic: bool = False


class CustomerRepliedV1(_TicketContract):
    """The customer wrote again."""

    TYPE = "ticketing.customer_replied.v1"

    message_id: UUID


class TicketWaitingV1(_TicketContract):
    """Nothing can be done here until the customer or a third party acts."""

    TYPE = "ticketing.ticket_waiting.v1"

    waiting_on: Literal["customer", "third_party"]
    reason: str | None = None


class TicketResumedV1(_TicketContract):
    """The wait is over."""

    TYPE = "ticketing.ticket_resumed.v1"

    state: TicketState


class TicketEscalatedV1(_TicketContract):
    """The ticket was raised to a higher level, by a person or by a breach."""

    TYPE = "ticketing.ticket_escalated.v1"

    level: int
    reason: Literal["breach", "manual"]
    clock_id: UUID | None = None


class CommitmentMadeV1(_TicketContract):
    """A date (承诺时限) was promised to the customer.

    `notice_delivered_at`: when the customer was told, where that is known apart; else it is this event's instant.
    """

    TYPE = "ticketing.commitment_made.v1"

    committed_at: datetime
    notice_delivered_at: datetime | None = None
    committed_by: str | None = None


class CommitmentChangedV1(_TicketContract):
    """The promised date was moved; `reason` is a code. It takes effect when the customer was told.

    `notice_delivered_at`: when that was, where it is known apart; else it is this event's instant.
    """

    TYPE = "ticketing.commitment_changed.v1"

    committed_at: datetime
    previous_committed_at: datetime
    reason: str
    notice_delivered_at: datetime | None = None
    committed_by: str | None = None


class TicketResolvedV1(_TicketContract):
    """An answer was found and given; the customer may still disagree."""

    TYPE = "ticketing.ticket_resolved.v1"

    resolution_code: str


class TicketReopenedV1(_TicketContract):
    """A resolved or closed ticket is open again."""

    TYPE = "ticketing.ticket_reopened.v1"

    reason: str
    reopen_count: int


class TicketClosedV1(_TicketContract):
    """The ticket is finished."""

    TYPE = "ticketing.ticket_closed.v1"


class TicketCancelledV1(_TicketContract):
    """The request was withdrawn or never was one."""

    TYPE = "ticketing.ticket_cancelled.v1"

    reason: str


class TicketDeletedV1(_TicketContract):
    """The ticket was removed (spam, or by law); nothing about it may escalate any more."""

    TYPE = "ticketing.ticket_deleted.v1"


class TicketMergedV1(_TicketContract):
    """The ticket went into another one, which goes on for both."""

    TYPE = "ticketing.ticket_merged.v1"

    into_ticket_id: UUID
    same_customer: bool


class FollowUpRequestedV1(_TicketContract):
    """After closure the customer was asked how it went (回访)."""

    TYPE = "ticketing.follow_up_requested.v1"

    follow_up_id: UUID
    customer_id: UUID


class FollowUpRecordedV1(_TicketContract):
    """The customer answered: CSAT 1–5, NPS 0–10, either may be absent."""

    TYPE = "ticketing.follow_up_recorded.v1"

    follow_up_id: UUID
    customer_id: UUID
    csat: int | None
    nps: int | None
