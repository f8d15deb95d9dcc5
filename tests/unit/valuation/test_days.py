"""Days of the ledger and the grid of reviews."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.valuation.domain.days import ReviewCalendar


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("every_days", "instant", "expected"),
    [
        (7, "2026-03-02T00:00", "2026-03-02T00:00"),
        (7, "2026-03-02T00:00:01", "2026-03-09T00:00"),
        (7, "2026-03-08T23:59", "2026-03-09T00:00"),
        (1, "2026-03-08T23:59", "2026-03-09T00:00"),
        (1, "2026-03-09T00:00", "2026-03-09T00:00"),
    ],
)
def test_reviews_fall_on_mondays_or_every_night(every_days: int, instant: str, expected: str) -> None:
    assert ReviewCalendar("UTC", every_days).review_from(at(instant)) == at(expected)


def test_a_purchase_belongs_to_its_local_day() -> None:
    calendar = ReviewCalendar("Asia/Shanghai", 7)
    assert calendar.day_of(at("2026-03-01T16:30")) == date(2026, 3, 2)
    assert calendar.start_of(date(2026, 3, 2)) == at("2026-03-01T16:00")


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)),
    st.integers(1, 40),
    st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"]),
)
def test_the_next_review_is_soon_stable_and_at_the_start_of_a_day(
    naive: datetime, every_days: int, zone: str
) -> None:
    calendar, instant = ReviewCalendar(zone, every_days), naive.replace(tzinfo=UTC)
    review = calendar.review_from(instant)
    assert instant <= review < instant + timedelta(days=every_days, hours=2)
    assert calendar.review_from(review) == review
    assert calendar.start_of(calendar.day_of(review)) == review
