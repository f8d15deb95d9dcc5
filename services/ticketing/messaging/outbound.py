"""From what happened to a ticket to what is published about it."""

from collections.abc import Callable, Mapping
from typing import Any

from services.ticketing.domain import ticket_events as events
from shared.contracts import ticketing as contracts
from shared.contracts.base import Contract
from shared.kernel.aggregates import DomainEvent

OUTBOUND: Mapping[type[DomainEvent], Callable[[Any], Contract | None]] = {
    events.TicketOpened: lambda e: contracts.TicketOpenedV1(
        ticket_id=e.aggregate_id,
        number=e.number,
        external_number=e.external_number,
        customer_id=e.customer_id,
        kind=e.kind,
        channel=e.channel,
        priority=e.priority,
        category=e.category,
        queue=e.queue,
        offering=e.offering,
        contract=e.contract,
        entitlement=e.entitlement,
        state=e.state.value,
        opened_at=e.occurred_at,
    ),
    events.TicketClassified: lambda e: contracts.TicketClassifiedV1(
        ticket_id=e.aggregate_id, kind=e.kind, category=e.category, queue=e.queue
    ),
    events.TicketPrioritised: lambda e: contracts.TicketPrioritisedV1(
        ticket_id=e.aggregate_id, priority=e.priority, previous=e.previous
    ),
    events.TicketCustomerChanged: lambda e: contracts.TicketCustomerChangedV1(
        ticket_id=e.aggregate_id, customer_id=e.customer_id, previous_customer_id=e.previous_customer_id
    ),
    events.TicketAssigned: lambda e: contracts.TicketAssignedV1(
        ticket_id=e.aggregate_id, assignee_id=e.assignee_id, queue=e.queue
    ),
    events.TicketTransferred: lambda e: contracts.TicketTransferredV1(
        ticket_id=e.aggregate_id, queue=e.queue, previous_queue=e.previous_queue
    ),
    events.TicketWorkStarted: lambda e: contracts.TicketWorkStartedV1(
        ticket_id=e.aggregate_id, assignee_id=e.assignee_id
    ),
    events.TicketReplied: lambda e: contracts.TicketRepliedV1(
        ticket_id=e.aggregate_id, message_id=e.message_id, automatic=e.automatic
    ),
    events.CustomerReplied: lambda e: contracts.CustomerRepliedV1(
        ticket_id=e.aggregate_id, message_id=e.message_id
    ),
    events.TicketWaiting: lambda e: contracts.TicketWaitingV1(
        ticket_id=e.aggregate_id, waiting_on=e.waiting_on, reason=e.reason
    ),
    events.TicketResumed: lambda e: contracts.TicketResumedV1(ticket_id=e.aggregate_id, state=e.state.value),
    events.TicketEscalated: lambda e: contracts.TicketEscalatedV1(
        ticket_id=e.aggregate_id, level=e.level, reason=e.reason, clock_id=e.clock_id
    ),
    events.CommitmentMade: lambda e: contracts.CommitmentMadeV1(
        ticket_id=e.aggregate_id, committed_at=e.committed_at
    ),
    events.CommitmentChanged: lambda e: contracts.CommitmentChangedV1(
        ticket_id=e.aggregate_id,
        committed_at=e.committed_at,
        previous_committed_at=e.previous_committed_at,
        reason=e.reason,
    ),
    events.TicketResolved: lambda e: contracts.TicketResolvedV1(
        ticket_id=e.aggregate_id, resolution_code=e.resolution_code
    ),
    events.TicketReopened: lambda e: contracts.TicketReopenedV1(
        ticket_id=e.aggregate_id, reason=e.reason, reopen_count=e.reopen_count
    ),
    events.TicketClosed: lambda e: contracts.TicketClosedV1(ticket_id=e.aggregate_id),
    events.FollowUpRequested: lambda e: contracts.FollowUpRequestedV1(
        ticket_id=e.aggregate_id, follow_up_id=e.follow_up_id, customer_id=e.customer_id
    ),
    events.FollowUpRecorded: lambda e: contracts.FollowUpRecordedV1(
        ticket_id=e.aggregate_id,
        follow_up_id=e.follow_up_id,
        customer_id=e.customer_id,
        csat=e.csat,
        nps=e.nps,
    ),
    events.TicketCancelled: lambda e: contracts.TicketCancelledV1(ticket_id=e.aggregate_id, reason=e.reason),
    events.TicketMerged: lambda e: contracts.TicketMergedV1(
        ticket_id=e.aggregate_id, into_ticket_id=e.into_ticket_id, same_customer=e.same_customer
    ),
    events.TicketDeleted: lambda e: contracts.TicketDeletedV1(ticket_id=e.aggregate_id),
}
