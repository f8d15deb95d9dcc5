"""Business calendars: what time counts (营业日历).

    specification = CalendarSpecification.parse({"timezone": "Asia/Shanghai", "weekly": {...}, ...})
    resolved = materialise(specification, range(2015, 2036))      # store resolved.to_json() with the version
    timeline = BusinessTimeline(resolved)                         # keep one a calendar version: it caches years
    timeline.due(start, 3600)

An instant is open when its wall-clock time lies in an open window (half-open). Business time is the
real seconds that are open: an hour that the clocks skip contributes nothing, one that they repeat
counts twice. Due dates are the earliest instants with the asked time elapsed.

`BusinessTimeline` also takes a `LiveCalendar(specification)`: resolved from the installed holiday and
time-zone data as questions come, for offline answers that need not be repeatable after an upgrade.
"""

from services.sla.domain.calendars.arithmetic import BusinessTimeline, OpenInterval
from services.sla.domain.calendars.closing import ClosedDays, close_days
from services.sla.domain.calendars.errors import (
    CalendarHasNoOpenTimeError,
    CalendarYearOutOfRangeError,
    InvalidCalendarError,
    InvalidCalendarFileError,
    InvalidQuestionError,
)
from services.sla.domain.calendars.explanation import ExplainedInterval, IntervalReason
from services.sla.domain.calendars.recurrence import Frequency, OrdinalWeekday, Recurrence, WholeDays
from services.sla.domain.calendars.resolution import (
    CalendarDays,
    DayKind,
    DayPlan,
    LiveCalendar,
    ResolvedCalendar,
    materialise,
)
from services.sla.domain.calendars.specification import (
    FIRST_YEAR,
    LAST_YEAR,
    MOST_EXCEPTIONS,
    WEEKDAYS,
    CalendarSpecification,
    HolidaySource,
)
from services.sla.domain.calendars.windows import Window

__all__ = [
    "FIRST_YEAR",
    "LAST_YEAR",
    "MOST_EXCEPTIONS",
    "WEEKDAYS",
    "BusinessTimeline",
    "CalendarDays",
    "CalendarHasNoOpenTimeError",
    "CalendarSpecification",
    "CalendarYearOutOfRangeError",
    "ClosedDays",
    "DayKind",
    "DayPlan",
    "ExplainedInterval",
    "Frequency",
    "HolidaySource",
    "IntervalReason",
    "InvalidCalendarError",
    "InvalidCalendarFileError",
    "InvalidQuestionError",
    "LiveCalendar",
    "OpenInterval",
    "OrdinalWeekday",
    "Recurrence",
    "ResolvedCalendar",
    "WholeDays",
    "Window",
    "close_days",
    "materialise",
]
