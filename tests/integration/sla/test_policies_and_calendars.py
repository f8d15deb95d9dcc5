"""Calendars and policies over HTTP: versions, and bad input that changes nothing."""

from typing import Any

import pytest

from services.sla import service as sla
from shared.contracts import ticketing
from shared.db.migrations import drift


async def test_schema_is_the_sum_of_its_migrations(desk: Any) -> None:
    assert await drift(sla.HISTORY, desk.service.database.url) == []


async def test_calendar_version_keeps_its_resolved_dates_and_data_versions(desk: Any) -> None:
    body = {
        "name": "Shanghai office",
        "timezone": "Asia/Shanghai",
        "weekly": {
            day: [["09:00", "12:00"], ["13:30", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")
        },
        "holidays": {"country": "CN", "subdivision": None, "makeup_workdays": True},
        "exceptions": {"2026-12-31": []},
    }
    calendar = await desk.post("calendars", body)
    latest = calendar["latest"]
    assert latest["specification"]["exceptions"] == {"2026-12-31": []}
    assert "2026-10-01" in latest["holidays"]
    assert set(latest["data_versions"]) == {"holidays", "tzdata"}
    due = await desk.get(
        f"calendars/{calendar['id']}/due", params={"start": "2026-03-02T11:30:00+08:00", "seconds": 3600}
    )
    assert due == {"due_at": "2026-03-02T06:00:00Z"}
    elapsed = await desk.get(
        f"calendars/{calendar['id']}/elapsed",
        params={"start": "2026-03-02T11:30:00+08:00", "end": "2026-03-02T14:00:00+08:00"},
    )
    assert elapsed == {"seconds": 3600.0}


async def test_new_calendar_version_is_for_subjects_that_start_once_it_is_in_force(
    desk: Any, calendar: dict[str, Any]
) -> None:
    await desk.promise()
    before = await desk.open_ticket()
    await desk.drain()
    (found,) = (await desk.get("calendars"))["items"]
    path = f"calendars/{found['id']}/versions"
    later = {
        "timezone": "UTC",
        "weekly": {"mon": [["14:00", "24:00"]]},
        "effective_from": "2026-03-02T09:00:00Z",
    }
    assert (await desk.call("POST", path, json=later)).status_code == 428
    stale = await desk.call("POST", path, json=later, headers={"If-Match": '"7"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "calendar_changed")
    added = await desk.call("POST", path, json=later, headers={"If-Match": '"1"'})
    assert (added.status_code, added.json()["version"]) == (201, 2)
    overlapping = await desk.call("POST", path, json=later, headers={"If-Match": '"2"'})
    assert overlapping.json()["code"] == "overlapping_effective_dates"
    await desk.advance("09:00")
    after = await desk.open_ticket()
    await desk.drain()
    due = {
        clock["subject_id"]: (clock["due_at"], clock["calendar"]["version"]) for clock in await desk.clocks()
    }
    assert due == {str(before): ("2026-03-02T12:00:00Z", 1), str(after): ("2026-03-02T18:00:00Z", 2)}
    versions = (await desk.get(path))["items"]
    assert [version["number"] for version in versions] == [1, 2]
    assert (await desk.get(f"{path}/1"))["number"] == 1


async def test_new_policy_version_moves_no_due_date_of_today(desk: Any, target: dict[str, Any]) -> None:
    policy = await desk.promise()
    ticket_id = await desk.open_ticket()
    await desk.advance("09:00")
    body = {
        "agreement": "sla",
        "match": {"subject_kind": "ticket"},
        "calendar_id": policy["latest"]["calendar_id"],
        "targets": [target | {"duration": 1}],
    }
    added = await desk.call(
        "POST", f"policies/{policy['id']}/versions", json=body, headers={"If-Match": '"1"'}
    )
    assert added.status_code == 201, added.text
    await desk.publish(ticket_id, ticketing.TicketAssignedV1(ticket_id=ticket_id, assignee_id="a"))
    later = await desk.open_ticket()
    await desk.drain()
    shown = {
        clock["subject_id"]: (clock["due_at"], clock["policy"]["version"]) for clock in await desk.clocks()
    }
    assert shown == {str(ticket_id): ("2026-03-02T12:00:00Z", 1), str(later): ("2026-03-02T10:00:00Z", 2)}


BAD_POLICIES: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "no target": ({"targets": []}, "invalid_policy", "targets", "required"),
    "unknown calendar": (
        {"calendar_id": "0197a3c1-0000-7000-8000-000000000001"},
        "invalid_policy",
        "calendar_id",
        "known_calendar",
    ),
    "no calendar": ({"calendar_id": None}, "invalid_policy", "calendar_id", "required"),
    "twice the same metric": ({"targets": [{}, {}]}, "invalid_policy", "targets[1].metric", "unique"),
    "duration of a promised date": (
        {"targets": [{"metric": "committed_resolution"}]},
        "invalid_policy",
        "targets[0].duration",
        "not_of_commitments",
    ),
    "metric of another kind": (
        {"targets": [{"metric": "response"}]},
        "invalid_policy",
        "targets[0].metric",
        "subject_kind",
    ),
    "longer than ten years": (
        {"targets": [{"duration": 90_000}]},
        "invalid_policy",
        "targets[0].duration",
        "impossible",
    ),
    "starts and stops at once": (
        {"targets": [{"starts_on": ["assigned"], "stops_on": ["assigned"]}]},
        "invalid_policy",
        "targets[0].stops_on",
        "impossible",
    ),
    "unknown stop": (
        {"targets": [{"stops_on": ["tired"]}]},
        "invalid_policy",
        "targets[0].stops_on",
        "unknown",
    ),
    "warning after due": (
        {"targets": [{"warn_at": [{"before": 4}]}]},
        "invalid_policy",
        "targets[0].warn_at[0]",
        "range",
    ),
    "warning of two minds": (
        {"targets": [{"warn_at": [{"before": 1, "share": 0.5}]}]},
        "invalid_policy",
        "targets[0].warn_at[0]",
        "one_of",
    ),
    "levels out of order": (
        {"targets": [{"escalations": [{"offset": 2, "target": "a"}, {"offset": 1, "target": "b"}]}]},
        "invalid_policy",
        "targets[0].escalations[1].offset",
        "order",
    ),
    "repetition without end": (
        {"targets": [{"escalations": [{"offset": 0, "target": "a", "repeat_every": 1}]}]},
        "invalid_policy",
        "targets[0].escalations[0].repeat_every",
        "both",
    ),
    "notice above the target": ({"targets": [{"notice": 5}]}, "invalid_policy", "targets[0].notice", "range"),
    "ends before it begins": (
        {"effective_until": "2026-03-01T00:00:00Z"},
        "invalid_policy",
        "effective_until",
        "after_effective_from",
    ),
    "before its calendar": (
        {"effective_from": "2026-01-01T00:00:00Z"},
        "invalid_policy",
        "effective_from",
        "calendar_in_force",
    ),
    "same match at the same time": ({}, "overlapping_effective_dates", "effective_from", "overlaps"),
}


@pytest.mark.parametrize("name", BAD_POLICIES)
async def test_bad_policy_is_named_by_field_and_rule_and_changes_nothing(
    desk: Any, target: dict[str, Any], name: str
) -> None:
    change, code, field, rule = BAD_POLICIES[name]
    good = await desk.promise()
    plain = {name: value for name, value in target.items() if name not in ("warn_at", "escalations")}
    changed = dict(change)
    if "targets" in changed:
        changed["targets"] = [plain | one for one in changed["targets"]]
    body = {
        "name": "bad",
        "agreement": "sla",
        "match": {"subject_kind": "ticket"},
        "calendar_id": good["latest"]["calendar_id"],
        "targets": [plain],
    } | changed
    answer = await desk.call("POST", "policies", json=body)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, code), problem
    assert (field, rule) in [(error["field"], error["rule"]) for error in problem["errors"]], problem
    written = [policy["name"] for policy in (await desk.get("policies"))["items"]]
    assert written == ["commitments (default)", "standard"]
    (revision,) = await desk.rows("SELECT revision FROM catalogue")
    assert revision["revision"] == 2


async def test_calendar_that_never_opens_makes_no_promise(desk: Any, target: dict[str, Any]) -> None:
    calendar = await desk.post("calendars", {"name": "closed", "timezone": "UTC", "weekly": {}})
    body = {
        "name": "never",
        "agreement": "sla",
        "match": {"subject_kind": "ticket"},
        "calendar_id": calendar["id"],
        "targets": [target],
    }
    answer = await desk.call("POST", "policies", json=body)
    assert answer.json()["errors"][0]["rule"] == "impossible"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"weekly": {"mon": [["09:00", "09:00"]]}}, "weekly.mon[0]"),
        ({"holidays": {"country": "XX"}}, "holidays.country"),
        ({"exceptions": {"2026-13-01": []}}, "exceptions.2026-13-01"),
    ],
)
async def test_bad_calendar_is_named_by_field_and_changes_nothing(
    desk: Any, calendar: dict[str, Any], change: dict[str, Any], field: str
) -> None:
    answer = await desk.call("POST", "calendars", json=calendar | change)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert (await desk.get("calendars"))["items"] == []


async def test_name_is_given_once(desk: Any, calendar: dict[str, Any]) -> None:
    await desk.post("calendars", calendar)
    answer = await desk.call("POST", "calendars", json=calendar)
    assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")


async def test_repeated_request_with_its_key_writes_one_policy(desk: Any) -> None:
    policy = await desk.promise()
    body = {
        "name": "again",
        "agreement": "ola",
        "match": {"subject_kind": "ticket"},
        "calendar_id": policy["latest"]["calendar_id"],
        "targets": [{"metric": "time_to_own", "duration": 1, "unit": "business_hours"}],
    }
    answers = [
        await desk.call("POST", "policies", json=body, headers={"Idempotency-Key": "policy-again-1"})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    written = [policy["name"] for policy in (await desk.get("policies"))["items"]]
    assert written == ["again", "commitments (default)", "standard"]


MONDAYS = {"name": "Mondays", "timezone": "UTC", "weekly": {"mon": [["00:00", "24:00"]]}}
EVERY_MONDAY_SHUT = "\r\n".join(
    (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:x",
        "BEGIN:VEVENT",
        "UID:1",
        "DTSTAMP:20260101T000000Z",
        "DTSTART;VALUE=DATE:20200106",
        "RRULE:FREQ=WEEKLY",
        "SUMMARY:shut",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    )
)


@pytest.mark.parametrize("how", ["version", "file"])
async def test_calendar_on_which_a_promise_would_never_be_due_is_refused(desk: Any, how: str) -> None:
    found = await desk.post("calendars", MONDAYS)
    await desk.promise()
    await desk.advance("09:00")
    path = f"calendars/{found['id']}"
    before = (await desk.call("GET", path)).headers["etag"]
    stamp = {"If-Match": before}
    if how == "version":
        never = {"timezone": "UTC", "weekly": {}}
        answer = await desk.call("POST", f"{path}/versions", json=never, headers=stamp)
    else:
        headers = stamp | {"Content-Type": "text/calendar"}
        answer = await desk.call("POST", f"{path}/ical-imports", content=EVERY_MONDAY_SHUT, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_calendar"), answer.text
    assert answer.json()["errors"][0]["rule"] == "impossible"
    assert "standard" in answer.json()["detail"]
    assert (await desk.call("GET", path)).headers["etag"] == before


@pytest.mark.parametrize("resource", ["calendars", "policies"])
async def test_name_that_would_break_lines_is_refused(
    desk: Any, calendar: dict[str, Any], resource: str
) -> None:
    target = {"metric": "resolution", "duration": 1, "unit": "elapsed_hours"}
    policy = {"agreement": "sla", "match": {"subject_kind": "ticket"}, "targets": [target]}
    body = (calendar if resource == "calendars" else policy) | {"name": "a\nb"}
    answer = await desk.call("POST", resource, json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "name")
