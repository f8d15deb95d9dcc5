"""Clocks on things of other systems, started, paused, resumed and fulfilled over the API."""

from typing import Any

import pytest

from shared.contracts.valuation import CustomerRegisteredV1
from shared.kernel.ids import new_id

START = {"kind": "order_change", "priority": "high", "offering": "fibre-500", "number": "OC-1"}
MATCH = {"subject_kind": "external", "kind": ["order_change"], "priority": ["high"]}


async def promise(desk: Any, *targets: dict[str, Any], **policy: Any) -> None:
    await desk.promise(*targets, name="order changes", **({"match": MATCH} | policy))


async def start(desk: Any, **body: Any) -> Any:
    return await desk.post("external-subjects", START | body)


async def say(desk: Any, subject_id: str, **body: Any) -> Any:
    return await desk.post(f"external-subjects/{subject_id}/inputs", body)


async def test_clock_is_started_paused_resumed_and_fulfilled_by_another_system(
    desk: Any, target: dict[str, Any]
) -> None:
    await promise(desk, target)
    system: dict[str, Any] = {"role": "system", "scopes": "sla:*"}
    made = await desk.call("POST", "external-subjects", json=START, **system)
    assert made.status_code == 201, made.text
    subject_id = made.json()["id"]
    assert made.headers["location"] == f"/sla/v1/subjects/external/{subject_id}"
    path = f"external-subjects/{subject_id}/inputs"
    await desk.advance("09:00")
    paused = await desk.call("POST", path, json={"kind": "paused", "waiting_on": "customer"}, **system)
    assert paused.json()["line"]["effect"] == "sla resolution: paused"
    await desk.advance("11:00")
    await desk.call("POST", path, json={"kind": "resumed"}, **system)
    (clock,) = await desk.clocks(subject_kind="external")
    assert (clock["due_at"], clock["state"]) == ("2026-03-02T14:00:00Z", "running")
    await desk.advance("13:00")
    done = await desk.call("POST", path, json={"kind": "fulfilled", "metric": "resolution"}, **system)
    assert done.json()["metrics"][0]["state"] == "met"
    await desk.drain()
    assert [name for name, _ in await desk.published()] == [
        "clock_started",
        "clock_paused",
        "clock_resumed",
        "clock_warned",
        "clock_met",
    ]
    payloads = await desk.rows("SELECT payload FROM published_events")
    assert all('"external"' in str(row["payload"]) for row in payloads)


async def test_overdue_external_subject_breaches_and_escalates_as_others_do(
    desk: Any, target: dict[str, Any]
) -> None:
    await promise(desk, target)
    await start(desk)
    await desk.advance("12:00")
    names = [name for name, _ in await desk.published()]
    assert names == ["clock_started", "clock_warned", "clock_breached", "escalation_due"]


async def test_id_is_the_callers_and_known_once(desk: Any, target: dict[str, Any]) -> None:
    await promise(desk, target)
    mine = str(new_id())
    assert (await start(desk, id=mine))["id"] == mine
    again = await desk.call("POST", "external-subjects", json=START | {"id": mine})
    assert (again.status_code, again.json()["code"]) == (409, "subject_known_already")
    ticket_id = await desk.open_ticket()
    await desk.drain()
    taken = await desk.call("POST", "external-subjects", json=START | {"id": str(ticket_id)})
    assert taken.json()["code"] == "subject_known_already"


async def test_repeated_input_with_its_key_is_one_line(desk: Any, target: dict[str, Any]) -> None:
    await promise(desk, target)
    subject = await start(desk)
    path = f"external-subjects/{subject['id']}/inputs"
    answers = [
        await desk.call(
            "POST", path, json={"kind": "work_started"}, headers={"Idempotency-Key": "started-once-1"}
        )
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    ledger = await desk.get(f"subjects/external/{subject['id']}/ledger")
    assert [line["kind"] for line in ledger["lines"]] == ["opened", "work_started"]


async def test_stale_version_is_refused_and_the_answers_version_is_the_next(
    desk: Any, target: dict[str, Any]
) -> None:
    await promise(desk, target)
    subject = await start(desk)
    path = f"external-subjects/{subject['id']}/inputs"
    first = await desk.call(
        "POST", path, json={"kind": "assigned"}, headers={"If-Match": f'"{subject["version"]}"'}
    )
    assert first.status_code == 201, first.text
    stale = await desk.call(
        "POST", path, json={"kind": "resolved"}, headers={"If-Match": f'"{subject["version"]}"'}
    )
    assert (stale.status_code, stale.json()["code"]) == (412, "subject_changed")
    fresh = await desk.call(
        "POST", path, json={"kind": "resolved"}, headers={"If-Match": first.headers["etag"]}
    )
    assert fresh.status_code == 201
    shown = await desk.get(f"subjects/external/{subject['id']}")
    assert shown["version"] == fresh.json()["version"]


async def test_backdated_input_counts_with_a_supervisor_and_evidence_only(
    desk: Any, target: dict[str, Any]
) -> None:
    await promise(desk, target)
    subject = await start(desk)
    other = await start(desk)
    await desk.advance("12:30")
    early = {"kind": "resolved", "occurred_at": "2026-03-02T11:00:00Z", "evidence": "signed receipt 17"}
    path = "external-subjects/{}/inputs"
    unbelieved = await desk.call(
        "POST", path.format(subject["id"]), json=early, role="system", scopes="sla:record_external_input"
    )
    line = unbelieved.json()["line"]
    assert (line["occurred_at"], line["claimed_at"]) == ("2026-03-02T12:30:00Z", "2026-03-02T11:00:00Z")
    assert unbelieved.json()["metrics"][0]["state"] == "missed"
    believed = await desk.call("POST", path.format(other["id"]), json=early, role="supervisor")
    assert believed.json()["metrics"][0]["state"] == "met"
    await desk.drain()
    assert "breach_retracted" in [name for name, _ in await desk.published()]


BAD_INPUTS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "before the start": (
        {"kind": "paused", "waiting_on": "customer", "occurred_at": "2026-03-02T07:59:00Z"},
        "input_before_start",
        "occurred_at",
        "after_start",
    ),
    "long before the start": (
        {"kind": "paused", "waiting_on": "customer", "occurred_at": "2026-03-01T07:59:00Z"},
        "input_before_start",
        "occurred_at",
        "after_start",
    ),
    "pause without a cause": ({"kind": "paused"}, "invalid_external_input", "waiting_on", "required"),
    "pause on nobody known": (
        {"kind": "paused", "waiting_on": "weather"},
        "invalid_external_input",
        "waiting_on",
        "unknown",
    ),
    "field of another input": (
        {"kind": "resumed", "priority": "low"},
        "invalid_external_input",
        "priority",
        "not_taken",
    ),
    "metric nobody promised": (
        {"kind": "fulfilled", "metric": "decision"},
        "invalid_external_input",
        "metric",
        "promised",
    ),
    "classified as nothing": ({"kind": "classified"}, "invalid_external_input", "category", "one_of"),
}


@pytest.mark.parametrize("name", BAD_INPUTS)
async def test_bad_input_is_named_and_nothing_is_written(
    desk: Any, target: dict[str, Any], name: str
) -> None:
    body, code, field, rule = BAD_INPUTS[name]
    await promise(desk, target)
    subject = await start(desk)
    await desk.advance("08:01")
    before = await desk.rows("SELECT version FROM subjects")
    answer = await desk.call("POST", f"external-subjects/{subject['id']}/inputs", json=body)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, code), problem
    assert (field, rule) in [(error["field"], error["rule"]) for error in problem["errors"]]
    assert await desk.rows("SELECT version FROM subjects") == before
    (lines,) = await desk.rows("SELECT count(*) AS count FROM ledger")
    assert lines["count"] == 1


async def test_unknown_subject_and_unknown_metric_are_named(desk: Any, target: dict[str, Any]) -> None:
    await promise(desk, target)
    unknown = await desk.call("POST", f"external-subjects/{new_id()}/inputs", json={"kind": "resolved"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "subject_not_found")
    ticket_id = await desk.open_ticket()
    await desk.drain()
    ticket = await desk.call("POST", f"external-subjects/{ticket_id}/inputs", json={"kind": "resolved"})
    assert ticket.json()["code"] == "subject_not_found"
    subject = await start(desk)
    metric = await desk.call(
        "POST",
        f"external-subjects/{subject['id']}/inputs",
        json={"kind": "fulfilled", "metric": "happiness"},
    )
    assert metric.status_code == 422
    assert metric.json()["errors"][0]["field"].endswith("metric")


async def test_metric_that_external_subjects_do_not_have_is_refused(
    desk: Any, target: dict[str, Any]
) -> None:
    await desk.promise(target)
    calendars = (await desk.get("calendars"))["items"]
    body = {
        "name": "none",
        "agreement": "sla",
        "match": {"subject_kind": "external"},
        "calendar_id": calendars[0]["id"],
        "targets": [{"metric": "first_response", "duration": 1, "unit": "business_hours"}],
    }
    answer = await desk.call("POST", "policies", json=body)
    assert answer.json()["errors"][0]["rule"] == "subject_kind"


@pytest.mark.parametrize(
    ("role", "scopes"), [("agent", ""), ("customer", ""), ("system", ""), ("system", "sla:list_clocks")]
)
async def test_only_systems_with_the_scope_and_supervisors_may(desk: Any, role: str, scopes: str) -> None:
    claims: dict[str, Any] = {"customer_id": str(new_id())} if role == "customer" else {}
    answer = await desk.call("POST", "external-subjects", json=START, role=role, scopes=scopes, **claims)
    assert answer.status_code == 403


async def test_customers_tier_counts_on_external_subjects(desk: Any, target: dict[str, Any]) -> None:
    customer_id = new_id()
    await promise(desk, target | {"duration": 2}, match={"subject_kind": "external", "tier": ["gold"]})
    registered = CustomerRegisteredV1(customer_id=customer_id, tier="gold", registered_at=desk.clock.now())
    await desk.publish(customer_id, registered)
    await desk.drain()
    subject = await start(desk, customer_id=str(customer_id))
    assert subject["tier"] == "gold"
    assert subject["metrics"][0]["due_at"] == "2026-03-02T10:00:00Z"
