"""Readings of clocks: the same events give the same reading in any order and any number of times."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.complaints.domain.clock_reading import ClockNews, ClockReading, ClockState

START = datetime(2026, 3, 2, tzinfo=UTC)


def at(hours: int) -> datetime:
    return START + timedelta(hours=hours)


def news(sequence: int, **facts: Any) -> ClockNews:
    return ClockNews(
        complaint_id=UUID(int=1),
        clock_id=UUID(int=2),
        cycle=1,
        agreement="regulatory",
        metric="response",
        sequence=sequence,
        due_at=facts.pop("due_at", at(24)),
        **facts,
    )


LIFE = [
    news(1, state=ClockState.RUNNING, started_at=at(0)),
    news(2, warned_at=at(12)),
    news(3, state=ClockState.PAUSED, due_at=None),
    news(4, state=ClockState.RUNNING, due_at=at(30)),
    news(5, warned_at=at(20), due_at=at(30)),
    news(6, says_breach=True, breached_at=at(30), due_at=at(30)),
    news(7, says_breach=True, breached_at=None, due_at=at(40)),
    news(8, due_at=at(41)),
    news(
        9,
        state=ClockState.MISSED,
        ended_at=at(42),
        says_breach=True,
        breached_at=at(41),
        due_at=at(41),
    ),
]


def reading_of(told: list[ClockNews]) -> ClockReading:
    reading = ClockReading.of(told[0])
    for one in told:
        reading.take(one)
    return reading


@given(st.integers(1, len(LIFE)), st.data())
def test_order_and_repetition_do_not_matter(length: int, data: st.DataObject) -> None:
    life = LIFE[:length]
    twice = data.draw(st.permutations([*life, *data.draw(st.lists(st.sampled_from(life), max_size=5))]))
    assert reading_of(twice) == reading_of(life)


def test_a_running_clock_is_overdue_from_its_due_date_on_even_before_the_breach_is_told() -> None:
    assert reading_of(LIFE[:1]).overdue_from == at(24)


def test_a_paused_clock_is_overdue_only_if_it_was_breached_before() -> None:
    assert reading_of(LIFE[:3]).overdue_from is None
    breached = [*LIFE[:1], news(2, says_breach=True, breached_at=at(24))]
    assert reading_of([*breached, news(3, state=ClockState.PAUSED, due_at=None)]).overdue_from == at(24)


def test_an_ended_clock_is_not_overdue_however_late_it_ended() -> None:
    reading = reading_of(LIFE)
    assert reading.overdue_from is None
    assert reading.breached_at == at(41)


def test_a_retracted_breach_is_gone() -> None:
    assert reading_of(LIFE[:6]).breached_at == at(30)
    assert reading_of(LIFE[:7]).breached_at is None
