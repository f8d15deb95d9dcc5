"""Recurring whole days: tables by hand, and the rules of dateutil as a second opinion."""

from datetime import date, datetime, timedelta

import pytest
from dateutil import rrule
from hypothesis import given, settings
from hypothesis import strategies as st

from services.sla.domain.calendars.recurrence import Frequency, OrdinalWeekday, Recurrence, WholeDays

LAST = date(2029, 12, 31)
MO, TH, FR, SU = 0, 3, 4, 6


def yearly(**rule: object) -> Recurrence:
    return Recurrence(Frequency.YEARLY, **rule)  # type: ignore[arg-type]


TABLE: dict[str, tuple[Recurrence, str, list[str]]] = {
    "the same date each year": (
        yearly(until=date(2028, 12, 24)),
        "2026-12-24",
        ["2026-12-24", "2027-12-24", "2028-12-24"],
    ),
    "29 February where there is one": (yearly(), "2024-02-29", ["2024-02-29", "2028-02-29"]),
    "the fourth Thursday of November": (
        yearly(months=frozenset({11}), weekdays=frozenset({OrdinalWeekday(4, TH)}), count=3),
        "2026-11-26",
        ["2026-11-26", "2027-11-25", "2028-11-23"],
    ),
    "the last Monday of May": (
        yearly(months=frozenset({5}), weekdays=frozenset({OrdinalWeekday(-1, MO)}), count=2),
        "2026-05-25",
        ["2026-05-25", "2027-05-31"],
    ),
    "the first Friday of the year": (
        yearly(weekdays=frozenset({OrdinalWeekday(1, FR)}), count=2),
        "2026-01-02",
        ["2026-01-02", "2027-01-01"],
    ),
    "the last day of every second month": (
        Recurrence(Frequency.MONTHLY, interval=2, month_days=frozenset({-1}), count=3),
        "2026-01-31",
        ["2026-01-31", "2026-03-31", "2026-05-31"],
    ),
    "the 31st, where there is one": (
        Recurrence(Frequency.MONTHLY, count=3),
        "2026-01-31",
        ["2026-01-31", "2026-03-31", "2026-05-31"],
    ),
    "every second Sunday": (
        Recurrence(Frequency.WEEKLY, interval=2, count=3),
        "2026-03-01",
        ["2026-03-01", "2026-03-15", "2026-03-29"],
    ),
    "Friday the thirteenth": (
        Recurrence(
            Frequency.DAILY,
            month_days=frozenset({13}),
            weekdays=frozenset({OrdinalWeekday(0, FR)}),
            count=3,
        ),
        "2026-02-13",
        ["2026-02-13", "2026-03-13", "2026-11-13"],
    ),
    "every Monday of March and its last Friday": (
        Recurrence(
            Frequency.YEARLY,
            months=frozenset({3}),
            weekdays=frozenset({OrdinalWeekday(0, MO), OrdinalWeekday(-1, FR)}),
            count=7,
        ),
        "2026-03-02",
        ["2026-03-02", "2026-03-09", "2026-03-16", "2026-03-23", "2026-03-27", "2026-03-30", "2027-03-01"],
    ),
    "a rule that names no day is over": (
        Recurrence(Frequency.DAILY, months=frozenset({2}), month_days=frozenset({30})),
        "2026-02-01",
        ["2026-02-01"],
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_days_come_again_as_the_rule_says(name: str) -> None:
    rule, first, expected = TABLE[name]
    assert [on.isoformat() for on in rule.dates(date.fromisoformat(first), LAST)] == expected


def test_each_occurrence_takes_all_its_days_and_only_those_asked_for() -> None:
    bridge = WholeDays(
        date(2024, 12, 30),
        days=5,
        recurrence=yearly(),
        left_out=frozenset({date(2025, 12, 30)}),
        added=frozenset({date(2026, 5, 1)}),
    )
    taken = bridge.dates(date(2025, 1, 1), date(2026, 12, 31))
    assert sorted(on.isoformat() for on in taken) == [
        *("2025-01-01", "2025-01-02", "2025-01-03"),
        *("2026-05-01", "2026-05-02", "2026-05-03", "2026-05-04", "2026-05-05"),
        *("2026-12-30", "2026-12-31"),
    ]


WEEKDAYS = st.integers(0, 6)
MONTHS = st.frozensets(st.integers(1, 12), max_size=3)
MONTH_DAYS = st.frozensets(st.integers(1, 31) | st.integers(-31, -1), max_size=3)


@st.composite
def rules(draw: st.DrawFn) -> Recurrence:
    frequency = draw(st.sampled_from(list(Frequency)))
    months = draw(MONTHS)
    month_days = frozenset() if frequency is Frequency.WEEKLY else draw(MONTH_DAYS)
    bounded = frequency in (Frequency.YEARLY, Frequency.MONTHLY) and not month_days
    # All counted or none: of a mixture dateutil takes only days that are both, RFC 5545 those that are either.
    counted = bounded and draw(st.booleans())
    ordinals = st.integers(-5, 5).filter(bool) if counted else st.just(0)
    return Recurrence(
        frequency,
        interval=draw(st.integers(1, 4)),
        months=months,
        month_days=month_days,
        weekdays=draw(st.frozensets(st.builds(OrdinalWeekday, ordinals, WEEKDAYS), max_size=3)),
        week_start=draw(WEEKDAYS),
    )


@settings(max_examples=150, deadline=None, database=None)
@given(rules(), st.dates(date(2020, 1, 1), date(2024, 12, 31)), st.none() | st.integers(1, 30))
def test_rules_name_the_days_that_dateutil_names(rule: Recurrence, first: date, count: int | None) -> None:
    last = first + timedelta(days=1500)
    frequencies = {
        Frequency.YEARLY: rrule.YEARLY,
        Frequency.MONTHLY: rrule.MONTHLY,
        Frequency.WEEKLY: rrule.WEEKLY,
        Frequency.DAILY: rrule.DAILY,
    }
    reference = rrule.rrule(
        frequencies[rule.frequency],
        dtstart=datetime(first.year, first.month, first.day),
        interval=rule.interval,
        wkst=rule.week_start,
        bymonth=sorted(rule.months) or None,
        bymonthday=sorted(rule.month_days) or None,
        byweekday=[rrule.weekday(one.weekday, one.ordinal or None) for one in rule.weekdays] or None,
        until=datetime(last.year, last.month, last.day),
    )
    expected = [at.date() for at in reference]
    # The first one is an occurrence by itself (RFC 5545, 3.8.5.3); dateutil asks the rule.
    expected = [first, *(on for on in expected if on > first)]
    assert list(rule.dates(first, last)) == expected
    counted = Recurrence(**{name: getattr(rule, name) for name in rule.__slots__} | {"count": count})
    assert list(counted.dates(first, last)) == expected[:count]
