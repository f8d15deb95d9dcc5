"""Days off in iCalendar files over HTTP: read into a new version, written from one, refused by name."""

from typing import Any

import icalendar
import pytest

WEEK = ("mon", "tue", "wed", "thu", "fri")
SHANGHAI = {
    "name": "Shanghai office",
    "timezone": "Asia/Shanghai",
    "weekly": {day: [["09:00", "17:00"]] for day in WEEK},
    "holidays": {"country": "CN"},
    "exceptions": {"2026-03-05": [["10:00", "12:00"]], "2026-03-06": []},
}
UNKNOWN = "0197a3c1-0000-7000-8000-000000000001"
FILE_TYPE = "text/calendar; charset=utf-8"


def file(*events: str) -> bytes:
    """Each event's own lines, separated by blanks."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN"]
    for number, event in enumerate(events):
        lines += ["BEGIN:VEVENT", f"UID:{number}", "DTSTAMP:20260101T000000Z", *event.split(), "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


async def send(desk: Any, calendar: Any, content: bytes, **request: Any) -> Any:
    headers = {
        "content-type": FILE_TYPE,
        "If-Match": f'"{calendar["version"]}"',
        **request.pop("headers", {}),
    }
    path = f"calendars/{calendar['id']}/ical-imports"
    return await desk.call("POST", path, content=content, headers=headers, **request)


async def test_file_closes_its_days_in_a_new_version(desk: Any) -> None:
    calendar = await desk.post("calendars", SHANGHAI)
    content = file(
        "DTSTART;VALUE=DATE:20260309 DTEND;VALUE=DATE:20260311",
        "DTSTART;VALUE=DATE:20260305",
        "DTSTART:20260312T090000Z",
        "DTSTART;VALUE=DATE:20200910 RRULE:FREQ=YEARLY",
    )
    later = {"params": {"effective_from": "2026-03-03T00:00:00Z"}}
    answer = await send(desk, calendar, content, **later)
    assert answer.status_code == 201, answer.text
    written = answer.json()
    assert written["version"] == 2
    assert {"2026-03-05", "2026-03-09", "2026-03-10", "2026-09-10"} <= set(written["closed"])
    assert written["replaced"] == ["2026-03-05"]
    assert written["skipped"] == [{"event": 2, "reason": "timed"}]
    exceptions = written["latest"]["specification"]["exceptions"]
    assert exceptions["2026-03-06"] == [], "what was closed stays closed"
    assert exceptions["2026-03-09"] == []
    years = {int(on[:4]) for on in written["closed"]}
    assert years <= set(range(written["latest"]["first_year"], written["latest"]["last_year"] + 1))
    due = await desk.get(
        f"calendars/{calendar['id']}/due", params={"start": "2026-03-04T16:00:00+08:00", "seconds": 7200}
    )
    assert due == {"due_at": "2026-03-11T02:00:00Z"}, "5 to 10 March are closed"
    first = await desk.get(f"calendars/{calendar['id']}/versions/1")
    assert first["specification"]["exceptions"] == {"2026-03-05": [["10:00", "12:00"]], "2026-03-06": []}


async def test_exported_file_names_the_closed_days_and_closes_the_same_elsewhere(desk: Any) -> None:
    calendar = await desk.post("calendars", SHANGHAI)
    answer = await desk.call("GET", f"calendars/{calendar['id']}/closed-days.ics", role="agent")
    assert (answer.status_code, answer.headers["content-type"]) == (200, FILE_TYPE)
    events = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
    named = {str(event["DTSTART"].dt): str(event["SUMMARY"]) for event in events}
    assert named["2026-10-01"] == "National Day"
    assert named["2026-03-06"] == "Closed"
    assert named["2026-03-05 02:00:00+00:00"] == "Open"
    assert named["2026-02-28 01:00:00+00:00"] == "Open: make-up workday for 2026-02-23"
    plain = await desk.post("calendars", SHANGHAI | {"name": "copy", "holidays": None, "exceptions": None})
    copied = await send(desk, plain, answer.content, params={"effective_from": "2026-03-03T00:00:00Z"})
    assert copied.status_code == 201, copied.text
    latest = calendar["latest"]
    covered = range(latest["first_year"], latest["last_year"] + 1)
    closed = {on for on in latest["holidays"] if int(on[:4]) in covered} | {"2026-03-06"}
    assert set(copied.json()["closed"]) == closed
    again = await desk.call("GET", f"calendars/{calendar['id']}/closed-days.ics", params={"number": 1})
    assert again.content == answer.content
    missing = await desk.call("GET", f"calendars/{calendar['id']}/closed-days.ics", params={"number": 7})
    assert (missing.status_code, missing.json()["code"]) == (404, "calendar_version_not_found")


BAD_FILES: dict[str, tuple[bytes, str, str]] = {
    "no calendar": (b"holidays: many", "file", "icalendar"),
    "nothing": (b"", "file", "icalendar"),
    "not a text": (b"\xff\xfe\x00\x01", "file", "icalendar"),
    "an event alone": (b"BEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\n", "file", "icalendar"),
    "cut off": (file("DTSTART;VALUE=DATE:20260309")[:-20], "file", "icalendar"),
    "no start": (file("SUMMARY:x"), "events[0].dtstart", "required"),
    "two starts": (
        file("DTSTART;VALUE=DATE:20260309 DTSTART;VALUE=DATE:20260310"),
        "events[0].dtstart",
        "once",
    ),
    "impossible date": (file("DTSTART;VALUE=DATE:20260230"), "events[0].dtstart", "icalendar"),
    "before all years": (file("DTSTART;VALUE=DATE:16660101"), "events[0].dtstart", "year"),
    "ends before it begins": (
        file("DTSTART;VALUE=DATE:20260309 DTEND;VALUE=DATE:20260309"),
        "events[0].dtend",
        "after_dtstart",
    ),
    "ends at a time": (
        file("DTSTART;VALUE=DATE:20260309 DTEND:20260310T120000Z"),
        "events[0].dtend",
        "whole_day",
    ),
    "lasts for years": (
        file("DTSTART;VALUE=DATE:20260309 DTEND;VALUE=DATE:20360309"),
        "events[0].dtend",
        "too_long",
    ),
    "lasts hours": (file("DTSTART;VALUE=DATE:20260309 DURATION:PT5H"), "events[0].duration", "whole_days"),
    "unknown frequency": (
        file("DTSTART;VALUE=DATE:20260309 RRULE:FREQ=NEVER"),
        "events[0].rrule",
        "icalendar",
    ),
    "every second": (
        file("DTSTART;VALUE=DATE:20260309 RRULE:FREQ=SECONDLY"),
        "events[0].rrule",
        "supported",
    ),
    "Chinese months": (
        file("DTSTART;VALUE=DATE:20260309 RRULE:RSCALE=CHINESE;FREQ=YEARLY"),
        "events[0].rrule",
        "supported",
    ),
    "thirteenth month": (
        file("DTSTART;VALUE=DATE:20260309 RRULE:FREQ=YEARLY;BYMONTH=13"),
        "events[0].rrule",
        "range",
    ),
    "no interval": (
        file("DTSTART;VALUE=DATE:20260309 RRULE:FREQ=DAILY;INTERVAL=0"),
        "events[0].rrule",
        "range",
    ),
    "99th Monday": (
        file("DTSTART;VALUE=DATE:20260309 RRULE:FREQ=YEARLY;BYDAY=99MO"),
        "events[0].rrule",
        "weekday",
    ),
    "count and until": (
        file("DTSTART;VALUE=DATE:20260309 RRULE:FREQ=DAILY;COUNT=2;UNTIL=20270101"),
        "events[0].rrule",
        "one_of",
    ),
    "second event is wrong": (
        file("DTSTART;VALUE=DATE:20260309", "DTSTART;VALUE=DATE:20261301"),
        "events[1].dtstart",
        "icalendar",
    ),
    "too many exceptions": (
        file("DTSTART;VALUE=DATE:20240101 RRULE:FREQ=DAILY"),
        "events",
        "too_many",
    ),
    "too much work": (
        file(*["DTSTART;VALUE=DATE:19000101 RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"] * 40),
        "events",
        "too_many",
    ),
    "too many events": (file(*["DTSTART;VALUE=DATE:20260309"] * 2_001), "events", "too_many"),
    "closes nothing": (file("DTSTART;VALUE=DATE:19990309"), "events", "closes_something"),
    "only times": (file("DTSTART:20260309T090000Z"), "events", "closes_something"),
    "closed already": (file("DTSTART;VALUE=DATE:20260306"), "events", "closes_something"),
}


async def test_bad_file_is_named_by_field_and_rule_and_changes_nothing(desk: Any) -> None:
    calendar = await desk.post("calendars", SHANGHAI)
    for name, (content, field, rule) in BAD_FILES.items():
        answer = await send(desk, calendar, content, params={"effective_from": "2026-03-03T00:00:00Z"})
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, "invalid_calendar_file"), (name, problem)
        assert [(error["field"], error["rule"]) for error in problem["errors"]] == [(field, rule)], name
    assert len((await desk.get(f"calendars/{calendar['id']}/versions"))["items"]) == 1
    (revision,) = await desk.rows("SELECT revision FROM catalogue")
    assert revision["revision"] == 1


async def test_import_keeps_the_rules_of_a_new_version(desk: Any) -> None:
    calendar = await desk.post("calendars", SHANGHAI)
    good = file("DTSTART;VALUE=DATE:20260309")
    later = {"params": {"effective_from": "2026-03-03T00:00:00Z"}}
    refused = [
        (await send(desk, calendar, good, role="agent", **later), 403, "permission_denied"),
        (await send(desk, calendar, good, headers={"If-Match": '"7"'}, **later), 412, "calendar_changed"),
        (
            await send(desk, calendar, good, headers={"content-type": "application/json"}, **later),
            415,
            "unsupported_media_type",
        ),
        (await send(desk, calendar, good + b" " * 1024 * 1024, **later), 413, "request_too_large"),
        (
            await send(desk, calendar, good, params={"effective_from": "2026-01-01T00:00:00Z"}),
            422,
            "overlapping_effective_dates",
        ),
        (await send(desk, calendar | {"id": UNKNOWN}, good, **later), 404, "calendar_not_found"),
    ]
    for answer, status, code in refused:
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    key = {"headers": {"Idempotency-Key": "days-off-2026"}}
    answers = [await send(desk, calendar, good, **later, **key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert len((await desk.get(f"calendars/{calendar['id']}/versions"))["items"]) == 2


async def test_moved_and_cancelled_occurrences_are_followed(desk: Any) -> None:
    calendar = await desk.post("calendars", SHANGHAI)
    content = (
        file(
            "DTSTART;VALUE=DATE:20260309 RRULE:FREQ=DAILY;COUNT=4 EXDATE;VALUE=DATE:20260310",
            "DTSTART;VALUE=DATE:20260318 RECURRENCE-ID;VALUE=DATE:20260311",
            "DTSTART;VALUE=DATE:20260312 RECURRENCE-ID;VALUE=DATE:20260312 STATUS:CANCELLED",
        )
        .replace(b"UID:1", b"UID:0")
        .replace(b"UID:2", b"UID:0")
    )
    answer = await send(desk, calendar, content, params={"effective_from": "2026-03-03T00:00:00Z"})
    assert answer.json()["closed"] == ["2026-03-09", "2026-03-18"]
    assert answer.json()["skipped"] == [{"event": 2, "reason": "cancelled"}]


@pytest.mark.parametrize("method", ["due", "elapsed"])
async def test_questions_go_back_in_time_and_never_open_is_named(desk: Any, method: str) -> None:
    office = await desk.post("calendars", SHANGHAI)
    never = await desk.post("calendars", {"name": "never", "timezone": "UTC", "weekly": {}})
    start, end = "2026-03-02T10:00:00+08:00", "2026-02-28T16:00:00+08:00"
    asked: dict[str, Any] = {
        "due": {"start": start, "seconds": -7200},
        "elapsed": {"start": start, "end": end},
    }
    answer = await desk.get(f"calendars/{office['id']}/{method}", params=asked[method])
    # 28 February 2026 is a Saturday that China works.
    assert answer == ({"due_at": "2026-02-28T08:00:00Z"} if method == "due" else {"seconds": -7200.0})
    closed = await desk.call("GET", f"calendars/{never['id']}/{method}", params=asked[method])
    if method == "due":
        assert (closed.status_code, closed.json()["code"]) == (422, "calendar_has_no_open_time")
    else:
        assert closed.json() == {"seconds": 0.0}
