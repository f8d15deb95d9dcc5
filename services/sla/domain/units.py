"""Units of a target: what a duration is counted in, and the whole positions a clock moves by."""

from dataclasses import dataclass
from enum import StrEnum

MICROSECONDS = 1_000_000
_SECONDS_PER_MINUTE = 60
_SECONDS_PER_HOUR = 3_600
_DAYS_PER_WEEK = 7


class Measure(StrEnum):
    """What passes while a clock of a unit runs."""

    BUSINESS_TIME = "business_time"
    """Open seconds of the calendar."""
    ELAPSED_TIME = "elapsed_time"
    """Seconds, day and night."""
    BUSINESS_DAYS = "business_days"
    """Closings of open dates after the date of receipt."""
    CALENDAR_DAYS = "calendar_days"
    """Ends of local dates after the date of receipt."""


class Unit(StrEnum):
    """Units a target may be written in."""

    BUSINESS_SECONDS = "business_seconds"
    BUSINESS_MINUTES = "business_minutes"
    BUSINESS_HOURS = "business_hours"
    BUSINESS_DAYS = "business_days"
    ELAPSED_HOURS = "elapsed_hours"
    CALENDAR_DAYS = "calendar_days"
    CALENDAR_WEEKS = "calendar_weeks"

    @property
    def measure(self) -> Measure:
        return _TABLE[self][0]

    @property
    def counts_days(self) -> bool:
        """Whether positions are whole days; else they are microseconds."""
        return self.measure in (Measure.BUSINESS_DAYS, Measure.CALENDAR_DAYS)

    @property
    def needs_calendar(self) -> bool:
        return self.measure is not Measure.ELAPSED_TIME

    def position(self, amount: int) -> int:
        """`amount` of this unit in positions."""
        return amount * _TABLE[self][1]

    def amount(self, position: int) -> float:
        """A position in this unit, for people to read."""
        return position / _TABLE[self][1]


_TABLE: dict[Unit, tuple[Measure, int]] = {
    Unit.BUSINESS_SECONDS: (Measure.BUSINESS_TIME, MICROSECONDS),
    Unit.BUSINESS_MINUTES: (Measure.BUSINESS_TIME, _SECONDS_PER_MINUTE * MICROSECONDS),
    Unit.BUSINESS_HOURS: (Measure.BUSINESS_TIME, _SECONDS_PER_HOUR * MICROSECONDS),
    Unit.BUSINESS_DAYS: (Measure.BUSINESS_DAYS, 1),
    Unit.ELAPSED_HOURS: (Measure.ELAPSED_TIME, _SECONDS_PER_HOUR * MICROSECONDS),
    Unit.CALENDAR_DAYS: (Measure.CALENDAR_DAYS, 1),
    Unit.CALENDAR_WEEKS: (Measure.CALENDAR_DAYS, _DAYS_PER_WEEK),
}


@dataclass(frozen=True, slots=True)
class Duration:
    """A whole amount of a unit, e.g. 4 business hours."""

    amount: int
    unit: Unit

    @property
    def position(self) -> int:
        return self.unit.position(self.amount)

    def __str__(self) -> str:
        return f"{self.amount} {self.unit.replace('_', ' ')}"
