"""Clocks as people read them: lists, explanations, and what customers may see."""

from typing import Any

import pytest

from shared.contracts import ticketing
from shared.kernel.ids import new_id


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("subjects/ticket/{id}", 404),
        ("clocks/{id}", 404),
        ("clocks/{id}/explain", 404),
        ("policies/{id}", 404),
    ],
)
async def test_unknown_is_not_found(desk: Any, path: str, status: int) -> None:
    answer = await desk.call("GET", path.format(id=new_id()))
    assert answer.status_code == status


async def test_customer_sees_the_promises_made_to_them_only(desk: Any) -> None:
    await desk.promise()
    between_teams = {"metric": "time_to_own", "duration": 1, "unit": "business_hours"}
    await desk.promise(between_teams, name="teams", agreement="ola")
    customer_id = new_id()
    mine, others = await desk.open_ticket(customer_id=customer_id), await desk.open_ticket()
    await desk.drain()
    me: dict[str, Any] = {"role": "customer", "customer_id": str(customer_id)}
    assert {clock["subject_id"] for clock in await desk.clocks()} == {str(mine), str(others)}
    seen = (await desk.get("clocks", **me))["items"]
    assert [(clock["subject_id"], clock["agreement"]) for clock in seen] == [(str(mine), "sla")]
    shown = await desk.get(f"subjects/ticket/{mine}", **me)
    assert [metric["agreement"] for metric in shown["metrics"]] == ["sla"]
    assert (await desk.call("GET", f"subjects/ticket/{others}", **me)).status_code == 404
    all_clocks = await desk.clocks()
    hidden = [c["id"] for c in all_clocks if c["subject_id"] == str(others) or c["agreement"] == "ola"]
    for clock_id in hidden:
        assert (await desk.call("GET", f"clocks/{clock_id}", **me)).status_code == 404
    assert (await desk.call("GET", f"clocks/{seen[0]['id']}", **me)).status_code == 200
    assert (await desk.call("GET", f"clocks/{seen[0]['id']}/explain", **me)).status_code == 403


async def test_pages_of_clocks_follow_each_other_and_filters_narrow(desk: Any) -> None:
    await desk.promise(
        {"metric": "resolution", "duration": 4, "unit": "business_hours"},
        {"metric": "time_to_own", "duration": 30, "unit": "business_minutes"},
    )
    for _ in range(5):
        await desk.open_ticket()
    await desk.advance("09:00")
    seen, cursor = [], None
    for _ in range(10):
        params = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = await desk.get("clocks", params=params)
        seen += [(clock["id"], clock["cycle"]) for clock in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 10
    assert len(await desk.clocks(metric="time_to_own", state="overdue")) == 5
    assert await desk.clocks(metric="resolution", state="overdue") == []
    assert len(await desk.clocks(state=["overdue", "running"], priority="high")) == 10
    assert await desk.clocks(tier="gold") == []
    assert (
        len(await desk.clocks(started_from="2026-03-02T08:00:00Z", started_until="2026-03-02T08:00:01Z"))
        == 10
    )


async def test_explanation_names_every_interval_its_reason_and_the_policy(desk: Any) -> None:
    office = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
    await desk.post("calendars", {"name": "office", "timezone": "UTC", "weekly": office})
    await desk.promise({"metric": "resolution", "duration": 4, "unit": "business_hours"})
    ticket_id = await desk.open_ticket()
    await desk.advance("10:00")
    await desk.publish(ticket_id, ticketing.TicketWaitingV1(ticket_id=ticket_id, waiting_on="customer"))
    await desk.advance("12:00")
    await desk.publish(ticket_id, ticketing.TicketResumedV1(ticket_id=ticket_id, state="open"))
    await desk.advance("14:00")
    (clock,) = await desk.clocks()
    explained = await desk.get(f"clocks/{clock['id']}/explain")
    told = [
        (span["start_at"][11:16], span["end_at"][11:16], span["counts"], span["reason"], span["counted"])
        for span in explained["intervals"]
    ]
    assert told == [
        ("08:00", "09:00", False, "outside_hours", 0.0),
        ("09:00", "10:00", True, "business_hours", 1.0),
        ("10:00", "12:00", False, "paused", 0.0),
        ("12:00", "14:00", True, "business_hours", 2.0),
    ]
    assert explained["intervals"][2]["name"] == "waiting_on_customer"
    waiting = explained["ledger"][1]
    assert (waiting["kind"], waiting["effect"]) == ("waiting", "sla resolution: paused")
    assert explained["intervals"][2]["entry_id"] == waiting["id"]
    assert explained["matched"] == "standard, version 1: matches every ticket; rank 0"
    assert explained["arithmetic"][-2:] == [
        "passed 3, left 1 business hours",
        "due 2026-03-02T15:00:00+00:00",
    ]


async def test_retargets_are_told_with_what_counted_before(desk: Any, target: dict[str, Any]) -> None:
    await desk.promise(target, name="high", match={"subject_kind": "ticket", "priority": ["high"]})
    critical = {"subject_kind": "ticket", "priority": ["critical"]}
    await desk.promise(target | {"duration": 2}, name="critical", match=critical)
    ticket_id = await desk.open_ticket()
    await desk.advance("10:00")
    prioritised = ticketing.TicketPrioritisedV1(ticket_id=ticket_id, priority="critical", previous="high")
    await desk.publish(ticket_id, prioritised)
    await desk.drain()
    (clock,) = await desk.clocks()
    assert clock["retargets"] == [
        {
            "at": "2026-03-02T10:00:00Z",
            "previous": {"amount": 4, "unit": "business_hours", "calendar": "always"},
            "notice": 1.0,
        }
    ]
    assert (clock["due_at"], clock["policy"]["name"]) == ("2026-03-02T11:00:00Z", "critical")
    explained = await desk.get(f"clocks/{clock['id']}/explain")
    assert explained["matched"] == "critical, version 1: matches ticket with priority in {critical}; rank 32"


async def test_each_cycle_of_a_reopened_clock_is_shown(desk: Any, target: dict[str, Any]) -> None:
    await desk.promise(target | {"on_reopen": "new_cycle"})
    ticket_id = await desk.open_ticket()
    await desk.advance("13:00")
    await desk.publish(ticket_id, ticketing.TicketResolvedV1(ticket_id=ticket_id, resolution_code="fixed"))
    await desk.publish(
        ticket_id, ticketing.TicketReopenedV1(ticket_id=ticket_id, reason="not_fixed", reopen_count=1)
    )
    await desk.drain()
    rows = await desk.clocks()
    assert [(row["cycle"], row["state"]) for row in rows] == [(1, "missed"), (2, "running")]
    detail = await desk.get(f"clocks/{rows[0]['id']}")
    assert [cycle["cycle"] for cycle in detail["cycles"]] == [1, 2]
    first = await desk.get(f"clocks/{rows[0]['id']}/explain", params={"cycle": 1})
    assert first["clock"]["state"] == "missed"
