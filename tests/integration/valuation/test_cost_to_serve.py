"""What cases cost their customers, from events of ticketing and complaints (V7)."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.valuation.persistence import case_costs
from services.valuation.workers.rebuild import rebuild_all
from shared.contracts.base import Contract
from shared.contracts.complaints import ComplaintReceivedV1
from shared.contracts.ticketing import (
    TicketCancelledV1,
    TicketCustomerChangedV1,
    TicketDeletedV1,
    TicketOpenedV1,
    TicketResolvedV1,
    TicketResumedV1,
    TicketWaitingV1,
    TicketWorkStartedV1,
)
from shared.events.envelope import Envelope, to_headers, topic_of
from shared.events.transport import OutgoingRecord
from shared.kernel.ids import new_id

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RATES = {"ticket": {"per_hour_minor": 6000, "per_case_minor": 500, "most_hours": "8"}}

Told = tuple[UUID, int, Contract, datetime]


def record(told: Told) -> OutgoingRecord:
    key, sequence, payload, at = told
    envelope = Envelope(
        id=new_id(),
        source=payload.producer(),
        type=payload.TYPE,
        key=key,
        sequence=sequence,
        occurred_at=at,
        correlation_id=new_id(),
    )
    topic = topic_of(payload.producer())
    return OutgoingRecord(topic, str(key), to_headers(envelope), payload.model_dump_json().encode())


async def consumed(house: Any, told: Sequence[Told]) -> None:
    """Through the log and the service's own consumer, as they come."""
    await house.tell(*(record(one) for one in told))
    assert await house.value("SELECT count(*) FROM dead_letters") == 0


def opened(ticket: UUID, customer: UUID, at: datetime = AT) -> TicketOpenedV1:
    return TicketOpenedV1(
        ticket_id=ticket,
        number="T-1",
        customer_id=customer,
        kind="incident",
        channel="phone",
        priority="low",
        state="new",
        opened_at=at,
    )


def worked(ticket: UUID, customer: UUID) -> list[Told]:
    """An hour and a half of work around a wait."""
    steps: list[tuple[float, Contract]] = [
        (0, opened(ticket, customer)),
        (1, TicketWorkStartedV1(ticket_id=ticket, assignee_id="a")),
        (2, TicketWaitingV1(ticket_id=ticket, waiting_on="customer")),
        (6, TicketResumedV1(ticket_id=ticket, state="in_progress")),
        (6.5, TicketResolvedV1(ticket_id=ticket, resolution_code="fixed")),
    ]
    return [(ticket, place, event, AT + timedelta(hours=h)) for place, (h, event) in enumerate(steps, 1)]


async def registered(client: Any, name: str) -> UUID:
    return UUID((await client.post("/customers", json={"external_id": name})).json()["id"])


async def cost_of(client: Any, customer: UUID) -> Any:
    return (await client.get(f"/customers/{customer}")).json()["cost_to_serve"]


async def with_rates(house: Any, client: Any) -> None:
    for kind, rate in RATES.items():
        assert (await client.put(f"/cost-rates/{kind}", json=rate)).status_code == 200
    house.clock.set(AT + timedelta(days=1))


async def test_hours_and_cases_are_summed_for_their_customer(house: Any) -> None:
    async with house.client() as client:
        anna, ben = await registered(client, "anna"), await registered(client, "ben")
        await with_rates(house, client)
        hours, flat, moved, gone, cancelled, complaint = (new_id() for _ in range(6))
        await consumed(
            house,
            [
                *worked(hours, anna),
                (flat, 1, opened(flat, anna), AT),
                *worked(moved, anna),
                (
                    moved,
                    6,
                    TicketCustomerChangedV1(ticket_id=moved, customer_id=ben, previous_customer_id=anna),
                    AT + timedelta(hours=9),
                ),
                *worked(gone, anna),
                (gone, 6, TicketDeletedV1(ticket_id=gone), AT + timedelta(hours=9)),
                (cancelled, 1, opened(cancelled, anna), AT),
                (cancelled, 2, TicketCancelledV1(ticket_id=cancelled, reason="spam"), AT),
                (
                    complaint,
                    1,
                    ComplaintReceivedV1(
                        complaint_id=complaint,
                        number="K-1",
                        customer_id=anna,
                        channel="phone",
                        severity="minor",
                        received_at=AT,
                    ),
                    AT,
                ),
            ],
        )
        ticket = {"kind": "ticket", "unpriced": 0}
        hour = {**ticket, "by_hours": 1, "worked_seconds": 5400}
        assert await cost_of(client, anna) == {
            "cost_minor": 9500,
            "parts": [
                {
                    "kind": "complaint",
                    "cases": 1,
                    "by_hours": 0,
                    "by_case": 0,
                    "unpriced": 1,
                    "worked_seconds": 0,
                    "cost_minor": 0,
                },
                {**hour, "cases": 2, "by_case": 1, "cost_minor": 9500},
            ],
        }
        assert await cost_of(client, ben) == {
            "cost_minor": 9000,
            "parts": [{**hour, "cases": 1, "by_case": 0, "cost_minor": 9000}],
        }
    async with house.service.database.session() as session:
        since = await case_costs.costs_since(session, [anna, ben], AT)
        later = await case_costs.costs_since(session, [anna, ben], AT + timedelta(seconds=1))
    assert since[ben]["ticket"].cost_minor == 9000
    assert later == {}
    report = await rebuild_all(house.service.database, house.valuation, check=True)
    assert (report.cases, report.differences) == (6, [])


@pytest.mark.parametrize("seed", range(4))
async def test_costs_do_not_depend_on_the_order_of_arrival(house: Any, seed: int) -> None:
    shuffled = random.Random(seed)
    async with house.client() as client:
        customers = [await registered(client, f"c{place}") for place in range(3)]
        await with_rates(house, client)
        told: list[Told] = []
        for place in range(6):
            ticket = new_id()
            told += worked(ticket, customers[place % 3])
            if place % 2:
                move = TicketCustomerChangedV1(
                    ticket_id=ticket,
                    customer_id=customers[(place + 1) % 3],
                    previous_customer_id=customers[place % 3],
                )
                told.append((ticket, 6, move, AT + timedelta(hours=9)))
        told += [one for one in told if shuffled.random() < 0.3]
        shuffled.shuffle(told)
        for start in range(0, len(told), 7):
            await consumed(house, told[start : start + 7])
        assert sum([(await cost_of(client, one))["cost_minor"] for one in customers]) == 6 * 9000
    report = await rebuild_all(house.service.database, house.valuation, check=True)
    assert report.differences == []


async def test_a_rebuild_finds_and_repairs_wrong_costs(house: Any) -> None:
    async with house.client() as client:
        anna = await registered(client, "anna")
        await with_rates(house, client)
        first, second = new_id(), new_id()
        await consumed(house, [*worked(first, anna), *worked(second, anna)])
        async with house.service.database.transaction() as transaction:
            await transaction.connection.execute(
                "UPDATE case_costs SET cost_minor = 1 WHERE case_id = $1", first
            )
            await transaction.connection.execute("UPDATE customer_costs SET cost_minor = 5, cases = 9")
        checked = await rebuild_all(house.service.database, house.valuation, check=True)
        assert {one.what for one in checked.differences} == {f"cost of ticket {first}", "costs of tickets"}
        await rebuild_all(house.service.database, house.valuation, check=False)
        again = await rebuild_all(house.service.database, house.valuation, check=True)
        assert again.differences == []
        assert (await cost_of(client, anna))["cost_minor"] == 18_000


async def test_rates_are_versions_that_leave_what_was_opened_before_alone(house: Any) -> None:
    async with house.client() as client:
        assert (await client.get("/cost-rates/ticket")).status_code == 404
        first = await client.put("/cost-rates/ticket", json={"per_case_minor": 500})
        assert (first.status_code, first.json()["version"]) == (200, 1)
        stale = await client.put("/cost-rates/ticket", json={"per_case_minor": 700})
        assert stale.status_code == 428
        house.clock.set(AT + timedelta(hours=1))
        tag = {"If-Match": first.headers["etag"]}
        second = await client.put("/cost-rates/ticket", json={"per_case_minor": 700}, headers=tag)
        assert second.json()["version"] == 2
        lost = await client.put("/cost-rates/ticket", json={"per_case_minor": 900}, headers=tag)
        assert lost.status_code == 412
        versions = (await client.get("/cost-rates/ticket/versions")).json()["items"]
        assert [(one["version"], one["per_case_minor"]) for one in versions] == [(2, 700), (1, 500)]
        assert [one["version"] for one in (await client.get("/cost-rates")).json()["items"]] == [2]
        anna = await registered(client, "anna")
        old, new = new_id(), new_id()
        later = AT + timedelta(hours=2)
        await consumed(house, [(old, 1, opened(old, anna), AT), (new, 1, opened(new, anna, later), later)])
        assert (await cost_of(client, anna))["cost_minor"] == 1200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "cost_rate_empty"),
        ({"per_case_minor": 1, "most_hours": "2"}, "cost_hours_cap_without_hours"),
        ({"per_case_minor": -1}, "invalid_input"),
    ],
)
async def test_a_rate_that_makes_no_sense_is_refused(house: Any, body: dict[str, Any], code: str) -> None:
    async with house.client() as client:
        refused = await client.put("/cost-rates/ticket", json=body)
        assert (refused.status_code, refused.json()["code"]) == (422, code)
        assert (await client.get("/cost-rates")).json()["items"] == []
    async with house.client("agent") as agent:
        assert (await agent.put("/cost-rates/ticket", json={"per_case_minor": 1})).status_code == 403
