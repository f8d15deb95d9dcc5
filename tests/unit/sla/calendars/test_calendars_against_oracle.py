"""Business time against a slow oracle written apart: it reads the wall clock of every single minute.

The same examples every time; `CARELOOP_TEST_DEPTH=20` asks for twenty times as many, new ones each time.
"""

import os
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.sla.domain.calendars import (
    BusinessTimeline,
    CalendarSpecification,
    LiveCalendar,
    ResolvedCalendar,
    materialise,
)

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTE = timedelta(minutes=1)
LONGEST_WALK_MINUTES = 2 * 24 * 60
DEPTH = int(os.environ.get("CARELOOP_TEST_DEPTH", "1"))
OFTEN = 40
"""Questions after which a timeline holds a year in whatever form it keeps for years that are asked often."""


def bounded(examples: int) -> settings:
    return settings(
        max_examples=examples * DEPTH,
        derandomize=DEPTH == 1,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )


# Around these local dates each zone does something that calendars get wrong.
PLACES: dict[str, tuple[str | None, list[str]]] = {
    "Europe/Berlin": ("DE", ["2026-03-29", "2026-10-25", "2025-12-25", "2026-12-31"]),
    "America/Sao_Paulo": ("BR", ["2018-02-17", "2018-11-04", "2017-10-15", "2026-01-01"]),
    "Asia/Tehran": ("IR", ["2022-03-21", "2022-09-21", "2021-03-22", "2026-03-21"]),
    "Australia/Sydney": ("AU", ["2026-04-05", "2026-10-04", "2026-01-26"]),
    "Australia/Lord_Howe": ("AU", ["2026-04-05", "2026-10-04", "2025-12-31"]),
    "Asia/Kathmandu": (None, ["1985-12-31", "2026-03-29"]),
    "Asia/Shanghai": (
        "CN",
        ["2024-12-31", "2026-02-14", "2026-02-28", "2026-10-10", "2006-12-31", "1988-04-17"],
    ),
    "Pacific/Apia": ("WS", ["2011-12-30", "2012-04-01", "2011-09-24"]),
    "UTC": (None, ["2026-02-28", "2028-02-29", "2026-12-31"]),
}


class Oracle:
    """Open or not, minute by minute, straight from the JSON form."""

    def __init__(self, form: dict[str, Any]) -> None:
        self.form = form
        self.zone = ZoneInfo(form["timezone"])

    @lru_cache(maxsize=64)  # noqa: B019 - lives as long as its example
    def windows(self, on: date) -> list[tuple[datetime, datetime]]:
        """On the local clock, as naive times."""
        texts = self.form["weekly"].get(DAYS[on.weekday()], [])
        source = self.form["holidays"]
        if source is not None:
            known = country(source["country"])
            if on in known:
                texts = []
            for day_off, name in known.items():
                if source["makeup_workdays"] and name == f"Day off (substituted from {on:%m/%d/%Y})":
                    texts = self.form["weekly"].get(DAYS[day_off.weekday()], [])
        texts = self.form["exceptions"].get(on.isoformat(), texts)
        midnight = datetime(on.year, on.month, on.day)
        windows = []
        for opens, closes in texts:
            start, end = (
                midnight + timedelta(hours=int(text[:2]), minutes=int(text[3:])) for text in (opens, closes)
            )
            windows.append((start, end if end > start else end + timedelta(days=1)))
        return windows

    def is_open(self, at: datetime) -> bool:
        wall = at.astimezone(self.zone).replace(tzinfo=None)
        today = wall.date()
        return any(
            start <= wall < end
            for on in (today - timedelta(days=1), today)
            for start, end in self.windows(on)
        )

    def open_minutes(self, start: datetime, end: datetime) -> Iterator[datetime]:
        while start < end:
            if self.is_open(start):
                yield start
            start += MINUTE


@lru_cache(maxsize=16)
def country(code: str) -> dict[date, str]:
    return dict(
        holidays.country_holidays(code, years=(1985, 1986, 1988, *range(2005, 2030)), language="en_US")
    )


@st.composite
def windows_of_a_day(draw: st.DrawFn) -> list[list[str]]:
    kind = draw(st.sampled_from(["office", "none", "whole", "random", "night"]))
    if kind == "office":
        return [["09:00", "12:00"], ["13:30", "18:00"]]
    if kind == "none":
        return []
    if kind == "whole":
        return [["00:00", "24:00"]]
    edges = sorted(draw(st.sets(st.integers(1, 24 * 60 - 1), min_size=2, max_size=6)))
    pairs = [[clock(a), clock(b)] for a, b in zip(edges[::2], edges[1::2], strict=False)]
    if kind == "night":
        pairs[-1][1] = clock(draw(st.integers(0, edges[0] - 1)))
    return pairs


def clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


@st.composite
def questions(draw: st.DrawFn, zone: str) -> tuple[dict[str, Any], datetime, datetime]:
    """A calendar and two whole minutes near a day on which the zone or its country is peculiar."""
    code, peculiar = PLACES[zone]
    on = date.fromisoformat(draw(st.sampled_from(peculiar)))
    near = st.integers(-2, 2).map(lambda days: (on + timedelta(days=days)).isoformat())
    form = {
        "timezone": zone,
        "weekly": draw(st.fixed_dictionaries({}, optional=dict.fromkeys(DAYS, windows_of_a_day()))),
        "holidays": draw(
            st.none() | st.fixed_dictionaries({"country": st.just(code), "makeup_workdays": st.booleans()})
        )
        if code
        else None,
        "exceptions": draw(st.dictionaries(near, windows_of_a_day(), max_size=2)),
    }
    midday = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
    start = midday + MINUTE * draw(st.integers(-36 * 60, 24 * 60))
    return form, start, start + MINUTE * draw(st.integers(0, LONGEST_WALK_MINUTES))


def live(form: dict[str, Any]) -> BusinessTimeline:
    return BusinessTimeline(LiveCalendar(CalendarSpecification.parse(form)))


@pytest.mark.parametrize("zone", PLACES)
def test_business_time_is_what_the_wall_clock_of_every_minute_says(zone: str) -> None:
    @bounded(12)
    @given(questions(zone), st.randoms(use_true_random=False))
    def check(question: tuple[dict[str, Any], datetime, datetime], chance: random.Random) -> None:
        form, start, end = question
        oracle = Oracle(form)
        minutes = list(oracle.open_minutes(start, end))
        timeline = live(form)

        assert timeline.elapsed(start, end) == 60 * len(minutes)
        assert timeline.elapsed(end, start) == -60 * len(minutes)
        assert timeline.is_open(start) == oracle.is_open(start)
        assert sum((b - a for a, b in timeline.open_intervals(start, end)), timedelta()) == MINUTE * len(
            minutes
        )
        explained = timeline.explain(start, end)
        assert sum((e.end_at - e.start_at for e in explained if e.is_open), timedelta()) == MINUTE * len(
            minutes
        )
        assert [e.start_at for e in explained] == [start, *(e.end_at for e in explained)][: len(explained)]
        assert not explained or explained[-1].end_at == end
        if minutes:
            nth = chance.randrange(len(minutes))
            assert timeline.due(start, 60 * (nth + 1)) == minutes[nth] + MINUTE
            assert timeline.due(end, -60 * (nth + 1)) == minutes[-nth - 1]
            assert timeline.due(start, 60 * nth + 59.5) == minutes[nth] + timedelta(seconds=59.5)
            assert timeline.next_open(start) == minutes[0]
        due = timeline.due(start, 60 * len(minutes))
        assert due <= end
        assert timeline.elapsed(due, end) == 0, "no open time lies behind the earliest instant"

    check()


# Windows that the changes of a zone cut: the whole day, an office day, a night that begins the day before.
SHIFTS = (
    [["00:00", "24:00"]],
    [["08:30", "12:00"], ["12:30", "17:00"]],
    [["01:30", "02:15"], ["22:00", "03:00"]],
)


@pytest.mark.parametrize("zone", PLACES)
def test_each_peculiar_day_of_each_zone_is_what_its_minutes_say(zone: str) -> None:
    for peculiar in PLACES[zone][1]:
        for windows in SHIFTS:
            form = {
                "timezone": zone,
                "weekly": dict.fromkeys(DAYS, windows),
                "holidays": None,
                "exceptions": {},
            }
            on = date.fromisoformat(peculiar)
            start = datetime(on.year, on.month, on.day, tzinfo=UTC) - timedelta(hours=14)
            end = start + timedelta(hours=40)
            minutes = list(Oracle(form).open_minutes(start, end))
            timeline = live(form)
            for asked in ("first", "often"):
                assert timeline.elapsed(start, end) == 60 * len(minutes), (peculiar, windows, asked)
                for nth in range(0, len(minutes), 97):
                    assert timeline.due(start, 60 * (nth + 1)) == minutes[nth] + MINUTE, (peculiar, nth)
                    assert timeline.due(end, -60 * (nth + 1)) == minutes[-nth - 1], (peculiar, nth)
                for _ in range(OFTEN):
                    timeline.elapsed(start, end)


OFFICES = st.sampled_from(
    [
        {
            "timezone": zone,
            "weekly": {day: [["08:15", "12:00"], ["13:00", "17:45"]] for day in DAYS[:6]}
            | {"sun": [["22:00", "03:00"]]},
            "holidays": {"country": code} if code else None,
            "exceptions": {"2026-12-31": []},
        }
        for zone, (code, _) in PLACES.items()
    ]
)
INSTANTS = st.datetimes(datetime(2005, 1, 1), datetime(2029, 12, 31), timezones=st.just(UTC))
MICROSECONDS = st.integers(-200 * 3600 * 10**6, 200 * 3600 * 10**6)
_kept: dict[str, BusinessTimeline] = {}


def kept(form: dict[str, Any]) -> BusinessTimeline:
    """Warmed by whatever was asked before, on purpose."""
    if form["timezone"] not in _kept:
        _kept[form["timezone"]] = live(form)
    return _kept[form["timezone"]]


@bounded(40)
@given(OFFICES, INSTANTS, MICROSECONDS)
def test_due_and_elapsed_are_inverse_to_the_microsecond(
    form: dict[str, Any], start: datetime, length: int
) -> None:
    timeline = kept(form)
    due = timeline.due_microseconds(start, length)
    assert timeline.elapsed_microseconds(start, due) == length
    if length:
        # The nearest such instant: a microsecond nearer to the start, less has elapsed.
        nearer = due - timedelta(microseconds=1 if length > 0 else -1)
        assert abs(timeline.elapsed_microseconds(start, nearer)) == abs(length) - 1


@bounded(40)
@given(OFFICES, INSTANTS, MICROSECONDS, MICROSECONDS)
def test_lengths_add_up_and_due_dates_keep_their_order(
    form: dict[str, Any], start: datetime, one: int, other: int
) -> None:
    timeline = kept(form)
    first, second = sorted((one, other))
    assert timeline.due_microseconds(start, first) <= timeline.due_microseconds(start, second)
    one, other = abs(one), abs(other)
    step = timeline.due_microseconds(start, one)
    assert timeline.due_microseconds(step, other) == timeline.due_microseconds(start, one + other)


@bounded(30)
@given(
    OFFICES,
    st.lists(st.tuples(INSTANTS, MICROSECONDS), min_size=2, max_size=4),
    st.randoms(use_true_random=False),
)
def test_answers_depend_neither_on_what_was_asked_before_nor_on_how_the_dates_are_held(
    form: dict[str, Any], asked: list[tuple[datetime, int]], chance: random.Random
) -> None:
    expected = {question: kept(form).due_microseconds(*question) for question in asked}
    fresh, stored = live(form), BusinessTimeline(stored_version(form))
    chance.shuffle(asked)
    for question in asked:
        assert fresh.due_microseconds(*question) == expected[question]
        assert stored.due_microseconds(*question) == expected[question]


@bounded(20)
@given(OFFICES, INSTANTS, st.lists(MICROSECONDS, min_size=1, max_size=8), st.integers(1, 10**6))
def test_a_year_that_is_asked_often_answers_as_it_did_the_first_time(
    form: dict[str, Any], start: datetime, lengths: list[int], seconds: int
) -> None:
    cold = [live(form).due_microseconds(start, length) for length in lengths]
    passed = [live(form).elapsed_microseconds(start, due) for due in cold]
    fresh = live(form)
    whole, measured = fresh.due(start, seconds), fresh.elapsed(start, start + timedelta(seconds=seconds))
    timeline = live(form)
    for year in (start.year - 1, start.year, start.year + 1):
        for hours in range(OFTEN):
            timeline.due(datetime(year, 6, 1, tzinfo=UTC), 3600 * (hours + 1))
    assert [timeline.due_microseconds(start, length) for length in lengths] == cold
    assert [timeline.elapsed_microseconds(start, due) for due in cold] == passed == lengths
    assert timeline.due(start, seconds) == whole
    assert timeline.elapsed(start, start + timedelta(seconds=seconds)) == measured


_stored: dict[str, ResolvedCalendar] = {}


def stored_version(form: dict[str, Any]) -> ResolvedCalendar:
    zone = form["timezone"]
    if zone not in _stored:
        resolved = materialise(CalendarSpecification.parse(form), range(2004, 2031))
        _stored[zone] = ResolvedCalendar.from_json(resolved.to_json())
    return _stored[zone]
