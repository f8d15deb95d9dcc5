"""Meters: how far a clock moves between two instants while it runs, and when it gets somewhere.

Every unit is a measure on time. Business and elapsed time grow evenly, in microseconds. Days jump by one when
an open date closes (business days) or a local date ends (calendar days), dates after that of receipt only. So
a pause shifts what is left in the clock's own unit: a day counts unless the clock stood still when it ended.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from services.sla.domain.calendars import (
    BusinessTimeline,
    CalendarHasNoOpenTimeError,
    CalendarYearOutOfRangeError,
)
from services.sla.domain.units import Measure, Unit

_MICROSECOND = timedelta(microseconds=1)
_OUT_OF_REACH = (CalendarHasNoOpenTimeError, CalendarYearOutOfRangeError, OverflowError)


class UnmeasurableError(Exception):
    """A unit that needs a calendar was given none."""


class Meter(Protocol):
    """Of one clock: positions are microseconds or whole days."""

    def measure(self, start: datetime, end: datetime) -> int:
        """Positions passed in [start, end)."""

    def reach(self, start: datetime, positions: int) -> datetime | None:
        """The earliest instant, from `start` on, with that many positions passed; None when never."""

    def within(self, start: datetime, end: datetime) -> int:
        """The most positions that are reached from `start` on by `end`, included."""


class ElapsedMeter:
    """Time as it passes."""

    def measure(self, start: datetime, end: datetime) -> int:
        return (end - start) // _MICROSECOND

    def reach(self, start: datetime, positions: int) -> datetime | None:
        try:
            return start + timedelta(microseconds=positions)
        except OverflowError:
            return None

    def within(self, start: datetime, end: datetime) -> int:
        return self.measure(start, end)


class BusinessMeter:
    """Open time of a calendar version. What lies outside the calendar's years counts for nothing."""

    def __init__(self, timeline: BusinessTimeline) -> None:
        self._timeline = timeline

    def measure(self, start: datetime, end: datetime) -> int:
        try:
            return self._timeline.elapsed_microseconds(start, end)
        except _OUT_OF_REACH:
            return 0

    def reach(self, start: datetime, positions: int) -> datetime | None:
        try:
            return self._timeline.due_microseconds(start, positions)
        except _OUT_OF_REACH:
            return None

    def within(self, start: datetime, end: datetime) -> int:
        return self.measure(start, end)


class DayMeter:
    """Days that end one after another; `nth_end(n)` is when the nth date after receipt ends."""

    def __init__(self, nth_end: Callable[[int], datetime], days_until: Callable[[datetime], int]) -> None:
        self._nth_end = nth_end
        self._ends: dict[int, datetime | None] = {}
        self._days_until = days_until

    def measure(self, start: datetime, end: datetime) -> int:
        return self._ended_before(end) - self._ended_before(start)

    def reach(self, start: datetime, positions: int) -> datetime | None:
        if positions <= 0:
            return start
        return self._end_of(self._ended_before(start) + positions)

    def within(self, start: datetime, end: datetime) -> int:
        return self._ended_before(end + _MICROSECOND) - self._ended_before(start)

    def _ended_before(self, at: datetime) -> int:
        """How many dates after receipt ended before `at`, by halving: ends are in order."""
        low, high = 0, max(self._days_until(at), 0) + 1
        while low < high:
            middle = (low + high) // 2
            end = self._end_of(middle + 1)
            if end is not None and end < at:
                low = middle + 1
            else:
                high = middle
        return low

    def _end_of(self, nth: int) -> datetime | None:
        if nth not in self._ends:
            try:
                self._ends[nth] = self._nth_end(nth)
            except _OUT_OF_REACH:
                self._ends[nth] = None
        return self._ends[nth]


def meter_of(unit: Unit, timeline: BusinessTimeline | None, received_at: datetime) -> Meter:
    """The meter of a clock that was received then. Raises `UnmeasurableError` without a needed calendar."""
    if unit.measure is Measure.ELAPSED_TIME:
        return ElapsedMeter()
    if timeline is None:
        raise UnmeasurableError(f"{unit} needs a calendar")
    if unit.measure is Measure.BUSINESS_TIME:
        return BusinessMeter(timeline)
    ends = timeline.end_of_nth_open_date if unit.measure is Measure.BUSINESS_DAYS else timeline.end_of_date
    try:
        received_on = timeline.local_date(received_at)
    except CalendarYearOutOfRangeError:
        return DayMeter(lambda nth: ends(received_at, nth), lambda at: 0)

    def days_until(at: datetime) -> int:
        try:
            return (timeline.local_date(at) - received_on).days
        except CalendarYearOutOfRangeError:
            return 0

    return DayMeter(lambda nth: ends(received_at, nth), days_until)
