"""Closing days of a calendar that another calendar says are off."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.sla.domain.calendars.errors import InvalidCalendarFileError
from services.sla.domain.calendars.recurrence import WholeDays
from services.sla.domain.calendars.specification import MOST_EXCEPTIONS, CalendarSpecification

MOST_DAYS_LOOKED_AT = 1_000_000
"""A second or two of work: hundreds of holidays since 1900, or a dozen rules that go through every day."""


@dataclass(frozen=True, slots=True)
class ClosedDays:
    """`closed`: the dates that are closed now and were not closed by an exception before, in order; `replaced`:
    those of them whose exception had windows."""

    closed: tuple[date, ...]
    replaced: tuple[date, ...]


def close_days(
    specification: CalendarSpecification, days: Sequence[WholeDays], years: range
) -> tuple[CalendarSpecification, ClosedDays]:
    """The calendar with every date closed by exception that `days` take in these years.

    Raises InvalidCalendarFileError when that changes nothing, makes more than MOST_EXCEPTIONS exceptions, or
    the rules take too long to follow.
    """
    first, last = date(years[0], 1, 1), date(years[-1], 12, 31)
    if sum(one.days_looked_at(last) for one in days) > MOST_DAYS_LOOKED_AT:
        message = (
            f"The rules of the file take more than {MOST_DAYS_LOOKED_AT:,} days to follow up to {last.year}."
        )
        raise InvalidCalendarFileError.of("events", "too_many", message)
    taken = set[date]().union(*(one.dates(first, last) for one in days))
    known = specification.exceptions
    closed = tuple(sorted(on for on in taken if known.get(on) != ()))
    if not closed:
        message = (
            f"The file closes no date of the years {first.year} to {last.year} that is not closed already."
        )
        raise InvalidCalendarFileError.of("events", "closes_something", message)
    exceptions = {**known, **dict.fromkeys(closed, ())}
    if len(exceptions) > MOST_EXCEPTIONS:
        message = f"The calendar would have {len(exceptions):,} exceptions; it may have {MOST_EXCEPTIONS:,}."
        raise InvalidCalendarFileError.of("events", "too_many", message)
    replaced = tuple(on for on in closed if on in known)
    return replace(specification, exceptions=dict(sorted(exceptions.items()))), ClosedDays(closed, replaced)
