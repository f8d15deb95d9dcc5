"""The main job, on slices small enough for every run: real logs where they are at hand, generated ones always."""

import asyncio
import csv
import io
import json
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from careloop.sample.client import suite_client
from careloop.sample.clock_rows import COLUMNS, write_clocks
from careloop.sample.demo import Inputs, read_inputs, replay
from careloop.sample.phases import Phases
from careloop.sample.report import show
from careloop.suite import open_suite
from tests.e2e.recomputation import ClockRow, differences, read_calendars, read_clocks

DATA = Path(__file__).parents[3] / "shared" / "data"
INCIDENTS, COMPLAINTS = DATA / "servicenow_incidents.csv", DATA / "cfpb_complaints.csv"
SEED = 7
pytestmark = pytest.mark.e2e

# What a ticket is in the end, by the last state in its log.
FINAL = {
    "New": {"new", "open"},
    "Active": {"in_progress", "open"},
    "Awaiting User Info": {"waiting"},
    "Awaiting Problem": {"waiting"},
    "Resolved": {"resolved"},
    "Closed": {"closed"},
}


@dataclass
class Played:
    """One replay: its files, and what the API said at its end."""

    inputs: Inputs
    directory: Path
    figures: dict[str, Any]
    tickets: list[dict[str, Any]]
    complaints: list[dict[str, Any]]
    ended_at: datetime

    @property
    def report(self) -> Path:
        return self.directory / "report.json"

    @property
    def clocks(self) -> Path:
        return self.directory / "clocks.csv"

    def differences(self, rows: list[ClockRow] | None = None, **how: Any) -> list[str]:
        rows = read_clocks(self.clocks) if rows is None else rows
        return differences(rows, read_calendars(self.report), self.ended_at, **how)


def slice_of(inputs: Inputs, incidents: int, complaints: int, customers: int) -> Inputs:
    """The first so many incidents and complaints, spread over their log, and the orders of so many customers."""
    buyers = set(sorted({one.customer for one in inputs.purchases})[:customers])
    return replace(
        inputs,
        purchases=[one for one in inputs.purchases if one.customer in buyers],
        incidents=inputs.incidents[:: max(1, len(inputs.incidents) // incidents)][:incidents],
        complaints=inputs.complaints[:: max(1, len(inputs.complaints) // complaints)][:complaints],
    )


def play(inputs: Inputs, directory: Path) -> Played:
    return asyncio.run(_play(inputs, directory))


async def _play(inputs: Inputs, directory: Path) -> Played:
    state_dir = directory / "state"
    async with open_suite(state_dir, simulated_start=inputs.begins_at, durable=False) as suite:
        client = suite_client(suite.app, state_dir)
        with Phases(Console(quiet=True)) as phases:
            outcome = await replay(suite, client, inputs, phases)
        tickets = [ticket async for ticket in client.pages("/ticketing/v1/tickets")]
        complaints = [complaint async for complaint in client.pages("/complaints/v1/complaints")]
        played = Played(inputs, directory, outcome.figures, tickets, complaints, suite.clock.now())
    played.report.write_text(json.dumps(outcome.figures, ensure_ascii=False))
    write_clocks(played.clocks, outcome.clocks)
    return played


def _generated(tmp_path_factory: pytest.TempPathFactory) -> Played:
    inputs = slice_of(read_inputs(None, None, None, SEED), 40, 60, 60)
    return play(inputs, tmp_path_factory.mktemp("generated"))


def _real(tmp_path_factory: pytest.TempPathFactory) -> Played:
    if not DATA.is_dir():
        pytest.skip(f"the public logs are not at {DATA}")
    inputs = slice_of(read_inputs(INCIDENTS, COMPLAINTS, None, SEED), 40, 60, 60)
    return play(inputs, tmp_path_factory.mktemp("real"))


@pytest.fixture(scope="module", params=[_generated, _real], ids=["generated", "real"])
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Played:
    made: Played = request.param(tmp_path_factory)
    return made


def test_nothing_is_left_over_and_nothing_died(played: Played) -> None:
    assert played.figures["dead_letters"] == 0
    for name, counts in played.figures["events"]["services"].items():
        assert counts["published"] > 0, name
        assert (counts["unread"], counts["waiting"], counts["parked"]) == (0, 0, 0), name


def test_tickets_end_as_their_log_does_and_begin_when_it_says(played: Played) -> None:
    tickets = {ticket["external_number"]: ticket for ticket in played.tickets}
    assert len(tickets) == len(played.inputs.incidents)
    for incident in played.inputs.incidents:
        ticket = tickets[incident.number]
        assert ticket["status"] in FINAL[incident.updates[-1].state], incident.number
        assert datetime.fromisoformat(ticket["opened_at"]) == incident.opened_at


def test_every_complaint_with_an_ending_is_closed_and_answered_on_the_recorded_side(played: Played) -> None:
    complaints = {complaint["external_number"]: complaint for complaint in played.complaints}
    assert len(complaints) == len(played.inputs.complaints)
    for logged in played.inputs.complaints:
        complaint = complaints[logged.number]
        ended = logged.company_response != "In progress"
        assert complaint["status"] == ("closed" if ended else "investigating"), logged.number
    in_time = sum(logged.timely for logged in played.inputs.complaints)
    assert played.figures["complaints"]["answered_within_24_hours"] == in_time
    responses = next(line for line in played.figures["clocks"]["attainment"] if line["metric"] == "response")
    assert responses["met"] == in_time


def test_every_due_date_breach_and_verdict_can_be_worked_out_again_from_the_two_files(played: Played) -> None:
    rows = read_clocks(played.clocks)
    assert len(rows) == 2 * len(played.inputs.incidents) + len(played.inputs.complaints)
    assert {row.unit for row in rows} >= {"business_hours", "elapsed_hours"}
    assert played.differences() == []


def test_the_recomputation_would_notice_if_pauses_were_ignored(played: Played) -> None:
    paused = [row for row in read_clocks(played.clocks) if row.pauses]
    assert paused
    assert played.differences(with_pauses=False)


def test_the_recomputation_would_notice_one_clock_a_minute_off_and_one_breach_left_out(
    played: Played,
) -> None:
    rows = read_clocks(played.clocks)
    breached = next(row for row in rows if row.breached_at is not None)
    others = [row for row in rows if row is not breached]
    assert breached.due_at is not None
    late = replace(breached, due_at=breached.due_at.replace(second=30))
    assert len(played.differences([*others, late])) == 1
    spared = replace(breached, breached_at=None, state="met")
    assert played.differences([*others, spared])


def test_thresholds_were_announced_at_their_own_instants(played: Played) -> None:
    for row in read_clocks(played.clocks):
        if row.breached_at is not None and not row.retargets:
            assert row.breached_at == row.due_at
        if row.warned_at is not None and row.due_at is not None:
            assert row.started_at < row.warned_at < row.due_at


def test_the_clocks_have_the_promised_columns_and_no_first_response(played: Played) -> None:
    with played.clocks.open(newline="") as file:
        reader = csv.DictReader(file)
        metrics = Counter(row["metric"] for row in reader)
        assert tuple(reader.fieldnames or ()) == COLUMNS
    assert set(metrics) == {"time_to_own", "resolution", "response"}


def test_tiers_move_while_orders_come_in_and_breaches_escalate_tickets(played: Played) -> None:
    assert played.figures["tiers"]["moves"] > 0
    clocks = played.figures["clocks"]
    assert clocks["breaches"] > 0
    assert clocks["tickets_escalated"] > 0


def test_the_report_can_be_shown(played: Played) -> None:
    console = Console(record=True, width=120, file=io.StringIO())
    show(console, played.figures)
    text = console.export_text()
    for said in ("Attainment", "by state", "Complaints", "Events by service", "dead letters", "assumption"):
        assert said in text


def test_the_same_seed_gives_the_same_clocks(tmp_path: Path) -> None:
    texts = []
    for name in ("first", "second"):
        inputs = slice_of(read_inputs(None, None, None, SEED), 12, 16, 12)
        texts.append(play(inputs, tmp_path / name).clocks.read_text())
    assert texts[0] == texts[1]
    assert texts[0].count("\n") == 1 + 2 * 12 + 16
