"""What ticketing and complaints report becomes the customer's service history (V1)."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.valuation.messaging.inbound import CASES
from shared.contracts.base import Contract
from shared.contracts.complaints import ComplaintClosedV1, ComplaintReceivedV1
from shared.contracts.ticketing import (
    FollowUpRecordedV1,
    TicketCancelledV1,
    TicketClosedV1,
    TicketOpenedV1,
    TicketReopenedV1,
)
from shared.events.envelope import Envelope
from shared.kernel.context import Actor
from shared.kernel.ids import new_id

AT = datetime(2026, 3, 1, tzinfo=UTC)


async def told(house: Any, key: UUID, payload: Contract) -> None:
    envelope = Envelope(
        id=new_id(),
        source=payload.producer(),
        type=payload.TYPE,
        key=key,
        sequence=1,
        occurred_at=AT,
        correlation_id=new_id(),
    )
    [subscription] = [one for one in CASES if one.contract is type(payload)]
    await house.service.database.run(
        lambda work: subscription.handle(work, envelope, payload), actor=Actor("system", "events")
    )


def opened(ticket: UUID, customer: UUID) -> TicketOpenedV1:
    return TicketOpenedV1(
        ticket_id=ticket,
        number="T-1",
        customer_id=customer,
        kind="incident",
        channel="phone",
        priority="low",
        state="new",
        opened_at=AT,
    )


async def test_cases_are_counted_once_however_often_and_in_whatever_order_they_are_told(house: Any) -> None:
    async with house.client() as client:
        customer = UUID((await client.post("/customers", json={"external_id": "c"})).json()["id"])
        first, second, gone, complaint = new_id(), new_id(), new_id(), new_id()
        await told(house, first, TicketClosedV1(ticket_id=first))
        for _ in range(2):
            await told(house, first, opened(first, customer))
        await told(house, second, opened(second, customer))
        await told(house, second, TicketClosedV1(ticket_id=second))
        await told(house, second, TicketReopenedV1(ticket_id=second, reason="again", reopen_count=1))
        await told(house, gone, opened(gone, customer))
        await told(house, gone, TicketCancelledV1(ticket_id=gone, reason="spam"))
        for ticket, csat in ((first, 5), (second, 2)):
            answer = FollowUpRecordedV1(
                ticket_id=ticket, follow_up_id=new_id(), customer_id=customer, csat=csat, nps=None
            )
            await told(house, ticket, answer)
        received = ComplaintReceivedV1(
            complaint_id=complaint,
            number="K-1",
            customer_id=customer,
            channel="phone",
            severity="minor",
            received_at=AT,
        )
        await told(house, complaint, received)
        closed = ComplaintClosedV1(complaint_id=complaint, outcome="upheld", cause_code="billing")
        await told(house, complaint, closed)
        profile = (await client.get(f"/customers/{customer}")).json()
    assert profile["service_history"] == {
        "tickets": 2,
        "tickets_closed": 1,
        "complaints": 1,
        "complaints_closed": 1,
        "complaints_upheld": 1,
        "follow_ups": 2,
        "average_csat": 3.5,
        "average_nps": None,
    }
