"""Important dates: known festivals, the rules for years that lack the day, and what no calendar has."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lunar_python import Solar

from services.valuation.domain.profile.errors import ImpossibleDateError
from services.valuation.domain.profile.important_dates import ImportantDate, YearlyDate, first_look
from shared.kernel.ids import new_id

DAYS = st.dates(date(1950, 1, 1), date(2090, 12, 31))


@pytest.mark.parametrize(
    ("when", "day", "falls_on"),
    [
        (YearlyDate("gregorian", 5, 1), date(2026, 5, 1), date(2026, 5, 1)),
        (YearlyDate("gregorian", 5, 1), date(2026, 5, 2), date(2027, 5, 1)),
        (YearlyDate("gregorian", 2, 29, 2000), date(2027, 1, 1), date(2027, 2, 28)),
        (YearlyDate("gregorian", 2, 29, 2000), date(2028, 1, 1), date(2028, 2, 29)),
        # Spring Festival and Mid-Autumn, as the State Council's holiday notices have them.
        (YearlyDate("lunar", 1, 1), date(2026, 1, 1), date(2026, 2, 17)),
        (YearlyDate("lunar", 1, 1), date(2026, 2, 18), date(2027, 2, 6)),
        (YearlyDate("lunar", 8, 15), date(2025, 1, 1), date(2025, 10, 6)),
        (YearlyDate("lunar", 8, 15), date(2026, 1, 1), date(2026, 9, 25)),
        # The twelfth month of lunar 2024 has 29 days, that of lunar 2023 has 30.
        (YearlyDate("lunar", 12, 30), date(2024, 2, 1), date(2024, 2, 9)),
        (YearlyDate("lunar", 12, 30), date(2025, 1, 1), date(2025, 1, 28)),
        # 2025 has a leap sixth month, 2026 has none.
        (YearlyDate("lunar", 6, 1, 2025, True), date(2025, 6, 25), date(2025, 7, 25)),
        (YearlyDate("lunar", 6, 1, 2025, True), date(2025, 7, 26), date(2026, 7, 14)),
        (YearlyDate("lunar", 6, 1, 2025, True, "ordinary_month"), date(2025, 6, 1), date(2025, 6, 25)),
        (YearlyDate("lunar", 6, 1, 1990), date(2025, 6, 1), date(2025, 6, 25)),
    ],
)
def test_the_next_occurrence(when: YearlyDate, day: date, falls_on: date) -> None:
    assert when.next_from(day) == falls_on


@given(DAYS, st.integers(1, 12), st.integers(1, 29))
@settings(max_examples=60)
def test_a_lunar_date_falls_on_its_month_and_day_within_thirteen_months(
    day: date, month: int, lunar_day: int
) -> None:
    falls_on = YearlyDate("lunar", month, lunar_day).next_from(day)
    assert timedelta(0) <= falls_on - day <= timedelta(days=385)
    back = Solar.fromYmd(falls_on.year, falls_on.month, falls_on.day).getLunar()
    assert (back.getMonth(), back.getDay()) == (month, lunar_day)


@given(DAYS, st.integers(1, 12), st.sampled_from(["gregorian", "lunar"]), st.booleans())
@settings(max_examples=60)
def test_an_occurrence_is_its_own_next_and_no_day_between_is_one(
    day: date, month: int, calendar: Any, is_leap: bool
) -> None:
    when = YearlyDate(calendar, month, 28, is_leap_month=is_leap and calendar == "lunar")
    falls_on = when.next_from(day)
    assert when.next_from(falls_on) == falls_on
    assert when.next_from(day + (falls_on - day) / 2) == falls_on


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"calendar": "gregorian", "month": 2, "day": 30}, "day"),
        ({"calendar": "gregorian", "month": 2, "day": 29, "year": 2025}, "day"),
        ({"calendar": "gregorian", "month": 4, "day": 31}, "day"),
        ({"calendar": "gregorian", "month": 13, "day": 1}, "month"),
        ({"calendar": "gregorian", "month": 1, "day": 1, "is_leap_month": True}, "is_leap_month"),
        ({"calendar": "gregorian", "month": 1, "day": 1, "year": 1899}, "year"),
        ({"calendar": "lunar", "month": 1, "day": 31}, "day"),
        ({"calendar": "lunar", "month": 12, "day": 30, "year": 2026}, "day"),
        ({"calendar": "lunar", "month": 6, "day": 1, "year": 2026, "is_leap_month": True}, "is_leap_month"),
        ({"calendar": "lunar", "month": 6, "day": 30, "year": 2025, "is_leap_month": True}, "day"),
    ],
)
def test_impossible_dates_name_the_field(facts: dict[str, Any], field: str) -> None:
    with pytest.raises(ImpossibleDateError) as refused:
        YearlyDate(**facts)
    assert [error.field for error in refused.value.field_errors] == [field]


def test_words_in_both_languages() -> None:
    assert YearlyDate("lunar", 8, 15).words() == ("day 15 of lunar month 8", "农历八月十五")
    assert YearlyDate("lunar", 6, 1, 2025, True).words()[1] == "农历闰六月初一"
    assert YearlyDate("gregorian", 2, 14).words() == ("14 February", "2月14日")


def important(when: YearlyDate, look_on: date) -> ImportantDate:
    from datetime import UTC, datetime

    at = datetime(2026, 1, 1, tzinfo=UTC)
    return ImportantDate(new_id(), new_id(), None, "birthday", None, when, look_on, at)


def test_looks_are_a_lead_before_each_occurrence_and_miss_none() -> None:
    when = YearlyDate("gregorian", 5, 1)
    assert first_look(when, date(2026, 3, 2), 7) == date(2026, 4, 24)
    assert first_look(when, date(2026, 4, 28), 7) == date(2026, 4, 28)
    assert important(when, date(2026, 4, 24)).announced == date(2026, 5, 1)
    assert important(when, date(2026, 4, 24)).look_after(date(2026, 4, 24), 7) == date(2027, 4, 24)
    # A loop that was away for a year announces the coming occurrence, not the one that has passed.
    assert important(when, date(2026, 4, 24)).look_after(date(2027, 4, 29), 7) == date(2027, 4, 29)
