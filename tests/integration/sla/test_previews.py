"""A draft against the open clocks: what would move, break and be saved, and that nothing is changed."""

import json
from typing import Any

import pytest

from services.sla.domain.preview import Assumption
from services.sla.usecases.preview_change import draft_policy, preview_change
from shared.contracts import ticketing
from shared.kernel.ids import new_id

TABLES = ("subjects", "ledger", "clocks", "timers", "firings", "policies", "policy_versions", "outbox")


async def preview(desk: Any, body: Any) -> tuple[Any, list[Any]]:
    answer = await desk.call("POST", "policy-previews", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines[-1]["event"] == "result", lines[-1]
    return lines[-1], lines[:-1]


async def drafted(desk: Any, target: dict[str, Any], **changes: Any) -> dict[str, Any]:
    policies = (await desk.get("policies"))["items"]
    policy = next(one for one in policies if one["name"] == "standard")
    latest = (await desk.get(f"policies/{policy['id']}"))["latest"]
    return {
        "policy_id": policy["id"],
        "agreement": "sla",
        "match": {"subject_kind": "ticket"},
        "calendar_id": latest["calendar_id"],
        "targets": [target | changes],
    }


async def counted(desk: Any) -> dict[str, Any]:
    found = {
        name: [row["rows"] for row in await desk.rows(f"SELECT count(*) AS rows FROM {name}")]
        for name in TABLES
    }
    versions = await desk.rows("SELECT id, version, sequence FROM subjects ORDER BY id")
    revision = await desk.rows("SELECT revision FROM catalogue")
    return {**found, "versions": [tuple(row) for row in versions], "revision": revision[0]["revision"]}


async def test_draft_moves_due_dates_by_buckets_and_changes_nothing(
    desk: Any, target: dict[str, Any]
) -> None:
    await desk.promise()
    await desk.open_ticket()
    waiting = await desk.open_ticket()
    done = await desk.open_ticket()
    await desk.advance("09:00")
    await desk.publish(waiting, ticketing.TicketWaitingV1(ticket_id=waiting, waiting_on="customer"))
    await desk.publish(done, ticketing.TicketResolvedV1(ticket_id=done, resolution_code="fixed"))
    await desk.advance("10:00")
    before = await counted(desk)
    result, progress = await preview(desk, {"policy": await drafted(desk, target, duration=6)})
    assert progress[-1] == {"event": "progress", "subjects_done": 3, "subjects_total": 3, "clocks_done": 2}
    assert (result["clocks"], result["later"], result["earlier"], result["unmoved"]) == (2, 2, 0, 0)
    moved = [(b["over_seconds"], b["up_to_seconds"], b["clocks"]) for b in result["moves"] if b["clocks"]]
    assert moved == [(3600, 14400, 2)]
    assert result["newly_breached"]["count"] == result["saved"]["count"] == 0
    assert await counted(desk) == before
    (shown,) = await desk.clocks(state="running")
    assert shown["due_at"] == "2026-03-02T12:00:00Z"


async def test_clocks_that_would_break_and_be_saved_are_named(desk: Any, target: dict[str, Any]) -> None:
    await desk.promise()
    overdue = await desk.open_ticket()
    await desk.advance("11:30")
    fresh = await desk.open_ticket()
    await desk.advance("12:30")
    longer, _ = await preview(desk, {"policy": await drafted(desk, target, duration=8)})
    assert longer["saved"]["count"] == 1
    assert longer["saved"]["clocks"][0]["subject_id"] == str(overdue)
    shorter = await drafted(desk, target, duration=1)
    now, _ = await preview(desk, {"policy": shorter})
    assert now["newly_breached"]["count"] == 0, "an application now convicts nothing of the past"
    from_start, _ = await preview(desk, {"policy": shorter, "assume": "in_force_from_start"})
    (broken,) = from_start["newly_breached"]["clocks"]
    assert (broken["subject_id"], broken["due_at_after"]) == (str(fresh), "2026-03-02T12:30:00Z")


async def test_draft_calendar_is_tried_on_every_policy_that_uses_it(desk: Any) -> None:
    await desk.promise()
    await desk.open_ticket()
    await desk.advance("09:00")
    (calendar,) = (await desk.get("calendars"))["items"]
    office = {"mon": [["08:00", "10:00"]], "tue": [["08:00", "24:00"]]}
    body = {"calendar_id": calendar["id"], "timezone": "UTC", "weekly": office}
    result, _ = await preview(desk, {"calendar": body})
    assert (result["clocks"], result["later"]) == (1, 1)
    assert [b["clocks"] for b in result["moves"] if b["over_seconds"] == 14400] == [1]


async def test_metric_that_only_the_draft_promises_is_counted_apart(
    desk: Any, target: dict[str, Any]
) -> None:
    await desk.promise()
    await desk.open_ticket()
    await desk.advance("09:00")
    owning = {"metric": "time_to_own", "duration": 1, "unit": "business_hours"}
    draft = await drafted(desk, target)
    result, _ = await preview(desk, {"policy": draft | {"targets": [owning]}})
    assert (result["promised"], result["dropped"]) == (1, 1)


async def test_preview_says_what_applying_does(desk: Any, target: dict[str, Any]) -> None:
    """Batches of one subject give the same result, whatever their number."""
    await desk.promise()
    for minute in range(7):
        await desk.open_ticket()
        await desk.advance(f"08:{minute + 1:02}")
    draft = await drafted(desk, target, duration=2)
    whole, _ = await preview(desk, {"policy": draft})
    catalogue = await _newest(desk)
    made = draft_policy(
        {name: value for name, value in draft.items() if name != "policy_id"},
        next(v.policy_id for v in catalogue.policy_versions() if str(v.policy_id) == draft["policy_id"]),
        catalogue,
        desk.clock.now(),
    )
    database = desk.service.database
    seen = [
        progress
        async for progress in preview_change(
            made, Assumption.APPLIED_NOW, desk.clock.now(), database.session, batch=1
        )
    ]
    assert len(seen) == 8
    assert seen[-1].tally.moves == [bucket["clocks"] for bucket in whole["moves"]]


async def _newest(desk: Any) -> Any:
    async with desk.service.database.session() as session:
        return await desk.service.app.state.sla.catalogues.newest(session)


BAD_DRAFTS: dict[str, tuple[dict[str, Any], int, str]] = {
    "neither": ({}, 422, "invalid_input"),
    "no target": ({"policy": {"targets": []}}, 422, "invalid_policy"),
    "unknown policy": ({"policy": {"policy_id": str(new_id())}}, 404, "policy_not_found"),
    "unknown calendar": (
        {"calendar": {"calendar_id": str(new_id()), "timezone": "UTC", "weekly": {}}},
        404,
        "calendar_not_found",
    ),
    "unknown zone": ({"calendar": {"timezone": "Mars/Olympus", "weekly": {}}}, 422, "invalid_calendar"),
}


@pytest.mark.parametrize("name", BAD_DRAFTS)
async def test_bad_draft_is_a_named_problem_before_anything_is_streamed(
    desk: Any, target: dict[str, Any], name: str
) -> None:
    body, status, code = BAD_DRAFTS[name]
    await desk.promise()
    if "policy" in body:
        body = {"policy": await drafted(desk, target) | body["policy"]}
    elif "calendar" in body:
        (calendar,) = (await desk.get("calendars"))["items"]
        body = {"calendar": {"calendar_id": calendar["id"]} | body["calendar"]}
    answer = await desk.call("POST", "policy-previews", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_previews_are_for_supervisors(desk: Any) -> None:
    answer = await desk.call("POST", "policy-previews", json={}, role="agent")
    assert answer.status_code == 403
