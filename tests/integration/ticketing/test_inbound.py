"""What other services tell: twice, late, out of order, about tickets in every state."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.contracts import sla, valuation

T0 = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
DUE = T0 + timedelta(hours=4)
CLOCK, OTHER_CLOCK, POLICY = uuid4(), uuid4(), uuid4()
CUSTOMER = UUID("0197a3c1-0000-7000-8000-000000000001")


def clock_event(contract: type[Any], ticket: dict[str, Any], clock_id: UUID = CLOCK, **more: Any) -> Any:
    instants = {
        "started_at": T0,
        "paused_at": T0 + timedelta(hours=1),
        "resumed_at": T0 + timedelta(hours=2),
        "breached_at": DUE,
        "fired_at": DUE,
        "threshold_at": DUE,
        "fulfilled_at": DUE,
        "cancelled_at": DUE,
        "retracted_breached_at": DUE,
        "previous_due_at": DUE,
        "reason": "priority",
        "level": 1,
        "threshold": "0.75",
        "target": "team-lead",
    }
    known = {name: value for name, value in instants.items() if name in contract.model_fields}
    facts = {
        "clock_id": clock_id,
        "subject_kind": "ticket",
        "subject_id": ticket["id"],
        "agreement": "sla",
        "metric": "resolution",
        "cycle": 1,
        "policy_version_id": POLICY,
        "due_at": DUE,
    }
    return contract(**(facts | known | more))


async def say(neighbours, ticket, sequence: int, contract: type[Any], **more: Any) -> Any:
    event_id = more.pop("event_id", None)
    record = neighbours.record(clock_event(contract, ticket, **more), UUID(ticket["id"]), sequence, event_id)
    await neighbours.tell(record)
    return record


@pytest.mark.parametrize(
    ("told", "state", "overdue"),
    [
        ([sla.ClockStartedV1], "running", False),
        ([sla.ClockStartedV1, sla.ClockPausedV1], "paused", False),
        ([sla.ClockStartedV1, sla.ClockPausedV1, sla.ClockResumedV1], "running", False),
        ([sla.ClockStartedV1, sla.ClockWarnedV1, sla.ClockBreachedV1], "overdue", True),
        ([sla.ClockStartedV1, sla.ClockBreachedV1, sla.ClockPausedV1], "overdue_paused", True),
        ([sla.ClockStartedV1, sla.ClockBreachedV1, sla.BreachRetractedV1], "running", False),
        ([sla.ClockStartedV1, sla.ClockRetargetedV1, sla.ClockMetV1], "met", False),
        ([sla.ClockStartedV1, sla.ClockBreachedV1, sla.ClockMissedV1], "missed", False),
        ([sla.ClockStartedV1, sla.ClockCancelledV1], "cancelled", False),
    ],
)
async def test_a_ticket_shows_how_its_clock_stands(desk, neighbours, told, state: str, overdue: bool) -> None:
    ticket = await desk.open()
    for sequence, contract in enumerate(told, 1):
        await say(neighbours, ticket, sequence, contract)
    seen = await desk.get(ticket)
    (shown,) = seen["clocks"]
    assert (shown["state"], seen["overdue"]) == (state, overdue)
    assert shown["started_at"] == "2026-03-02T01:00:00Z"
    assert await desk.find(overdue="true") == (["T-000001"] if overdue else [])


async def test_a_breach_escalates_the_ticket_once_however_often_it_is_told(desk, neighbours, stored) -> None:
    ticket = await desk.open()
    await say(neighbours, ticket, 1, sla.ClockStartedV1)
    event_id = uuid4()
    for _ in range(3):
        await say(neighbours, ticket, 2, sla.ClockBreachedV1, event_id=event_id)
    # Published again under another id: the sequence tells.
    await say(neighbours, ticket, 2, sla.ClockBreachedV1)
    await say(neighbours, ticket, 3, sla.ClockBreachedV1)
    assert (await desk.get(ticket))["escalation_level"] == 1
    escalated = [step for step in await desk.steps(ticket) if step["step"] == "ticket_escalated"]
    assert [(step["actor_role"], step["details"]) for step in escalated] == [
        ("system", {"level": 1, "reason": "breach", "clock_id": str(CLOCK)})
    ]
    published = await stored.rows("SELECT * FROM outbox WHERE type = 'ticketing.ticket_escalated.v1'")
    assert [row["causation_id"] for row in published] == [event_id]


async def test_a_new_cycle_may_escalate_again(desk, neighbours) -> None:
    ticket = await desk.open()
    await say(neighbours, ticket, 1, sla.ClockBreachedV1)
    await say(neighbours, ticket, 2, sla.ClockStartedV1, cycle=2)
    await say(neighbours, ticket, 3, sla.ClockBreachedV1, cycle=2)
    steps = [step["step"] for step in await desk.steps(ticket)]
    assert steps.count("ticket_escalated") == 2


async def test_the_policys_ladder_sets_the_level(desk, neighbours) -> None:
    ticket = await desk.open()
    await say(neighbours, ticket, 1, sla.ClockBreachedV1)
    await say(neighbours, ticket, 2, sla.EscalationDueV1, level=1)
    await say(neighbours, ticket, 3, sla.EscalationDueV1, level=3)
    assert (await desk.get(ticket))["escalation_level"] == 3
    levels = [s["details"]["level"] for s in await desk.steps(ticket) if s["step"] == "ticket_escalated"]
    assert levels == [1, 3]


async def test_an_escalation_before_the_breach_is_not_repeated_by_it(desk, neighbours) -> None:
    ticket = await desk.open()
    await say(neighbours, ticket, 1, sla.EscalationDueV1, level=2)
    await say(neighbours, ticket, 2, sla.ClockBreachedV1)
    levels = [s["details"]["level"] for s in await desk.steps(ticket) if s["step"] == "ticket_escalated"]
    assert levels == [2]


async def test_each_clock_escalates_for_itself(desk, neighbours) -> None:
    ticket = await desk.open()
    await say(neighbours, ticket, 1, sla.ClockBreachedV1)
    await say(neighbours, ticket, 2, sla.ClockBreachedV1, clock_id=OTHER_CLOCK, metric="first_response")
    clocks = [s["details"]["clock_id"] for s in await desk.steps(ticket) if s["step"] == "ticket_escalated"]
    assert clocks == [str(CLOCK), str(OTHER_CLOCK)]
    assert len((await desk.get(ticket))["clocks"]) == 2


def digest_of(*items: tuple[Any, ...]) -> sla.EscalationDigestV1:
    """Each item: ticket id, clock, kind, level, and the cycle unless it is the first."""
    return sla.EscalationDigestV1(
        target="team-lead",
        window_start=DUE,
        part=1,
        fired_at=DUE,
        items=[
            sla.EscalationDigestV1.Item(
                subject_kind="ticket",
                subject_id=ticket_id,
                clock_id=clock_id,
                cycle=cycle[0] if cycle else 1,
                metric="resolution",
                kind=kind,
                level=level,
                threshold_at=DUE,
            )
            for ticket_id, clock_id, kind, level, *cycle in items
        ],
    )


async def levels(desk, ticket) -> list[int]:
    steps = await desk.steps(ticket)
    return [step["details"]["level"] for step in steps if step["step"] == "ticket_escalated"]


async def test_a_digest_escalates_every_ticket_that_it_stands_for(desk, neighbours) -> None:
    first, second, unmentioned = [await desk.open() for _ in range(3)]
    await say(neighbours, first, 1, sla.ClockStartedV1)
    await say(neighbours, second, 1, sla.ClockStartedV1, clock_id=OTHER_CLOCK)
    digest = digest_of(
        (first["id"], CLOCK, "warning", 1),
        (first["id"], CLOCK, "escalation", 2),
        (first["id"], CLOCK, "escalation", 1),
        (second["id"], OTHER_CLOCK, "escalation", 3),
        (unmentioned["id"], uuid4(), "warning", 1),
    )
    for _ in range(2):
        await neighbours.tell(neighbours.record(digest, uuid4(), 1))
    assert [await levels(desk, ticket) for ticket in (first, second, unmentioned)] == [[2], [3], []]


async def test_a_digest_that_overtakes_the_events_of_a_clock_escalates_all_the_same(desk, neighbours) -> None:
    ticket = await desk.open()
    digest = digest_of((ticket["id"], CLOCK, "escalation", 2))
    await neighbours.tell(neighbours.record(digest, uuid4(), 1))
    assert await levels(desk, ticket) == [2]
    await say(neighbours, ticket, 1, sla.ClockStartedV1)
    ahead = digest_of((ticket["id"], CLOCK, "escalation", 3, 2))
    await neighbours.tell(neighbours.record(ahead, uuid4(), 2))
    assert await levels(desk, ticket) == [2, 3]


async def test_a_digest_of_an_earlier_cycle_escalates_no_more(desk, neighbours) -> None:
    ticket = await desk.open()
    await say(neighbours, ticket, 1, sla.ClockStartedV1, cycle=2)
    digest = digest_of((ticket["id"], CLOCK, "escalation", 2))
    await neighbours.tell(neighbours.record(digest, uuid4(), 1))
    assert await levels(desk, ticket) == []


@pytest.mark.parametrize("path", [["resolution"], ["resolution", "closure"], ["cancellation"]], ids=str)
async def test_a_breach_of_a_finished_ticket_is_noted_without_effect(
    desk, neighbours, stored, path: list[str]
) -> None:
    ticket = await desk.do(await desk.open(), *path)
    published = await stored.rows("SELECT id FROM outbox")
    await say(neighbours, ticket, 1, sla.ClockBreachedV1)
    seen = await desk.get(ticket)
    assert (seen["status"], seen["escalation_level"]) == (ticket["status"], 0)
    assert [step["step"] for step in await desk.steps(ticket)][-1] == "breach_noted"
    assert await stored.rows("SELECT id FROM outbox") == published


async def test_a_deleted_ticket_never_escalates(desk, neighbours, stored) -> None:
    ticket = await desk.open()
    headers = {**desk.of("admin"), "If-Match": '"1"'}
    await desk.http.delete(f"/tickets/{ticket['id']}", headers=headers)
    steps = await stored.rows("SELECT * FROM timeline")
    await say(neighbours, ticket, 1, sla.ClockBreachedV1)
    assert await stored.rows("SELECT * FROM timeline") == steps
    assert await stored.rows("SELECT * FROM dead_letters") == []


async def test_late_events_change_nothing(desk, neighbours) -> None:
    ticket = await desk.open()
    await say(neighbours, ticket, 5, sla.ClockMetV1)
    before = (await desk.get(ticket))["clocks"]
    await say(neighbours, ticket, 3, sla.ClockBreachedV1)
    await say(neighbours, ticket, 2, sla.ClockPausedV1, due_at=None)
    assert (await desk.get(ticket))["clocks"] == before
    assert (await desk.get(ticket))["escalation_level"] == 0
    await say(neighbours, ticket, 1, sla.ClockStartedV1)
    (shown,) = (await desk.get(ticket))["clocks"]
    assert (shown["state"], shown["started_at"]) == ("met", "2026-03-02T01:00:00Z")


async def test_clocks_of_complaints_are_not_ours(desk, neighbours, stored) -> None:
    ticket = await desk.open()
    await say(neighbours, ticket, 1, sla.ClockBreachedV1, subject_kind="complaint")
    assert await stored.rows("SELECT * FROM ticket_clocks") == []
    assert (await desk.get(ticket))["escalation_level"] == 0


async def test_a_batch_of_many_tickets_is_taken_in_at_once(desk, neighbours) -> None:
    tickets = [await desk.open() for _ in range(12)]
    records = []
    for ticket in tickets:
        key, clock_id = UUID(ticket["id"]), uuid4()
        for sequence, contract in enumerate((sla.ClockStartedV1, sla.ClockWarnedV1, sla.ClockBreachedV1), 1):
            records.append(neighbours.record(clock_event(contract, ticket, clock_id), key, sequence))
    await neighbours.tell(*records)
    assert len(await desk.find(overdue="true")) == 12
    assert {(await desk.get(ticket))["escalation_level"] for ticket in tickets} == {1}


async def test_a_command_meanwhile_is_told_that_the_ticket_changed(desk, neighbours) -> None:
    ticket = await desk.open()
    await say(neighbours, ticket, 1, sla.ClockBreachedV1)
    assert (await desk.attempt(ticket, "resolution")).status_code == 412


async def test_the_tier_on_the_ticket_is_the_newest_one_told(desk, neighbours) -> None:
    registered = valuation.CustomerRegisteredV1(customer_id=CUSTOMER, tier="standard", registered_at=T0)

    def changed(tier: str) -> valuation.CustomerTierChangedV1:
        return valuation.CustomerTierChangedV1(
            customer_id=CUSTOMER,
            tier=tier,
            previous_tier="standard",
            reason="promotion",
            rule_version=1,
            effective_at=T0,
        )

    ticket = await desk.open()
    assert ticket["customer_tier"] is None
    await neighbours.tell(neighbours.record(registered, CUSTOMER, 1))
    assert (await desk.get(ticket))["customer_tier"] == "standard"
    await neighbours.tell(neighbours.record(changed("platinum"), CUSTOMER, 4))
    await neighbours.tell(neighbours.record(changed("gold"), CUSTOMER, 3))
    await neighbours.tell(neighbours.record(registered, CUSTOMER, 1))
    assert (await desk.get(ticket))["customer_tier"] == "platinum"
    assert (await desk.open())["customer_tier"] == "platinum"


async def test_customers_do_not_see_agreements_among_teams(desk, neighbours) -> None:
    ticket = await desk.open()
    await say(neighbours, ticket, 1, sla.ClockBreachedV1, agreement="ola")
    mine = await desk.get(ticket, desk.of("customer"))
    assert (mine["clocks"], mine["overdue"], mine["escalation_level"]) == ([], False, 0)
