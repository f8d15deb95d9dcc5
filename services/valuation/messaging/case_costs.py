"""What events of ticketing and complaints tell about the cost of a case."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.valuation.domain.costs.cases import CaseFact, CaseKind, What
from services.valuation.usecases.note_case_costs import note_case_costs
from shared.contracts import complaints, ticketing
from shared.contracts.base import Contract
from shared.db.work import Work
from shared.events.envelope import Envelope

ToFact = Callable[[Envelope, Any], CaseFact]


def _of(kind: CaseKind, what: What) -> ToFact:
    """The fact that an event tells by having happened. The event's key is the case."""
    return lambda envelope, _: CaseFact(kind, envelope.key, envelope.sequence, what, envelope.occurred_at)


def _opened(envelope: Envelope, event: ticketing.TicketOpenedV1) -> CaseFact:
    return CaseFact(
        "ticket", event.ticket_id, envelope.sequence, "opened", event.opened_at, event.customer_id
    )


def _owned(envelope: Envelope, event: ticketing.TicketCustomerChangedV1) -> CaseFact:
    return CaseFact(
        "ticket", event.ticket_id, envelope.sequence, "owned", envelope.occurred_at, event.customer_id
    )


def _resumed(envelope: Envelope, event: ticketing.TicketResumedV1) -> CaseFact:
    what: What = "started" if event.state == "in_progress" else "stopped"
    return CaseFact("ticket", event.ticket_id, envelope.sequence, what, envelope.occurred_at)


def _received(envelope: Envelope, event: complaints.ComplaintReceivedV1) -> CaseFact:
    return CaseFact(
        "complaint", event.complaint_id, envelope.sequence, "opened", event.received_at, event.customer_id
    )


_STOPPED = _of("ticket", "stopped")

FACTS: Mapping[type[Contract], ToFact] = {
    ticketing.TicketOpenedV1: _opened,
    ticketing.TicketCustomerChangedV1: _owned,
    ticketing.TicketWorkStartedV1: _of("ticket", "started"),
    ticketing.TicketWaitingV1: _STOPPED,
    ticketing.TicketResumedV1: _resumed,
    ticketing.TicketTransferredV1: _STOPPED,
    ticketing.TicketResolvedV1: _STOPPED,
    ticketing.TicketReopenedV1: _STOPPED,
    ticketing.TicketClosedV1: _STOPPED,
    ticketing.TicketMergedV1: _STOPPED,
    ticketing.TicketCancelledV1: _of("ticket", "cancelled"),
    ticketing.TicketDeletedV1: _of("ticket", "deleted"),
    complaints.ComplaintReceivedV1: _received,
}


async def prepare_costs(work: Work, arrived: Sequence[tuple[Envelope, Any]]) -> None:
    """Note the facts of a batch: nothing is decided one by one, so they are written at once."""
    await note_case_costs([FACTS[type(event)](envelope, event) for envelope, event in arrived], work)


async def handled_in_preparation(work: Work, envelope: Envelope, event: Any) -> None:
    """For events that tell about costs only."""
