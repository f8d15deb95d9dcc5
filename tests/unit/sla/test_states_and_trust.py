"""How a clock is shown, and which instants are believed."""

from datetime import timedelta
from typing import Any

import pytest

from services.sla.domain.clock_status import TRANSITIONS, ClockState, RunState, state_shown
from services.sla.domain.ledger import trusted_instant

TOLERANCE = timedelta(minutes=5)


@pytest.mark.parametrize(
    ("run_state", "is_breached", "due", "shown"),
    [
        (RunState.RUNNING, False, "13:00", ClockState.RUNNING),
        (RunState.RUNNING, True, "11:00", ClockState.OVERDUE),
        (RunState.RUNNING, True, "13:00", ClockState.RUNNING),
        (RunState.RUNNING, False, "12:00", ClockState.OVERDUE),
        (RunState.PAUSED, False, None, ClockState.PAUSED),
        (RunState.PAUSED, True, "11:00", ClockState.OVERDUE_PAUSED),
        (RunState.PAUSED, True, None, ClockState.PAUSED),
        (RunState.ENDED, False, "13:00", ClockState.MET),
        (RunState.ENDED, True, "11:00", ClockState.MISSED),
        (RunState.CANCELLED, False, "13:00", ClockState.CANCELLED),
        (RunState.CANCELLED, True, "11:00", ClockState.MISSED),
    ],
)
def test_two_facts_make_seven_states(
    lab: Any, run_state: RunState, is_breached: bool, due: str | None, shown: ClockState
) -> None:
    due_at = None if due is None else lab.at(due)
    assert state_shown(run_state, is_breached=is_breached, due_at=due_at, now=lab.at("12:00")) is shown


def test_any_state_may_follow_any_other_and_the_table_says_by_what() -> None:
    assert {source: set(targets) for source, targets in TRANSITIONS.items()} == {
        state: set(RunState) - {state} for state in RunState
    }


@pytest.mark.parametrize(
    ("claimed", "counts", "kept"),
    [
        ("12:00", "12:00", None),
        ("11:55", "11:55", None),
        ("11:54", "12:00", "11:54"),
        ("12:01", "12:00", "12:01"),
    ],
)
def test_instant_claimed_too_far_before_its_record_does_not_count(
    lab: Any, claimed: str, counts: str, kept: str | None
) -> None:
    found = trusted_instant(lab.at(claimed), lab.at("12:00"), TOLERANCE)
    assert found == (lab.at(counts), None if kept is None else lab.at(kept))
