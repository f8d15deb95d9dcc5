"""The JSON forms: what is refused and how it is named, and what a stored version keeps."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.sla.domain.calendars import (
    BusinessTimeline,
    CalendarSpecification,
    InvalidCalendarError,
    LiveCalendar,
    ResolvedCalendar,
    materialise,
    public_data,
)

PINNED = {
    "timezone": "Asia/Shanghai",
    "weekly": {"mon": [["09:00", "12:00"], ["13:30", "18:00"]], "tue": [["09:00", "18:00"]]},
    "holidays": {"country": "CN", "subdivision": None, "makeup_workdays": True},
    "exceptions": {"2026-02-28": [["09:00", "18:00"]], "2026-12-31": []},
}

REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"timezone": None}, "timezone", "required"),
    ({"timezone": ""}, "timezone", "required"),
    ({"timezone": "Mars/Olympus"}, "timezone", "known_timezone"),
    ({"timezone": "../etc/passwd"}, "timezone", "known_timezone"),
    ({"timezone": "America"}, "timezone", "known_timezone"),
    ({"timezone": "localtime"}, "timezone", "known_timezone"),
    ({"timezone": "\0"}, "timezone", "known_timezone"),
    ({"weekly": None}, "weekly", "required"),
    ({"weekly": []}, "weekly", "object"),
    ({"weekly": {"monday": []}}, "weekly.monday", "unknown"),
    ({"weekly": {"mon": None}}, "weekly.mon", "list"),
    ({"weekly": {"mon": "09:00-17:00"}}, "weekly.mon", "list"),
    ({"weekly": {"mon": [["09:00"]]}}, "weekly.mon[0]", "window"),
    ({"weekly": {"mon": [["9:00", "17:00"]]}}, "weekly.mon[0][0]", "time"),
    ({"weekly": {"mon": [["09:00", "17:60"]]}}, "weekly.mon[0][1]", "time"),
    ({"weekly": {"mon": [["09:00", "24:01"]]}}, "weekly.mon[0][1]", "time"),
    ({"weekly": {"mon": [["09:00", 17]]}}, "weekly.mon[0][1]", "time"),
    ({"weekly": {"mon": [["09:00", "１７:00"]]}}, "weekly.mon[0][1]", "time"),
    ({"weekly": {"mon": [["24:00", "06:00"]]}}, "weekly.mon[0][0]", "time"),
    ({"weekly": {"mon": [["09:00", "09:00"]]}}, "weekly.mon[0]", "empty"),
    ({"weekly": {"mon": [["09:00", "12:00"], ["11:59", "13:00"]]}}, "weekly.mon[1]", "overlap"),
    ({"weekly": {"mon": [["22:00", "06:00"], ["23:00", "23:30"]]}}, "weekly.mon[1]", "overlap"),
    ({"holidays": "CN"}, "holidays", "object"),
    ({"holidays": {}}, "holidays.country", "required"),
    ({"holidays": {"country": ""}}, "holidays.country", "required"),
    ({"holidays": {"country": "XX"}}, "holidays.country", "known_country"),
    ({"holidays": {"country": "HolidayBase"}}, "holidays.country", "known_country"),
    ({"holidays": {"country": "DE", "subdivision": "XX"}}, "holidays.subdivision", "known_subdivision"),
    ({"holidays": {"country": "DE", "subdivision": 1}}, "holidays.subdivision", "text"),
    ({"holidays": {"country": "DE", "makeup_workdays": "no"}}, "holidays.makeup_workdays", "boolean"),
    ({"holidays": {"country": "DE", "state": "BY"}}, "holidays.state", "unknown"),
    ({"exceptions": []}, "exceptions", "object"),
    ({"exceptions": {"2026-02-30": []}}, "exceptions.2026-02-30", "date"),
    ({"exceptions": {"20260228": []}}, "exceptions.20260228", "date"),
    ({"exceptions": {"1666-01-01": []}}, "exceptions.1666-01-01", "year"),
    ({"exceptions": {"2026-02-28": None}}, "exceptions.2026-02-28", "list"),
    ({"holiday": None}, "holiday", "unknown"),
]


@pytest.mark.parametrize(
    ("change", "field", "rule"), REFUSED, ids=[f"{field} {rule}" for _, field, rule in REFUSED]
)
def test_what_is_wrong_is_named_by_field_and_rule(change: dict[str, Any], field: str, rule: str) -> None:
    with pytest.raises(InvalidCalendarError) as raised:
        CalendarSpecification.parse(PINNED | change)
    assert [(error.field, error.rule) for error in raised.value.field_errors] == [(field, rule)]
    assert field in raised.value.detail


def test_everything_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(InvalidCalendarError) as raised:
        CalendarSpecification.parse({"weekly": {"mon": [["x", "y"]]}, "exceptions": {"soon": []}})
    assert [error.field for error in raised.value.field_errors] == [
        "timezone",
        "weekly.mon[0][0]",
        "weekly.mon[0][1]",
        "exceptions.soon",
    ]


@pytest.mark.parametrize("value", [None, [], "x", 1])
def test_a_calendar_is_an_object(value: object) -> None:
    with pytest.raises(InvalidCalendarError):
        CalendarSpecification.parse(value)


def test_the_pinned_form_survives_a_round_trip() -> None:
    specification = CalendarSpecification.parse(PINNED)
    form = specification.to_json()
    assert CalendarSpecification.parse(json.loads(json.dumps(form))) == specification
    assert form["weekly"]["mon"] == PINNED["weekly"]["mon"]
    assert form["exceptions"] == PINNED["exceptions"]
    weekly = {"sat": [["22:00", "06:00"]], "sun": [["12:00", "24:00"]], "mon": [["12:00", "00:00"]]}
    nights = CalendarSpecification.parse({"timezone": "UTC", "weekly": weekly})
    assert CalendarSpecification.parse(nights.to_json()) == nights


def test_null_and_absent_are_the_same() -> None:
    plain = {"timezone": "UTC", "weekly": {"mon": [["09:00", "17:00"]]}}
    assert CalendarSpecification.parse(plain) == CalendarSpecification.parse(
        plain | {"holidays": None, "exceptions": None}
    )


def test_a_stored_version_answers_without_the_data_it_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    specification = CalendarSpecification.parse(PINNED)
    stored = json.dumps(materialise(specification, range(2025, 2029)).to_json())
    live = BusinessTimeline(LiveCalendar(specification))
    starts = [datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=37 * n) for n in range(600)]
    expected = [live.due(start, 4321) for start in starts]

    def gone(*_: object) -> None:
        raise AssertionError("the installed data were asked")

    for name in ("public_year", "offset_spans", "has_timezone", "has_country", "has_subdivision"):
        monkeypatch.setattr(public_data, name, gone)
    replayed = ResolvedCalendar.from_json(json.loads(stored))
    assert json.dumps(replayed.to_json()) == stored
    assert [BusinessTimeline(replayed).due(start, 4321) for start in starts] == expected
    assert replayed.holidays[date(2026, 2, 23)] == "Day off (substituted from 02/28/2026)"
    assert replayed.makeup_workdays[date(2026, 2, 28)] == date(2026, 2, 23)
    assert set(replayed.data_versions) == {"holidays", "tzdata"}
    assert all(replayed.data_versions.values())


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "Pacific/Apia", "Africa/Casablanca", "Australia/Lord_Howe"]
)
def test_a_stored_version_keeps_every_change_of_offset(zone: str) -> None:
    specification = CalendarSpecification.parse({"timezone": zone, "weekly": {"sun": [["00:00", "24:00"]]}})
    resolved = materialise(specification, range(2008, 2016))
    assert resolved == ResolvedCalendar.from_json(resolved.to_json())
    live, stored = BusinessTimeline(LiveCalendar(specification)), BusinessTimeline(resolved)
    for year in range(2008, 2016):
        start, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year, 12, 31, 23, 59, tzinfo=UTC)
        assert list(stored.open_intervals(start, end)) == list(live.open_intervals(start, end))
        assert stored.local_date(start) == live.local_date(start)


def test_holiday_names_do_not_follow_the_machines_language(monkeypatch: pytest.MonkeyPatch) -> None:
    specification = CalendarSpecification.parse(PINNED)
    expected = materialise(specification, range(2026, 2027))
    public_data.public_year.cache_clear()
    public_data._country_holidays.cache_clear()
    monkeypatch.setenv("LANGUAGE", "zh_CN")
    assert materialise(specification, range(2026, 2027)) == expected
    public_data.public_year.cache_clear()
    public_data._country_holidays.cache_clear()
