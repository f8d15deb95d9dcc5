"""What is shown of a clock follows the newest event heard of, whatever comes twice, late or not at all."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ticketing.domain.ticket_clock import ClockChange, ClockFact, TicketClock

K = ClockChange
T0 = datetime(2026, 3, 2, tzinfo=UTC)
TICKET, CLOCK, POLICY = UUID(int=1), UUID(int=2), UUID(int=3)


def fact(change: ClockChange, sequence: int, **more: Any) -> ClockFact:
    facts: dict[str, Any] = {
        "ticket_id": TICKET,
        "clock_id": CLOCK,
        "agreement": "sla",
        "metric": "resolution",
        "cycle": 1,
        "policy_version_id": POLICY,
        "change": change,
        "sequence": sequence,
        "at": T0 + timedelta(minutes=sequence),
        "due_at": T0 + timedelta(hours=sequence),
    }
    return ClockFact(**(facts | more))


def heard(facts: Sequence[ClockFact]) -> TicketClock:
    clock = TicketClock.first_heard(facts[0])
    for one in facts:
        clock.apply(one)
    return clock


@pytest.mark.parametrize(
    ("changes", "state", "overdue"),
    [
        ([K.STARTED], "running", False),
        ([K.STARTED, K.PAUSED], "paused", False),
        ([K.STARTED, K.PAUSED, K.RESUMED], "running", False),
        ([K.STARTED, K.WARNED, K.BREACHED], "running", True),
        ([K.STARTED, K.BREACHED, K.PAUSED], "paused", True),
        ([K.STARTED, K.BREACHED, K.BREACH_RETRACTED], "running", False),
        ([K.STARTED, K.BREACHED, K.RETARGETED], "running", True),
        ([K.STARTED, K.MET], "met", False),
        ([K.STARTED, K.BREACHED, K.MISSED], "missed", False),
        ([K.STARTED, K.CANCELLED], "cancelled", False),
        ([K.STARTED, K.ESCALATION_DUE], "running", False),
    ],
)
def test_state_follows_the_events(changes: list[ClockChange], state: str, overdue: bool) -> None:
    clock = heard(
        [
            fact(change, number, breached_at=T0 if change in (K.BREACHED, K.MISSED) else None)
            for number, change in enumerate(changes, 1)
        ]
    )
    assert (clock.state, clock.is_overdue) == (state, overdue)
    assert clock.due_at == T0 + timedelta(hours=len(changes))


def test_what_is_late_changes_nothing() -> None:
    clock = heard([fact(K.STARTED, 1), fact(K.MET, 5, fulfilled_at=T0)])
    before = vars(clock).copy()
    assert not clock.apply(fact(K.PAUSED, 4))
    assert not clock.apply(fact(K.MET, 5))
    assert vars(clock) == before


def test_a_late_start_still_tells_when_it_began() -> None:
    clock = heard([fact(K.PAUSED, 2)])
    assert not clock.apply(fact(K.STARTED, 1))
    assert (clock.started_at, clock.state) == (T0 + timedelta(minutes=1), "paused")


def test_a_gap_is_harmless() -> None:
    clock = heard([fact(K.BREACHED, 40, breached_at=T0)])
    assert (clock.state, clock.is_overdue, clock.sequence) == ("running", True, 40)


def test_a_new_cycle_begins_clean() -> None:
    clock = heard([fact(K.STARTED, 1), fact(K.BREACHED, 2, breached_at=T0)])
    assert clock.escalates(1)
    clock.apply(fact(K.STARTED, 3, cycle=2))
    assert (clock.breached_at, clock.escalation_level, clock.warning_level) == (None, 0, 0)
    assert clock.escalates(1)


def test_each_level_escalates_once_in_a_cycle() -> None:
    clock = heard([fact(K.STARTED, 1)])
    assert [clock.escalates(level) for level in (1, 1, 3, 2, 3, 4)] == [True, False, True, False, False, True]


@given(
    st.lists(st.tuples(st.sampled_from(list(K)), st.integers(1, 2)), min_size=1, max_size=12),
    st.data(),
)
def test_the_newest_event_decides_in_whatever_order_they_come(
    told: list[tuple[ClockChange, int]], data: st.DataObject
) -> None:
    cycles = sorted(cycle for _, cycle in told)
    facts = [
        fact(change, number, cycle=cycle)
        for number, ((change, _), cycle) in enumerate(zip(told, cycles, strict=True), 1)
    ]
    arrived = [*data.draw(st.lists(st.sampled_from(facts), max_size=20)), facts[-1]]
    arrived += data.draw(st.lists(st.sampled_from(facts), max_size=5))
    clock = heard(arrived)
    newest = facts[-1]
    assert (clock.sequence, clock.cycle, clock.due_at) == (newest.sequence, newest.cycle, newest.due_at)
    again = vars(clock).copy()
    for one in facts:
        clock.apply(one)
    assert {**vars(clock), "started_at": None} == {**again, "started_at": None}
