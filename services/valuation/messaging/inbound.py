"""Events of ticketing, complaints and billing: service history (V1), cost to serve (V7), ledger, and insights (V6)."""

from collections.abc import Callable
from typing import Any

from services.valuation.messaging.billing import billing_subscription
from services.valuation.messaging.case_costs import FACTS, handled_in_preparation, prepare_costs
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.note_service_case import (
    NoteCaseClosed,
    NoteCaseOpened,
    NoteCaseOwned,
    NoteCaseRemoved,
    NoteFollowUp,
    NoteSatisfaction,
    NoteServiceCase,
    note_service_case,
)
from services.valuation.usecases.notice_service_case import notice_service_case
from shared.contracts.base import Contract
from shared.contracts.complaints import (
    ComplaintClosedV1,
    ComplaintReceivedV1,
    ComplaintReopenedV1,
    ComplaintSatisfactionRecordedV1,
)
from shared.contracts.ticketing import (
    FollowUpRecordedV1,
    TicketCancelledV1,
    TicketClosedV1,
    TicketCustomerChangedV1,
    TicketDeletedV1,
    TicketOpenedV1,
    TicketReopenedV1,
)
from shared.db.work import Work
from shared.events.consumer import Subscription
from shared.events.envelope import Envelope


def _ticket_opened(_: Envelope, event: TicketOpenedV1) -> NoteServiceCase:
    return NoteCaseOpened("ticket", event.ticket_id, event.customer_id, event.opened_at)


def _ticket_customer_changed(_: Envelope, event: TicketCustomerChangedV1) -> NoteServiceCase:
    return NoteCaseOwned("ticket", event.ticket_id, event.customer_id)


def _ticket_closed(envelope: Envelope, event: TicketClosedV1) -> NoteServiceCase:
    return NoteCaseClosed("ticket", event.ticket_id, envelope.occurred_at)


def _ticket_reopened(_: Envelope, event: TicketReopenedV1) -> NoteServiceCase:
    return NoteCaseClosed("ticket", event.ticket_id, None)


def _ticket_cancelled(_: Envelope, event: TicketCancelledV1) -> NoteServiceCase:
    return NoteCaseRemoved("ticket", event.ticket_id)


def _ticket_deleted(_: Envelope, event: TicketDeletedV1) -> NoteServiceCase:
    return NoteCaseRemoved("ticket", event.ticket_id)


def _follow_up_recorded(envelope: Envelope, event: FollowUpRecordedV1) -> NoteServiceCase:
    return NoteFollowUp(envelope.key, event.customer_id, event.csat, event.nps)


def _complaint_received(_: Envelope, event: ComplaintReceivedV1) -> NoteServiceCase:
    return NoteCaseOpened("complaint", event.complaint_id, event.customer_id, event.received_at)


def _complaint_closed(envelope: Envelope, event: ComplaintClosedV1) -> NoteServiceCase:
    return NoteCaseClosed("complaint", event.complaint_id, envelope.occurred_at, event.outcome)


def _complaint_reopened(_: Envelope, event: ComplaintReopenedV1) -> NoteServiceCase:
    return NoteCaseClosed("complaint", event.complaint_id, None)


def _satisfaction_recorded(_: Envelope, event: ComplaintSatisfactionRecordedV1) -> NoteServiceCase:
    return NoteSatisfaction(event.complaint_id, event.satisfied)


def _on(contract: type[Contract], translate: Callable[[Envelope, Any], NoteServiceCase]) -> Subscription:
    async def handle(work: Work, envelope: Envelope, payload: Any) -> None:
        command = translate(envelope, payload)
        await note_service_case(command, work)
        await notice_service_case(command, work)

    return Subscription(contract, handle, prepare_costs if contract in FACTS else None)


_HISTORY = (
    _on(TicketOpenedV1, _ticket_opened),
    _on(TicketCustomerChangedV1, _ticket_customer_changed),
    _on(TicketClosedV1, _ticket_closed),
    _on(TicketReopenedV1, _ticket_reopened),
    _on(TicketCancelledV1, _ticket_cancelled),
    _on(TicketDeletedV1, _ticket_deleted),
    _on(FollowUpRecordedV1, _follow_up_recorded),
    _on(ComplaintReceivedV1, _complaint_received),
    _on(ComplaintClosedV1, _complaint_closed),
    _on(ComplaintReopenedV1, _complaint_reopened),
    _on(ComplaintSatisfactionRecordedV1, _satisfaction_recorded),
)

_NOTED = {subscription.contract for subscription in _HISTORY}

CASES = (
    *_HISTORY,
    *(
        Subscription(contract, handled_in_preparation, prepare_costs)
        for contract in FACTS
        if contract not in _NOTED
    ),
)


def subscriptions(valuation: Valuation) -> list[Subscription]:
    """One a contract; what is reported by others is booked by the ledger's rules."""
    return [*CASES, billing_subscription(valuation)]
