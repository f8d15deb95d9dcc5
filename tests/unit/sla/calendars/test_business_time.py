"""Each rule of business time as a table. Times are written on the calendar's own clock unless they end in Z."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.sla.domain.calendars import (
    FIRST_YEAR,
    LAST_YEAR,
    BusinessTimeline,
    CalendarHasNoOpenTimeError,
    CalendarSpecification,
    CalendarYearOutOfRangeError,
    InvalidQuestionError,
    LiveCalendar,
    materialise,
)

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OFFICE = {day: [["09:00", "17:00"]] for day in DAYS[:5]}
ALWAYS = {day: [["00:00", "24:00"]] for day in DAYS}
HOUR = 3600


def calendar(timezone: str = "UTC", weekly: Any = OFFICE, **more: Any) -> BusinessTimeline:
    specification = CalendarSpecification.parse({"timezone": timezone, "weekly": weekly, **more})
    return BusinessTimeline(LiveCalendar(specification))


def at(timeline: BusinessTimeline, text: str) -> datetime:
    if text.endswith("Z"):
        return datetime.fromisoformat(text)
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timeline.days.specification.timezone))


# 27 February 2026 is a Friday.
OFFICE_CASES = [
    ("the closing instant, not the next opening", "2026-02-27T16:00", HOUR, "2026-02-27T17:00"),
    ("one second more opens the next day", "2026-02-27T16:00", HOUR + 1, "2026-03-02T09:00:01"),
    ("zero is due at the start, closed", "2026-02-28T11:11", 0, "2026-02-28T11:11"),
    ("zero is due at the start, open", "2026-02-27T11:11", 0, "2026-02-27T11:11"),
    ("a closed start waits for the opening", "2026-02-28T11:11", HOUR, "2026-03-02T10:00"),
    ("the closing instant is closed", "2026-02-27T17:00", 1, "2026-03-02T09:00:01"),
    ("the opening instant is open", "2026-02-27T09:00", 1, "2026-02-27T09:00:01"),
    ("a whole week", "2026-02-27T16:00", 40 * HOUR, "2026-03-06T16:00"),
    ("back within the day", "2026-02-27T16:00", -HOUR, "2026-02-27T15:00"),
    ("back to the opening, not to the closing before it", "2026-03-02T10:00", -HOUR, "2026-03-02T09:00"),
    ("back over the weekend", "2026-03-02T10:00", -HOUR - 1, "2026-02-27T16:59:59"),
    ("back from closed time", "2026-03-01T10:00", -8 * HOUR, "2026-02-27T09:00"),
    ("over the new year", "2026-12-31T16:00", 2 * HOUR, "2027-01-01T10:00"),
    ("back over the new year", "2027-01-01T10:00", -2 * HOUR, "2026-12-31T16:00"),
    ("microseconds are kept", "2026-02-27T16:59:59.250001", 1, "2026-03-02T09:00:00.250001"),
    ("fractions count", "2026-02-27T16:00", 0.000001, "2026-02-27T16:00:00.000001"),
]


@pytest.mark.parametrize(
    ("start", "seconds", "due"), [case[1:] for case in OFFICE_CASES], ids=[c[0] for c in OFFICE_CASES]
)
def test_due_is_the_nearest_instant_with_the_time_elapsed(start: str, seconds: float, due: str) -> None:
    office = calendar()
    assert office.due(at(office, start), seconds) == at(office, due)
    assert office.elapsed(at(office, start), at(office, due)) == seconds
    assert office.elapsed(at(office, due), at(office, start)) == -seconds


def test_answers_are_in_utc_whatever_the_question_is_in() -> None:
    office = calendar("Asia/Tehran")
    for seconds in (0, HOUR, -HOUR):
        due = office.due(datetime(2026, 3, 2, 12, 0, tzinfo=ZoneInfo("America/Sao_Paulo")), seconds)
        assert due.tzinfo is UTC


def test_a_window_is_half_open_and_next_open_is_now_or_the_next_opening() -> None:
    office = calendar("Europe/Berlin")
    table = {
        "2026-02-27T08:59:59.999999": (False, "2026-02-27T09:00"),
        "2026-02-27T09:00": (True, "2026-02-27T09:00"),
        "2026-02-27T16:59:59.999999": (True, "2026-02-27T16:59:59.999999"),
        "2026-02-27T17:00": (False, "2026-03-02T09:00"),
        "2026-02-28T12:00": (False, "2026-03-02T09:00"),
    }
    for text, (is_open, next_open) in table.items():
        assert office.is_open(at(office, text)) is is_open
        assert office.next_open(at(office, text)) == at(office, next_open)


def test_several_windows_in_any_order_and_touching_ones_as_one() -> None:
    lunch = calendar(
        weekly={
            "mon": [["13:30", "18:00"], ["09:00", "12:00"], ["18:00", "24:00"]],
            "tue": [["00:00", "01:00"]],
        }
    )
    assert lunch.due(at(lunch, "2026-03-02T11:00"), 2 * HOUR) == at(lunch, "2026-03-02T14:30")
    intervals = list(lunch.open_intervals(at(lunch, "2026-03-01T00:00"), at(lunch, "2026-03-04T00:00")))
    assert intervals == [
        (at(lunch, "2026-03-02T09:00"), at(lunch, "2026-03-02T12:00")),
        (at(lunch, "2026-03-02T13:30"), at(lunch, "2026-03-03T01:00")),
    ]


def test_a_window_across_midnight_belongs_to_the_day_it_starts_on() -> None:
    nights = {"fri": [["22:00", "06:00"]], "sat": [["22:00", "06:00"]]}
    kept = calendar(weekly=nights)
    assert kept.is_open(at(kept, "2026-02-28T05:59"))
    assert not kept.is_open(at(kept, "2026-02-28T06:00"))
    assert not kept.is_open(at(kept, "2026-02-27T05:00")), "Thursday has no night"
    without_friday = calendar(weekly=nights, exceptions={"2026-02-27": []})
    assert not without_friday.is_open(at(without_friday, "2026-02-28T05:00")), (
        "lost with the Friday it began on"
    )
    without_saturday = calendar(weekly=nights, exceptions={"2026-02-28": []})
    assert without_saturday.is_open(at(without_saturday, "2026-02-28T05:00")), (
        "kept with the Friday it began on"
    )
    assert not without_saturday.is_open(at(without_saturday, "2026-02-28T23:00"))


def test_what_crosses_midnight_into_an_open_day_is_not_counted_twice() -> None:
    overlapping = calendar(
        weekly={
            "mon": [["20:00", "10:00"]],
            "tue": [["06:00", "07:00"], ["09:00", "12:00"], ["13:00", "14:00"]],
        }
    )
    start, end = at(overlapping, "2026-03-02T00:00"), at(overlapping, "2026-03-04T00:00")
    assert overlapping.elapsed(start, end) == 17 * HOUR
    assert overlapping.due(start, 16 * HOUR) == at(overlapping, "2026-03-03T12:00")


def test_a_night_over_new_year_is_one_stretch() -> None:
    nights = calendar(weekly={day: [["22:00", "06:00"]] for day in DAYS})
    start, end = at(nights, "2026-12-31T12:00"), at(nights, "2027-01-01T12:00")
    assert list(nights.open_intervals(start, end)) == [
        (at(nights, "2026-12-31T22:00"), at(nights, "2027-01-01T06:00"))
    ]


CLOCK_CHANGES = [
    # zone, a local window over the change, UTC day, real seconds open in it
    ("Europe/Berlin", "02:00", "03:00", "2026-03-29", 0),
    ("Europe/Berlin", "01:30", "03:30", "2026-03-29", HOUR),
    ("Europe/Berlin", "02:00", "03:00", "2026-10-25", 2 * HOUR),
    ("Europe/Berlin", "01:30", "02:30", "2026-10-25", 5400),
    ("Europe/Berlin", "00:00", "24:00", "2026-03-29", 23 * HOUR),
    ("Europe/Berlin", "00:00", "24:00", "2026-10-25", 25 * HOUR),
    ("America/Sao_Paulo", "00:00", "24:00", "2018-11-04", 23 * HOUR),
    ("America/Sao_Paulo", "00:00", "01:00", "2018-11-04", 0),
    ("America/Sao_Paulo", "23:00", "24:00", "2018-02-17", 2 * HOUR),
    ("Australia/Lord_Howe", "01:30", "02:00", "2026-04-05", HOUR),
    ("Australia/Lord_Howe", "02:00", "02:30", "2026-10-04", 0),
    ("Australia/Sydney", "02:00", "03:00", "2026-04-05", 2 * HOUR),
    ("Asia/Tehran", "00:00", "24:00", "2022-03-22", 23 * HOUR),
    ("Asia/Kathmandu", "00:00", "24:00", "2026-03-29", 24 * HOUR),
    ("Pacific/Apia", "00:00", "24:00", "2011-12-30", 0),
    ("Pacific/Apia", "00:00", "24:00", "2011-12-29", 24 * HOUR),
]


@pytest.mark.parametrize(("zone", "opens", "closes", "on", "seconds"), CLOCK_CHANGES)
def test_a_skipped_hour_contributes_nothing_and_a_repeated_one_twice(
    zone: str, opens: str, closes: str, on: str, seconds: int
) -> None:
    timeline = calendar(zone, weekly={}, exceptions={on: [[opens, closes]]})
    noon = datetime.fromisoformat(f"{on}T12:00Z")
    assert timeline.elapsed(noon - timedelta(days=3), noon + timedelta(days=3)) == seconds


def test_an_exception_outranks_a_make_up_workday_outranks_a_holiday_outranks_the_week() -> None:
    """China, 2026: 28 February (Saturday) is worked for Monday the 23rd; 17 February is a holiday."""
    weekly = {"mon": [["08:00", "12:00"]], "tue": [["09:00", "18:00"]], "sat": [["20:00", "21:00"]]}
    source = {"country": "CN", "subdivision": None, "makeup_workdays": True}
    before, after = "2026-02-28T00:00", "2026-03-01T00:00"

    def open_on(
        holidays: Any, exceptions: Any, start: str = before, end: str = after
    ) -> list[tuple[str, str]]:
        timeline = calendar("Asia/Shanghai", weekly, holidays=holidays, exceptions=exceptions)
        zone = ZoneInfo("Asia/Shanghai")
        return [
            (f"{i.start_at.astimezone(zone):%H:%M}", f"{i.end_at.astimezone(zone):%H:%M}")
            for i in timeline.open_intervals(at(timeline, start), at(timeline, end))
        ]

    assert open_on(None, None) == [("20:00", "21:00")]
    assert open_on(source, None) == [("08:00", "12:00")]
    assert open_on({"country": "CN"}, None) == [("08:00", "12:00")], "make-up workdays are the default"
    assert open_on(source | {"makeup_workdays": False}, None) == [("20:00", "21:00")]
    assert open_on(source, {"2026-02-28": [["10:00", "11:00"]]}) == [("10:00", "11:00")]
    assert open_on(source, {"2026-02-28": []}) == []
    tuesday = ("2026-02-17T00:00", "2026-02-18T00:00")
    assert open_on(None, None, *tuesday) == [("09:00", "18:00")]
    assert open_on(source, None, *tuesday) == []
    assert open_on(source, {"2026-02-17": [["10:00", "11:00"]]}, *tuesday) == [("10:00", "11:00")]


def test_a_make_up_workday_of_december_is_known_from_the_next_years_bridge_day() -> None:
    """31 December 2006 (Sunday) was worked for a day of January 2007."""
    office = calendar("Asia/Shanghai", holidays={"country": "CN"})
    assert office.is_open(at(office, "2006-12-31T12:00"))
    assert not calendar("Asia/Shanghai").is_open(at(office, "2006-12-31T12:00"))


def test_a_holiday_at_new_year_holds_on_the_local_date_not_on_the_utc_one() -> None:
    """Shanghai begins 1 January in the old UTC year; Sao Paulo ends 31 December in the new one."""
    for zone, country in (("Asia/Shanghai", "CN"), ("America/Sao_Paulo", "BR")):
        always = calendar(zone, ALWAYS, holidays={"country": country})
        start, end = at(always, "2024-12-31T12:00"), at(always, "2025-01-01T12:00")
        for timeline in (always, BusinessTimeline(materialise(always.days.specification, range(2024, 2026)))):
            assert list(timeline.open_intervals(start, end)) == [(start, at(always, "2025-01-01T00:00"))]


def test_a_subdivision_has_its_own_holidays() -> None:
    corpus_christi = "2026-06-04T12:00"
    bavaria = calendar("Europe/Berlin", holidays={"country": "DE", "subdivision": "BY"})
    germany = calendar("Europe/Berlin", holidays={"country": "DE"})
    assert not bavaria.is_open(at(bavaria, corpus_christi))
    assert germany.is_open(at(germany, corpus_christi))


BUSINESS_DAYS = [
    ("2026-03-02T16:30", 3, "2026-03-05T17:00"),
    ("2026-03-02T03:00", 1, "2026-03-03T17:00"),
    ("2026-03-02T22:00", 1, "2026-03-03T17:00"),
    ("2026-02-27T10:00", 1, "2026-03-02T17:00"),
    ("2026-02-28T10:00", 1, "2026-03-02T17:00"),
    ("2026-03-02T16:30", 0, "2026-03-02T16:30"),
    ("2026-03-05T17:00", -1, "2026-03-04T17:00"),
    ("2026-03-02T10:00", -1, "2026-02-27T17:00"),
    ("2026-12-31T10:00", 1, "2027-01-01T17:00"),
]


@pytest.mark.parametrize(("start", "dates", "due"), BUSINESS_DAYS)
def test_business_days_end_with_the_nth_open_date_after_receipt(start: str, dates: int, due: str) -> None:
    office = calendar("Europe/Berlin")
    assert office.end_of_nth_open_date(at(office, start), dates) == at(office, due)


def test_a_business_day_closes_when_its_last_window_does() -> None:
    nights = calendar(
        "Europe/Berlin", weekly={"sat": [["09:00", "12:00"], ["22:00", "06:00"]], "sun": [["02:00", "03:00"]]}
    )
    start = at(nights, "2026-03-27T12:00")
    assert nights.end_of_nth_open_date(start, 1) == at(nights, "2026-03-29T06:00")
    # On the 29th the clocks skip all of Sunday's window, so that date is not open.
    assert nights.end_of_nth_open_date(start, 2) == at(nights, "2026-04-05T06:00")


def test_calendar_days_end_with_the_local_date_open_or_not() -> None:
    berlin = calendar("Europe/Berlin")
    assert berlin.end_of_date(at(berlin, "2026-03-27T23:30"), 0) == at(berlin, "2026-03-28T00:00")
    assert berlin.end_of_date(at(berlin, "2026-03-27T00:30"), 7) == at(berlin, "2026-04-04T00:00")
    assert berlin.end_of_date(at(berlin, "2026-03-27T00:30"), -1) == at(berlin, "2026-03-27T00:00")
    sao_paulo = calendar("America/Sao_Paulo")
    start = at(sao_paulo, "2018-02-17T12:00")
    assert sao_paulo.end_of_date(start, 0) == datetime(2018, 2, 18, 3, tzinfo=UTC), "after 23:00 came twice"
    apia = calendar("Pacific/Apia")
    skipped = datetime(2011, 12, 30, 10, tzinfo=UTC)
    assert [apia.end_of_date(at(apia, "2011-12-29T12:00"), n) for n in (0, 1, 2)] == [
        skipped,
        skipped,
        skipped + timedelta(days=1),
    ]
    with pytest.raises(CalendarYearOutOfRangeError):
        berlin.end_of_date(at(berlin, "2026-03-27T00:30"), 10**9)


NEVER_OPEN = [
    {"weekly": {}},
    {"weekly": {"mon": []}, "exceptions": {"2026-03-02": []}},
    {"weekly": {}, "holidays": {"country": "CN"}},
]


@pytest.mark.parametrize("fields", NEVER_OPEN)
def test_a_calendar_without_open_time_says_so(fields: dict[str, Any]) -> None:
    closed = calendar(**fields)
    start = datetime(2026, 3, 2, tzinfo=UTC)
    for seconds in (1, -1, 10**18):
        with pytest.raises(CalendarHasNoOpenTimeError):
            closed.due(start, seconds)
    with pytest.raises(CalendarHasNoOpenTimeError):
        closed.next_open(start)
    for dates in (1, -1):
        with pytest.raises(CalendarHasNoOpenTimeError):
            closed.end_of_nth_open_date(start, dates)
    assert closed.due(start, 0) == start
    assert closed.elapsed(start, start + timedelta(days=1000)) == 0
    assert not closed.is_open(start)


def test_open_time_that_is_used_up_says_so() -> None:
    once = calendar(weekly={}, exceptions={"2030-05-01": [["09:00", "17:00"]]})
    early, late = datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)
    assert once.due(early, 8 * HOUR) == datetime(2030, 5, 1, 17, tzinfo=UTC)
    assert once.due(late, -8 * HOUR) == datetime(2030, 5, 1, 9, tzinfo=UTC)
    assert once.next_open(early) == datetime(2030, 5, 1, 9, tzinfo=UTC)
    for start, seconds in (
        (early, 8 * HOUR + 1),
        (late, -8 * HOUR - 1),
        (late, 1),
        (early, -1),
        (early, 10**18),
    ):
        with pytest.raises(CalendarHasNoOpenTimeError):
            once.due(start, seconds)


def test_years_of_closure_are_passed_over() -> None:
    first = date(2026, 3, 2)
    closed = {(first + timedelta(days=n)).isoformat(): [] for n in range(4 * 365)}
    office = calendar(exceptions=closed)
    assert office.due(at(office, "2026-02-27T16:00"), 2 * HOUR) == at(office, "2030-03-01T10:00")
    assert office.due(at(office, "2030-03-01T10:00"), -2 * HOUR) == at(office, "2026-02-27T16:00")


def test_what_lies_outside_the_covered_years_is_refused() -> None:
    office = calendar()
    inside = datetime(2026, 3, 2, tzinfo=UTC)
    for outside in (
        datetime(FIRST_YEAR - 1, 12, 31, tzinfo=UTC),
        datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC),
        datetime.min.replace(tzinfo=ZoneInfo("Asia/Tokyo")),
        datetime.max.replace(tzinfo=ZoneInfo("America/Lima")),
    ):
        for question in (
            lambda outside=outside: office.due(outside, 1),
            lambda outside=outside: office.elapsed(inside, outside),
            lambda outside=outside: office.elapsed(outside, inside),
            lambda outside=outside: office.is_open(outside),
            lambda outside=outside: office.next_open(outside),
            lambda outside=outside: office.explain(outside, inside),
        ):
            with pytest.raises(CalendarYearOutOfRangeError):
                question()
    for seconds in (10**12, -(10**12)):
        with pytest.raises(CalendarYearOutOfRangeError):
            office.due(inside, seconds)
    stored = BusinessTimeline(materialise(office.days.specification, range(2026, 2028)))
    with pytest.raises(CalendarYearOutOfRangeError):
        stored.due(inside, 3 * 2000 * HOUR)
    with pytest.raises(CalendarYearOutOfRangeError):
        stored.next_open(datetime(2028, 1, 1, tzinfo=UTC))
    with pytest.raises(CalendarYearOutOfRangeError):
        materialise(office.days.specification, range(FIRST_YEAR - 1, 2000))


def test_an_instant_needs_an_offset_and_a_length_an_end() -> None:
    office = calendar()
    with pytest.raises(TypeError):
        office.due(datetime(2026, 3, 2), 1)
    for seconds in (float("nan"), float("inf"), 1.7e308):
        with pytest.raises(InvalidQuestionError):
            office.due(datetime(2026, 3, 2, tzinfo=UTC), seconds)


def test_every_interval_is_explained() -> None:
    timeline = calendar(
        "Asia/Shanghai",
        OFFICE | {"fri": [["22:00", "06:00"]]},
        holidays={"country": "CN"},
        exceptions={"2026-02-24": [["10:00", "11:00"]], "2026-02-25": []},
    )
    zone = ZoneInfo("Asia/Shanghai")
    explained = timeline.explain(at(timeline, "2026-02-20T05:00"), at(timeline, "2026-03-01T00:00"))
    assert [
        (f"{e.start_at.astimezone(zone):%d %H:%M}", e.is_open, str(e.reason), e.name) for e in explained
    ] == [
        ("20 05:00", False, "holiday", "Day off (substituted from 02/14/2026)"),
        ("21 00:00", False, "weekend", None),
        ("23 00:00", False, "holiday", "Day off (substituted from 02/28/2026)"),
        ("24 00:00", False, "outside_hours", None),
        ("24 10:00", True, "exception", None),
        ("24 11:00", False, "outside_hours", None),
        ("25 00:00", False, "exception", None),
        ("26 00:00", False, "outside_hours", None),
        ("26 09:00", True, "business_hours", None),
        ("26 17:00", False, "outside_hours", None),
        ("27 22:00", True, "business_hours", None),
        ("28 06:00", False, "outside_hours", None),
        ("28 09:00", True, "makeup_workday", "2026-02-23"),
        ("28 17:00", False, "outside_hours", None),
    ]
