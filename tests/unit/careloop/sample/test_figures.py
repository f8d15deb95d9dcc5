"""What the report counts, and the CSV that anyone can recompute."""

import csv
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

from careloop.sample.clock_rows import COLUMNS, ClockRow, write_clocks
from careloop.sample.event_counts import EventCounts, Flow
from careloop.sample.figures import attainment, event_figures

ROW = ClockRow(
    external_number="INC1",
    metric="resolution",
    agreement="sla",
    group="high",
    policy_version="high tickets v1",
    target="24 business_hours",
    calendar="around the clock",
    started_at="2016-02-29T09:00:00Z",
    pauses=[["2016-02-29T10:00:00Z", None]],
    due_at=None,
    warned_at=None,
    breached_at=None,
    fulfilled_at=None,
    state="paused",
    retargets=[],
)


def test_attainment_is_met_of_what_was_judged_by_metric_and_priority() -> None:
    states = ["met", "met", "met", "missed", "paused", "cancelled"]
    rows = [replace(ROW, state=state) for state in states]
    rows += [replace(ROW, group="low", state="running"), replace(ROW, group="critical", state="missed")]
    critical, high, low = attainment(rows)
    assert [line["priority"] for line in (critical, high, low)] == ["critical", "high", "low"]
    assert (high["clocks"], high["met"], high["missed"], high["other"]) == (6, 3, 1, 2)
    assert high["attainment"] == 0.75
    assert critical["attainment"] == 0
    assert low["attainment"] is None


def test_clocks_are_written_one_row_each_in_a_stable_order(tmp_path: Path) -> None:
    path = tmp_path / "clocks.csv"
    write_clocks(path, [replace(ROW, external_number="INC2"), ROW, replace(ROW, metric="time_to_own")])
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["external_number"], row["metric"]) for row in rows] == [
        ("INC1", "resolution"),
        ("INC1", "time_to_own"),
        ("INC2", "resolution"),
    ]
    assert json.loads(rows[0]["pauses"]) == [["2016-02-29T10:00:00Z", None]]
    assert rows[0]["due_at"] == ""


def test_events_that_a_service_has_not_dealt_with_are_counted_as_unread() -> None:
    counts = EventCounts(
        published=Counter(
            {("ticketing", "ticketing.ticket_opened.v1"): 5, ("valuation", "valuation.x.v1"): 9}
        ),
        consumed=Counter({("sla", "ticketing.ticket_opened.v1"): 4, ("sla", "valuation.x.v1"): 2}),
        skipped=Counter({"sla": 6}),
    )
    flow = Flow(waiting=0, parked=0, dead_letters=1, reads=("ticketing", "valuation"))
    sla = event_figures(counts, {"sla": flow})["services"]["sla"]
    assert (sla["consumed"], sla["skipped"], sla["unread"], sla["dead_letters"]) == (6, 6, 2, 1)


def test_counts_of_an_earlier_run_in_the_process_are_taken_off() -> None:
    before = EventCounts(published=Counter({("sla", "sla.clock_met.v1"): 3}), skipped=Counter({"sla": 1}))
    after = EventCounts(published=Counter({("sla", "sla.clock_met.v1"): 8}), skipped=Counter({"sla": 1}))
    since = after.since(before)
    assert since.of_type("sla.clock_met.v1") == since.published_by("sla") == 5
    assert since.skipped["sla"] == 0
