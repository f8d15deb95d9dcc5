"""Domain event → published contract. Ids, codes and instants only: no name, address or text of a person."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from services.complaints.domain import events
from shared.contracts import complaints as contracts
from shared.contracts.base import Contract
from shared.kernel.aggregates import DomainEvent

_STAMPS = frozenset(field.name for field in fields(DomainEvent))


def _as(contract: type[Contract]) -> Callable[[DomainEvent], Contract]:
    """The contract with the event's own facts; the stamps travel in the envelope."""

    def publish(event: DomainEvent) -> Contract:
        facts: dict[str, Any] = {
            field.name: getattr(event, field.name) for field in fields(event) if field.name not in _STAMPS
        }
        return contract(complaint_id=event.aggregate_id, **facts)

    return publish


OUTBOUND: Mapping[type[DomainEvent], Callable[[DomainEvent], Contract]] = {
    events.ComplaintReceived: _as(contracts.ComplaintReceivedV1),
    events.ComplaintAcknowledged: _as(contracts.ComplaintAcknowledgedV1),
    events.ComplaintAssigned: _as(contracts.ComplaintAssignedV1),
    events.ComplaintResponded: _as(contracts.ComplaintRespondedV1),
    events.ComplaintWaiting: _as(contracts.ComplaintWaitingV1),
    events.ComplaintResumed: _as(contracts.ComplaintResumedV1),
    events.ComplaintSeverityAssessed: _as(contracts.ComplaintSeverityAssessedV1),
    events.ComplaintDecided: _as(contracts.ComplaintDecidedV1),
    events.DecisionDelivered: _as(contracts.DecisionDeliveredV1),
    events.DecisionDeliveryFailed: _as(contracts.DecisionDeliveryFailedV1),
    events.CorrectiveActionVerified: _as(contracts.CorrectiveActionVerifiedV1),
    events.ComplaintWithdrawn: _as(contracts.ComplaintWithdrawnV1),
    events.ComplaintClosed: _as(contracts.ComplaintClosedV1),
    events.ComplaintReopened: _as(contracts.ComplaintReopenedV1),
    events.ComplaintSatisfactionRecorded: _as(contracts.ComplaintSatisfactionRecordedV1),
}
