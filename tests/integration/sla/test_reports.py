"""Reports: from the ledgers, as known at any instant, the same as the clocks say, as JSON, CSV and lines."""

import csv
import io
import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from shared.contracts import ticketing
from shared.kernel.ids import new_id

RANGE = {"started_from": "2026-03-01T00:00:00Z", "started_until": "2026-04-01T00:00:00Z"}
FIRST = {"metric": "first_response", "duration": 30, "unit": "business_minutes"}
RESOLVE = {
    "metric": "resolution",
    "duration": 4,
    "unit": "business_hours",
    "pauses_on": ["waiting_on_customer"],
    "on_reopen": "new_cycle",
}


async def report(desk: Any, name: str, **params: Any) -> Any:
    return await desk.get(f"reports/{name}", params={**RANGE, **params})


async def rows(desk: Any, name: str, **params: Any) -> list[Any]:
    return list((await report(desk, name, **params))["rows"])


def reply(ticket_id: UUID, *, automatic: bool = False) -> ticketing.TicketRepliedV1:
    return ticketing.TicketRepliedV1(ticket_id=ticket_id, message_id=new_id(), automatic=automatic)


def resolved(ticket_id: UUID) -> ticketing.TicketResolvedV1:
    return ticketing.TicketResolvedV1(ticket_id=ticket_id, resolution_code="fixed")


@pytest_asyncio.fixture
async def busy(desk: Any) -> Any:
    """A day of tickets: fast, slow, waiting, reopened, cancelled, merged, never taken, still open."""
    await desk.promise(FIRST, RESOLVE)
    facts = [("high", "email"), ("high", "web"), ("low", "email"), ("low", "web")] * 2
    tickets = [await desk.open_ticket(priority=priority, channel=channel) for priority, channel in facts]
    await desk.advance("08:10")
    for ticket_id in tickets[:3]:
        await desk.publish(ticket_id, reply(ticket_id))
    await desk.publish(tickets[3], reply(tickets[3], automatic=True))
    await desk.advance("09:00")
    await desk.publish(tickets[0], resolved(tickets[0]))
    await desk.publish(tickets[1], ticketing.CustomerRepliedV1(ticket_id=tickets[1], message_id=new_id()))
    await desk.publish(tickets[2], ticketing.TicketWaitingV1(ticket_id=tickets[2], waiting_on="customer"))
    await desk.publish(
        tickets[3], ticketing.TicketAssignedV1(ticket_id=tickets[3], assignee_id="a", queue="l2")
    )
    await desk.publish(tickets[4], ticketing.TicketCancelledV1(ticket_id=tickets[4], reason="duplicate"))
    await desk.advance("10:00")
    await desk.publish(tickets[1], reply(tickets[1]))
    await desk.publish(tickets[1], resolved(tickets[1]))
    await desk.publish(
        tickets[5],
        ticketing.TicketMergedV1(ticket_id=tickets[5], into_ticket_id=tickets[6], same_customer=False),
    )
    await desk.advance("11:00")
    reopened = ticketing.TicketReopenedV1(ticket_id=tickets[1], reason="not_fixed", reopen_count=1)
    await desk.publish(tickets[1], reopened)
    await desk.advance("13:30")
    await desk.publish(tickets[3], resolved(tickets[3]))
    await desk.advance("17:00")
    desk.tickets = tickets
    return desk


async def test_report_and_attainment_endpoint_say_the_same(busy: Any) -> None:
    for groups in (["metric"], ["metric", "priority"], ["metric", "channel", "queue"], ["subject_kind"]):
        now = await busy.get("attainment", params={"group_by": groups, **RANGE})
        table = {
            tuple(row["group"].values()): [
                row[name] for name in ("clocks", "met", "missed", "cancelled", "open", "open_breached")
            ]
            + [row["attainment"]]
            for row in now["rows"]
        }
        told = {
            tuple(row[name] for name in groups): [
                row[name] for name in ("clocks", "met", "missed", "cancelled", "open", "open_breached")
            ]
            + [row["attainment"]]
            for row in await rows(busy, "attainment", group_by=groups)
        }
        assert told == table
        assert sum(values[0] for values in told.values()) == 17


async def test_a_report_can_be_recomputed_from_the_raw_ledger(busy: Any) -> None:
    """By hand, without the fold: the calendar is always open, so business time is the time on the wall."""
    lines = await busy.rows("SELECT * FROM ledger ORDER BY occurred_at, source, sequence")
    by_ticket: dict[UUID, list[Any]] = {}
    for line in lines:
        by_ticket.setdefault(line["subject_id"], []).append(line)
    now = busy.clock.now()
    counts: Counter[str] = Counter()
    taken: list[float] = []
    for of_ticket in by_ticket.values():
        start: datetime = of_ticket[0]["occurred_at"]
        end = None
        for line in of_ticket[1:]:
            answers = line["kind"] == "replied" and not line["data"]["automatic"]
            if end is None and (answers or line["kind"] in ("resolved", "cancelled", "merged")):
                end = line
        due = start + timedelta(minutes=30)
        breached = (now if end is None else end["occurred_at"]) > due
        fulfilled = end is not None and end["kind"] in ("replied", "resolved")
        counts["clocks"] += 1
        counts["missed"] += breached
        counts["met"] += fulfilled and not breached
        counts["open"] += end is None
        if end is not None and fulfilled:
            taken.append((end["occurred_at"] - start).total_seconds())
    (row,) = await rows(busy, "attainment", group_by=["metric"], metric="first_response")
    assert {name: row[name] for name in counts} == dict(counts)
    (durations,) = await rows(busy, "durations", metric="first_response")
    ordered = sorted(taken)
    assert (durations["clocks"], durations["p50"], durations["longest"]) == (
        len(ordered),
        ordered[(len(ordered) + 1) // 2 - 1],
        ordered[-1],
    )


async def test_durations_are_in_the_clocks_own_time(busy: Any) -> None:
    told = {row["metric"]: row for row in await rows(busy, "durations")}
    assert told["first_response"]["unit"] == "business_seconds"
    # Resolved after 1 h, 2 h and 5 h 30.
    assert [told["resolution"][name] for name in ("clocks", "p50", "p90", "p95", "mean")] == [
        3,
        7_200.0,
        19_800.0,
        19_800.0,
        10_200.0,
    ]


async def test_waiting_does_not_count_into_durations(desk: Any) -> None:
    await desk.promise(RESOLVE)
    ticket_id = await desk.open_ticket()
    await desk.advance("09:00")
    await desk.publish(ticket_id, ticketing.TicketWaitingV1(ticket_id=ticket_id, waiting_on="customer"))
    await desk.advance("15:00")
    await desk.publish(ticket_id, ticketing.TicketResumedV1(ticket_id=ticket_id, state="open"))
    await desk.advance("16:00")
    await desk.publish(ticket_id, resolved(ticket_id))
    await desk.drain()
    (row,) = await rows(desk, "durations")
    assert row["p50"] == 2 * 3_600


async def test_breaches_are_told_by_cause(busy: Any) -> None:
    told = {
        (row["metric"], row["cause"], row["queue_at_breach"]): row["breaches"]
        for row in await rows(busy, "breaches", group_by=["metric", "cause", "queue_at_breach"])
    }
    assert told == {
        ("first_response", "unowned", None): 5,
        ("resolution", "in_work", "l2"): 1,
        ("resolution", "reopened", None): 1,
        ("resolution", "unowned", None): 2,
    }


async def test_resolution_first_contact_and_reopen_rates(busy: Any) -> None:
    (row,) = await rows(busy, "resolution")
    assert {name: row[name] for name in ("opened", "resolved", "ever_resolved", "first_contact")} == {
        "opened": 8,
        "resolved": 2,
        "ever_resolved": 3,
        "first_contact": 2,
    }
    assert (row["reopened"], row["reopenings"], row["given_up"]) == (1, 1, 2)
    assert (row["resolution_rate"], row["first_contact_rate"], row["reopen_rate"]) == (0.25, 0.6667, 0.3333)


async def test_a_correction_changes_the_report_and_the_report_as_it_stood_stays(busy: Any) -> None:
    before = await report(busy, "attainment", group_by=["metric"])
    known_at = busy.clock.now().isoformat()
    ticket_id = busy.tickets[3]
    ledger = (await busy.get(f"subjects/ticket/{ticket_id}/ledger"))["lines"]
    line = next(one for one in ledger if one["kind"] == "resolved")
    await busy.advance("18:00")
    correction = {"entry_id": line["id"], "occurred_at": "2026-03-02T08:20:00Z", "evidence": "recording 17"}
    await busy.post(f"subjects/ticket/{ticket_id}/corrections", correction)
    after = {row["metric"]: row for row in await rows(busy, "attainment", group_by=["metric"])}
    stood = await report(busy, "attainment", group_by=["metric"], as_known_at=known_at)
    assert stood["rows"] == before["rows"]
    earlier = {row["metric"]: row for row in before["rows"]}
    for metric in ("first_response", "resolution"):
        assert after[metric]["met"] == earlier[metric]["met"] + 1
        assert after[metric]["missed"] == earlier[metric]["missed"] - 1


async def test_report_as_known_in_the_middle_of_a_day_is_the_report_of_that_hour(desk: Any) -> None:
    await desk.promise(FIRST, RESOLVE)
    ticket_id = await desk.open_ticket()
    await desk.advance("09:00")
    then = await report(desk, "attainment", group_by=["metric"])
    await desk.advance("10:00")
    await desk.publish(ticket_id, resolved(ticket_id))
    await desk.advance("20:00")
    now = await report(desk, "attainment", group_by=["metric"])
    again = await report(desk, "attainment", group_by=["metric"], as_known_at="2026-03-02T09:00:00Z")
    assert (again["rows"], again["known_at"]) == (then["rows"], "2026-03-02T09:00:00Z")
    assert now["rows"] != then["rows"]


async def test_a_start_that_a_correction_moves_into_the_range_is_counted(busy: Any) -> None:
    ticket_id = busy.tickets[7]
    ledger = (await busy.get(f"subjects/ticket/{ticket_id}/ledger"))["lines"]
    correction = {
        "entry_id": ledger[0]["id"],
        "occurred_at": "2026-02-20T08:00:00Z",
        "evidence": "letter of 20 February",
    }
    await busy.post(f"subjects/ticket/{ticket_id}/corrections", correction)
    february = {"started_from": "2026-02-01T00:00:00Z", "started_until": "2026-03-01T00:00:00Z"}
    (row,) = await rows(busy, "resolution", **february)
    assert row["opened"] == 1
    (row,) = await rows(busy, "resolution")
    assert row["opened"] == 7


async def test_periods_are_of_the_zone(desk: Any) -> None:
    await desk.promise(FIRST)
    await desk.open_ticket()
    await desk.advance("17:00")
    await desk.open_ticket()
    await desk.drain()
    shanghai = {"timezone": "Asia/Shanghai", "period": "day", "group_by": ["metric"]}
    told = await rows(desk, "attainment", **shanghai)
    assert [(row["period"], row["clocks"]) for row in told] == [("2026-03-02", 1), ("2026-03-03", 1)]
    assert [row["period"] for row in await rows(desk, "attainment", period="week")] == ["2026-W10"]


async def test_policy_versions_are_told_apart(desk: Any) -> None:
    await desk.promise(FIRST)
    await desk.open_ticket()
    await desk.drain()
    (row,) = await rows(desk, "attainment", group_by=["policy_version"])
    assert row["policy_version"] == "standard version 1"


async def test_csv_has_the_same_rows_and_runs_no_formula(desk: Any) -> None:
    await desk.promise(FIRST)
    for category in ("=cmd|' /C calc'!A0", "@sum", "plain, with comma", None):
        await desk.open_ticket(category=category)
    await desk.drain()
    params = {**RANGE, "group_by": ["category", "metric"]}
    as_json = (await desk.get("reports/attainment", params=params))["rows"]
    for asked in ({"headers": {"Accept": "text/csv"}}, {"params": params | {"format": "csv"}}):
        answer = await desk.call("GET", "reports/attainment", **({"params": params} | asked))
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        read = list(csv.DictReader(io.StringIO(answer.text)))
        assert [row["clocks"] for row in read] == [str(row["clocks"]) for row in as_json]
        assert [row["category"] for row in read] == ["'=cmd|' /C calc'!A0", "'@sum", "plain, with comma", ""]
    empty = {"started_from": "2020-01-01T00:00:00Z", "started_until": "2020-02-01T00:00:00Z", "format": "csv"}
    answer = await desk.call("GET", "reports/durations", params=empty)
    assert answer.text == "metric,unit,clocks,p50,p90,p95,mean,longest\r\n"


async def test_lines_tell_how_far_the_report_is(busy: Any) -> None:
    answer = await busy.call("GET", "reports/resolution", params=RANGE | {"format": "ndjson"})
    told = [json.loads(line) for line in answer.text.splitlines()]
    assert told[0] == {"done": 0, "total": 8}
    assert told[1] == {"done": 8, "total": 8}
    assert told[2]["opened"] == 8
    assert told[-1] == {"rows": 1}


BAD: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "ends before it begins": (
        "attainment",
        {"started_until": "2026-02-01T00:00:00Z"},
        "started_until",
        "after_started_from",
    ),
    "too long": ("attainment", {"started_until": "2028-02-01T00:00:00Z"}, "started_until", "range"),
    "unknown zone": ("attainment", {"timezone": "Mars/Olympus"}, "timezone", "known_timezone"),
    "group of another report": ("attainment", {"group_by": ["cause"]}, "group_by", "allowed"),
    "filter of another report": ("resolution", {"metric": "resolution"}, "metric", "allowed"),
    "known in the future": (
        "attainment",
        {"as_known_at": "2027-01-01T00:00:00Z"},
        "as_known_at",
        "not_in_future",
    ),
}


@pytest.mark.parametrize("name", BAD)
async def test_impossible_reports_are_named(desk: Any, name: str) -> None:
    path, change, field, rule = BAD[name]
    answer = await desk.call("GET", f"reports/{path}", params=RANGE | change)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_report")
    assert [(error["field"], error["rule"]) for error in answer.json()["errors"]] == [(field, rule)]


async def test_too_many_subjects_are_refused_by_name(make_desk: Any) -> None:
    desk = await make_desk(report_subjects=1)
    for _ in range(2):
        await desk.open_ticket(ticket_id=new_id())
    await desk.drain()
    answer = await desk.call("GET", "reports/resolution", params=RANGE)
    assert (answer.status_code, answer.json()["code"]) == (422, "report_too_large")


async def test_commitments_are_told_by_the_first_and_by_the_latest_promise(desk: Any) -> None:
    kept, moved, missed = [await desk.open_ticket() for _ in range(3)]
    await desk.open_ticket()  # nothing is promised here
    noon = desk.at("12:00")
    for ticket_id in (kept, moved, missed):
        await desk.publish(ticket_id, ticketing.CommitmentMadeV1(ticket_id=ticket_id, committed_at=noon))
    await desk.advance("11:00")
    await desk.publish(kept, resolved(kept))
    changed = ticketing.CommitmentChangedV1(
        ticket_id=moved, committed_at=desk.at("16:00"), previous_committed_at=noon, reason="parts"
    )
    await desk.publish(moved, changed)
    await desk.advance("15:00")
    await desk.publish(moved, resolved(moved))
    await desk.advance("17:00")
    (row,) = await rows(desk, "commitments")
    assert {name: row[name] for name in row if name != "subject_kind"} == {
        "promised": 3,
        "recommitted": 1,
        "recommitments": 1,
        "kept_first": 1,
        "missed_first": 2,
        "kept_latest": 2,
        "missed_latest": 1,
        "attainment_first": 0.3333,
        "attainment_latest": 0.6667,
    }
    (attained,) = await rows(desk, "attainment", metric="committed_resolution", group_by=["metric"])
    now = await desk.get("attainment", params=RANGE | {"group_by": "metric"})
    (same,) = [row for row in now["rows"] if row["group"]["metric"] == "committed_resolution"]
    assert [attained[name] for name in ("met", "missed", "open")] == [
        same[name] for name in ("met", "missed", "open")
    ]
