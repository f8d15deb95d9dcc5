"""What events of other services say to a ledger. Only translation: nothing is decided here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.sla.domain.ledger import EntryKind
from services.sla.domain.matching import PROMISED_BY
from services.sla.domain.metrics import SubjectKind
from shared.contracts import complaints, ticketing
from shared.contracts.base import Contract


@dataclass(frozen=True, slots=True)
class Translation:
    """How one contract reads as a ledger line.

    fields   what of the payload goes into the line
    claimed  the payload's own instant, where it has one
    customer the payload's customer, whose tiers will count
    """

    kind: EntryKind
    fields: tuple[str, ...] = ()
    claimed: Callable[[Any], datetime | None] | None = None
    customer: Callable[[Any], UUID | None] | None = None

    def data(self, payload: Contract) -> dict[str, Any]:
        return payload.model_dump(mode="json", include=set(self.fields))


@dataclass(frozen=True, slots=True)
class Producer:
    """A service whose subjects are measured."""

    subject_kind: SubjectKind
    subject_id: Callable[[Any], UUID]
    translations: Mapping[type[Contract], Translation]


TICKETING = Producer(
    SubjectKind.TICKET,
    lambda payload: payload.ticket_id,
    {
        ticketing.TicketOpenedV1: Translation(
            EntryKind.OPENED,
            ("customer_id", *PROMISED_BY, "kind", "channel", "priority", "category", "queue", "state"),
            claimed=lambda payload: payload.opened_at,
            customer=lambda payload: payload.customer_id,
        ),
        ticketing.TicketClassifiedV1: Translation(EntryKind.CLASSIFIED, ("kind", "category", "queue")),
        ticketing.TicketPrioritisedV1: Translation(EntryKind.PRIORITISED, ("priority",)),
        ticketing.TicketCustomerChangedV1: Translation(
            EntryKind.CUSTOMER_CHANGED, ("customer_id",), customer=lambda payload: payload.customer_id
        ),
        ticketing.TicketAssignedV1: Translation(EntryKind.ASSIGNED, ("queue",)),
        ticketing.TicketTransferredV1: Translation(EntryKind.TRANSFERRED, ("queue",)),
        ticketing.TicketWorkStartedV1: Translation(EntryKind.WORK_STARTED),
        ticketing.TicketRepliedV1: Translation(EntryKind.REPLIED, ("automatic",)),
        ticketing.CustomerRepliedV1: Translation(EntryKind.CUSTOMER_REPLIED),
        ticketing.TicketWaitingV1: Translation(EntryKind.WAITING, ("waiting_on",)),
        ticketing.TicketResumedV1: Translation(EntryKind.RESUMED),
        # The source tells of a promise once the customer knows of it, or says when that was.
        ticketing.CommitmentMadeV1: Translation(
            EntryKind.COMMITTED,
            ("committed_at", "committed_by"),
            claimed=lambda payload: payload.notice_delivered_at,
        ),
        ticketing.CommitmentChangedV1: Translation(
            EntryKind.RECOMMITTED,
            ("committed_at", "previous_committed_at", "reason", "committed_by"),
            claimed=lambda payload: payload.notice_delivered_at,
        ),
        ticketing.TicketResolvedV1: Translation(EntryKind.RESOLVED),
        ticketing.TicketReopenedV1: Translation(EntryKind.REOPENED),
        ticketing.TicketClosedV1: Translation(EntryKind.CLOSED),
        ticketing.TicketCancelledV1: Translation(EntryKind.CANCELLED),
        ticketing.TicketDeletedV1: Translation(EntryKind.DELETED),
        ticketing.TicketMergedV1: Translation(EntryKind.MERGED, ("into_ticket_id",)),
    },
)

COMPLAINTS = Producer(
    SubjectKind.COMPLAINT,
    lambda payload: payload.complaint_id,
    {
        complaints.ComplaintReceivedV1: Translation(
            EntryKind.OPENED,
            ("customer_id", "channel", "category", "severity"),
            claimed=lambda payload: payload.received_at,
            customer=lambda payload: payload.customer_id,
        ),
        complaints.ComplaintAcknowledgedV1: Translation(EntryKind.ACKNOWLEDGED),
        complaints.ComplaintAssignedV1: Translation(EntryKind.ASSIGNED),
        complaints.ComplaintRespondedV1: Translation(EntryKind.RESPONDED),
        complaints.ComplaintWaitingV1: Translation(EntryKind.WAITING, ("waiting_on",)),
        complaints.ComplaintResumedV1: Translation(EntryKind.RESUMED),
        complaints.ComplaintSeverityAssessedV1: Translation(EntryKind.SEVERITY_ASSESSED, ("severity",)),
        complaints.ComplaintDecidedV1: Translation(EntryKind.DECIDED),
        complaints.ComplaintReopenedV1: Translation(EntryKind.REOPENED),
        complaints.ComplaintClosedV1: Translation(EntryKind.CLOSED),
        complaints.ComplaintWithdrawnV1: Translation(EntryKind.WITHDRAWN),
    },
)
