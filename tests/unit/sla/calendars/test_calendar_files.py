"""What is written to a calendar file is read from it again."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import icalendar
from hypothesis import given, settings
from hypothesis import strategies as st

from services.sla.api.calendar_files import SkippedReason, read_calendar_file, write_calendar_file
from services.sla.domain.calendars import CalendarSpecification, close_days, materialise

YEARS = range(2025, 2027)
WRITTEN_AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
PLACES = [
    ("Asia/Shanghai", "CN"),
    ("Europe/Berlin", "DE"),
    ("America/Sao_Paulo", "BR"),
    ("Pacific/Apia", None),
]
WEEKLY = {"mon": [["09:00", "17:00"]], "fri": [["22:00", "06:00"]]}
DATES = st.dates(date(2024, 12, 30), date(2027, 1, 2)).map(date.isoformat)
WINDOWS = st.sampled_from([[], [["09:00", "12:00"]], [["08:00", "09:00"], ["22:00", "03:00"]]])


def write(form: dict[str, Any], name: str = 'Büro, 上海; \\ "x"') -> tuple[bytes, Any]:
    resolved = materialise(CalendarSpecification.parse(form), YEARS)
    return write_calendar_file(resolved, name=name, unique="c.careloop", written_at=WRITTEN_AT), resolved


@settings(max_examples=25, deadline=None, database=None, derandomize=True)
@given(st.sampled_from(PLACES), st.dictionaries(DATES, WINDOWS, max_size=8), st.booleans())
def test_closed_days_survive_the_round_trip(
    place: tuple[str, str | None], exceptions: dict[str, Any], makeup_workdays: bool
) -> None:
    zone, country = place
    holidays = {"country": country, "makeup_workdays": makeup_workdays} if country else None
    content, resolved = write(
        {"timezone": zone, "weekly": WEEKLY, "holidays": holidays, "exceptions": exceptions}
    )
    expected = {
        on
        for on in resolved.holidays
        if on not in resolved.makeup_workdays and on.isoformat() not in exceptions
    } | {date.fromisoformat(on) for on, windows in exceptions.items() if not windows}
    expected = {on for on in expected if on.year in YEARS}
    read = read_calendar_file(content)
    assert {on for one in read.days for on in one.dates(date(2020, 1, 1), date(2030, 1, 1))} == expected
    assert {one.reason for one in read.skipped} <= {SkippedReason.TIMED}, "only the times that are open"
    if expected:
        bare = CalendarSpecification.parse({"timezone": zone, "weekly": WEEKLY})
        closed, done = close_days(bare, read.days, YEARS)
        assert set(closed.exceptions) == set(done.closed) == expected
        assert not any(closed.exceptions.values())


def test_open_exceptions_and_make_up_workdays_are_written_as_the_times_they_open() -> None:
    content, _ = write(
        {
            "timezone": "Asia/Shanghai",
            "weekly": WEEKLY,
            "holidays": {"country": "CN"},
            "exceptions": {"2026-03-07": [["10:00", "12:00"], ["22:00", "02:00"]]},
        }
    )
    events = icalendar.Calendar.from_ical(content).walk("VEVENT")
    timed = [event for event in events if isinstance(event["DTSTART"].dt, datetime)]
    opened = {(str(e["SUMMARY"]), e["DTSTART"].dt, e["DTEND"].dt) for e in timed}
    at = datetime(2026, 3, 7, 2, tzinfo=UTC)
    assert ("Open", at, at + timedelta(hours=2)) in opened
    assert ("Open", at + timedelta(hours=12), at + timedelta(hours=16)) in opened
    # 28 February 2026, a Saturday, is worked for Monday the 23rd.
    worked = datetime(2026, 2, 28, 1, tzinfo=UTC)
    assert ("Open: make-up workday for 2026-02-23", worked, worked + timedelta(hours=8)) in opened
    assert all(event["UID"] and event["DTSTAMP"].dt == WRITTEN_AT for event in events)
    assert len({event["UID"] for event in events}) == len(events)


def test_the_same_version_gives_the_same_bytes() -> None:
    form = {"timezone": "Europe/Berlin", "weekly": WEEKLY, "holidays": {"country": "DE", "subdivision": "BY"}}
    assert write(form)[0] == write(form)[0]


def test_a_holiday_that_google_and_apple_mark_as_free_time_closes_all_the_same() -> None:
    content = (
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Google Inc//Google Calendar 70.9054//EN\r\n"
        b"BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260525\r\nDTEND;VALUE=DATE:20260526\r\nUID:a@google.com\r\n"
        b"DTSTAMP:20260101T000000Z\r\nSTATUS:CONFIRMED\r\nSUMMARY:Whit Monday\r\nTRANSP:TRANSPARENT\r\n"
        b"BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    (day,) = read_calendar_file(content).days
    assert day.dates(date(2026, 1, 1), date(2026, 12, 31)) == {date(2026, 5, 25)}
