"""Readers, mapping and generator of the demo."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.sample.generator import generate_complaints, generate_incidents
from careloop.sample.history import Incident, LoggedUpdate, UnreadableHistoryError
from careloop.sample.mapping import MOVES, PRIORITIES, STATES, steps_of
from careloop.sample.readers import INCIDENT_COLUMNS, read_complaints, read_incidents, read_purchases
from services.ticketing.domain.ticket_status import TicketCommand, TicketStatus, after

DATA = Path(__file__).parents[5] / "shared" / "data"
OPENED = datetime(2016, 2, 29, 9, tzinfo=UTC)
needs_logs = pytest.mark.skipif(not DATA.is_dir(), reason=f"the public logs are not at {DATA}")


def test_the_shipped_orders_are_those_of_the_published_sample() -> None:
    purchases = read_purchases()
    assert len(purchases) == 6919
    assert len({purchase.customer for purchase in purchases}) == 2357
    assert len({purchase.external_id for purchase in purchases}) == 6919
    assert purchases[0].amount_minor == 2933


@needs_logs
def test_the_real_log_uses_the_declared_mapping_as_counted() -> None:
    counts: Counter[str] = Counter()
    incidents = read_incidents(DATA / "servicenow_incidents.csv")
    steps = [step for incident in incidents for step in steps_of(incident, counts)]
    assert len(incidents) == 447
    assert sum(len(incident.updates) for incident in incidents) == 3000
    assert counts["opening → Resolved: resolve"] == 16
    assert counts["New → Resolved: resolve"] == 137
    assert (
        counts["Awaiting User Info → Resolved: resolve"] + counts["Awaiting Problem → Resolved: resolve"]
        == 120
    )
    assert counts["row predates its opening: replayed at the opening"] == 5
    assert not [rule for rule in counts if "no mapping" in rule or "unknown" in rule]
    assert Counter(step.command for step in steps)["close"] == 447


@needs_logs
def test_the_real_complaints_are_read_whole() -> None:
    complaints = read_complaints(DATA / "cfpb_complaints.csv")
    assert len(complaints) == 1600
    assert sum(not complaint.timely for complaint in complaints) == 42


def test_a_file_with_other_columns_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text("number,opened_at\n1,2\n")
    with pytest.raises(UnreadableHistoryError, match="incident_state"):
        read_incidents(file)


def test_a_bad_instant_is_refused_with_its_row(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text(
        ",".join(INCIDENT_COLUMNS) + "\nI1,New,c,2016-02-29,29-02-2016 01:23,Phone,c,3 - Moderate,g,?\n"
    )
    with pytest.raises(UnreadableHistoryError, match="row 1"):
        read_incidents(file)


ENDS = {
    "new": {TicketStatus.NEW, TicketStatus.OPEN},
    "active": {TicketStatus.IN_PROGRESS},
    "waiting_on_customer": {TicketStatus.WAITING},
    "waiting_on_others": {TicketStatus.WAITING},
    "resolved": {TicketStatus.RESOLVED},
    "closed": {TicketStatus.CLOSED},
}
updates = st.builds(
    LoggedUpdate,
    at=st.integers(-100, 10_000).map(lambda minutes: OPENED + timedelta(minutes=minutes)),
    state=st.sampled_from([*STATES, "-100"]),
    priority=st.sampled_from(list(PRIORITIES)),
    category=st.sampled_from([None, "a", "b"]),
    group=st.sampled_from([None, "g", "h"]),
    assignee=st.sampled_from([None, "p", "q"]),
)


@given(st.lists(updates, min_size=1, max_size=12))
def test_any_log_is_replayed_forward_in_time_from_one_opening(rows: list[LoggedUpdate]) -> None:
    steps = steps_of(Incident("I", "c", OPENED, "Phone", rows), Counter())
    assert [step.command for step in steps].count("open") == 1
    assert steps[0].command == "open"
    assert all(earlier.at <= later.at for earlier, later in pairwise(steps))


COMMANDS = {
    "start": TicketCommand.START_WORK,
    "resume": TicketCommand.RESUME,
    "reopen": TicketCommand.REOPEN,
    "transfer": TicketCommand.TRANSFER,
    "assign": TicketCommand.ASSIGN,
    "prioritise": TicketCommand.PRIORITISE,
    "classify": TicketCommand.CLASSIFY,
    "resolve": TicketCommand.RESOLVE,
    "close": TicketCommand.CLOSE,
    "wait_on_customer": TicketCommand.WAIT,
    "wait_on_third_party": TicketCommand.WAIT,
}


@given(st.lists(updates, min_size=1, max_size=12))
def test_every_step_of_any_log_is_legal_for_the_ticket_that_the_steps_before_made(
    rows: list[LoggedUpdate],
) -> None:
    status = TicketStatus.NEW
    _, *steps = steps_of(Incident("I", "c", OPENED, "Phone", rows), Counter())
    for step in steps:
        status = after(COMMANDS[step.command], status)


@given(st.lists(updates, min_size=1, max_size=12))
def test_a_log_ends_in_the_state_that_its_last_known_row_says(rows: list[LoggedUpdate]) -> None:
    counts: Counter[str] = Counter()
    status = TicketStatus.NEW
    _, *steps = steps_of(Incident("I", "c", OPENED, "Phone", rows), counts)
    for step in steps:
        status = after(COMMANDS[step.command], status)
    said = [STATES[row.state] for row in rows if row.state in STATES]
    if said and not any("no mapping" in rule for rule in counts):
        assert status in ENDS[said[-1]]


def test_every_pair_of_the_table_names_known_states() -> None:
    assert {state for pair in MOVES for state in pair} == set(STATES.values())


def test_the_generator_repeats_itself_for_one_seed_and_differs_for_another() -> None:
    assert generate_incidents(7, 50) == generate_incidents(7, 50)
    assert generate_incidents(7, 50) != generate_incidents(8, 50)
    assert generate_complaints(7, 50) == generate_complaints(7, 50)


@given(st.integers(0, 10_000))
def test_generated_incidents_are_in_order_and_end_closed(seed: int) -> None:
    counts: Counter[str] = Counter()
    for incident in generate_incidents(seed, 5):
        instants = [update.at for update in incident.updates]
        assert instants == sorted(instants)
        assert incident.updates[-1].state == "Closed"
        steps_of(incident, counts)
    assert not [rule for rule in counts if "predates" in rule or "no mapping" in rule or "unknown" in rule]
