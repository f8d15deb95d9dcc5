"""Calendar files (iCalendar, RFC 5545): days off read from them, a calendar's special days written to them."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import icalendar

from services.sla.domain.calendars import (
    FIRST_YEAR,
    LAST_YEAR,
    DayKind,
    DayPlan,
    Frequency,
    InvalidCalendarFileError,
    OrdinalWeekday,
    Recurrence,
    ResolvedCalendar,
    WholeDays,
)
from shared.kernel.errors import FieldError

MEDIA_TYPE = "text/calendar"
MOST_BYTES = 1024 * 1024
MOST_EVENTS = 2_000
MOST_FAULTS = 50
LONGEST_DAYS = 366
PRODUCT = "-//careloop//sla//EN"
EXAMPLE_FILE = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//Holidays//EN\r\n"
    "BEGIN:VEVENT\r\nUID:founders-day@example.com\r\nDTSTAMP:20260101T000000Z\r\n"
    "DTSTART;VALUE=DATE:20260910\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:Founders' day\r\nEND:VEVENT\r\n"
    "END:VCALENDAR\r\n"
)

_ONE_DAY = timedelta(days=1)
_BYDAY = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_RULE_PARTS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "BYDAY", "WKST"}
_MOST_INTERVAL = 1_000


class SkippedReason(StrEnum):
    """Why an event closes nothing."""

    TIMED = "timed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class SkippedEvent:
    """`event` counts the file's events from 0."""

    event: int
    reason: SkippedReason


@dataclass(frozen=True, slots=True)
class CalendarFile:
    """What a file says about whole days."""

    days: tuple[WholeDays, ...]
    skipped: tuple[SkippedEvent, ...]


def read_calendar_file(content: bytes) -> CalendarFile:
    """The whole days of every event, with recurrence, exclusions, additions and moved occurrences.

    Raises InvalidCalendarFileError with a field error for everything that is wrong.
    """
    reading = _Reading()
    for number, event in enumerate(_events(content)):
        reading.read(number, event)
    if reading.faults:
        shown = reading.faults[:MOST_FAULTS]
        detail = " ".join(f"{fault.field}: {fault.message}" for fault in shown)
        raise InvalidCalendarFileError(detail, field_errors=shown)
    return reading.result()


def _events(content: bytes) -> list[Any]:
    try:
        read = icalendar.Calendar.from_ical(content)
    except (ValueError, KeyError, IndexError, AttributeError, RecursionError):
        # The library's own words would repeat lines of the file, and with them what people wrote there.
        message = "This is not one iCalendar object (RFC 5545), from BEGIN:VCALENDAR to END:VCALENDAR."
        raise InvalidCalendarFileError.of("file", "icalendar", message) from None
    if read.name != "VCALENDAR":
        raise InvalidCalendarFileError.of("file", "icalendar", "A calendar file is one VCALENDAR.")
    events = read.walk("VEVENT")
    if len(events) > MOST_EVENTS:
        message = f"A file may have {MOST_EVENTS:,} events; this one has {len(events):,}."
        raise InvalidCalendarFileError.of("events", "too_many", message)
    return events


@dataclass
class _Reading:
    faults: list[FieldError] = field(default_factory=list)
    _skipped: list[SkippedEvent] = field(default_factory=list)
    _days: list[tuple[str, WholeDays]] = field(default_factory=list)
    _moved: dict[str, set[date]] = field(default_factory=lambda: defaultdict(set))

    def read(self, number: int, event: Any) -> None:
        try:
            self._read(number, event)
        except InvalidCalendarFileError as error:
            for fault in error.field_errors:
                self.faults.append(replace(fault, field=f"events[{number}].{fault.field}"))

    def result(self) -> CalendarFile:
        """An occurrence that was moved or cancelled leaves its rule's place; its own event says where it went."""
        days = tuple(
            replace(one, left_out=one.left_out | self._moved[uid]) if one.recurrence is not None else one
            for uid, one in self._days
        )
        return CalendarFile(days, tuple(self._skipped))

    def _read(self, number: int, event: Any) -> None:
        for name, message in event.errors:
            raise _fault(str(name).lower(), "icalendar", str(message)[:200])
        uid = str(event.get("UID", ""))
        moved = _one(event, "RECURRENCE-ID")
        first = _one(event, "DTSTART")
        if first is None:
            raise _fault("dtstart", "required", "An event needs a DTSTART.")
        if isinstance(first.dt, datetime):
            self._skipped.append(SkippedEvent(number, SkippedReason.TIMED))
            return
        if moved is not None:
            if moved.params.get("RANGE"):
                raise _fault("recurrence-id", "supported", "RANGE is not understood; list the dates.")
            self._moved[uid].add(_date(moved.dt, "recurrence-id"))
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            self._skipped.append(SkippedEvent(number, SkippedReason.CANCELLED))
            return
        begin = _date(first.dt, "dtstart")
        days = WholeDays(
            begin,
            _length(event, begin),
            _recurrence(event),
            frozenset(_listed(event, "EXDATE")),
            frozenset(_listed(event, "RDATE")),
        )
        self._days.append((uid, days))


def _length(event: Any, begin: date) -> int:
    ending, duration = _one(event, "DTEND"), _one(event, "DURATION")
    days = 1
    if ending is not None:
        days = (_date(ending.dt, "dtend") - begin).days
        if days < 1:
            raise _fault("dtend", "after_dtstart", "DTEND is the day after the last one: later than DTSTART.")
    elif duration is not None:
        if not isinstance(duration.dt, timedelta) or duration.dt % _ONE_DAY or duration.dt < _ONE_DAY:
            raise _fault("duration", "whole_days", "A whole-day event lasts whole days.")
        days = duration.dt.days
    if days > LONGEST_DAYS:
        raise _fault("dtend", "too_long", f"An event may last {LONGEST_DAYS} days; this one lasts {days}.")
    return days


def _listed(event: Any, name: str) -> list[date]:
    value = event.get(name)
    lists = value if isinstance(value, list) else [] if value is None else [value]
    return [_date(one.dt, name.lower()) for dates in lists for one in dates.dts]


def _recurrence(event: Any) -> Recurrence | None:
    rule = _one(event, "RRULE")
    if rule is None:
        return None
    strange = sorted(set(rule) - _RULE_PARTS)
    if strange:
        understood = ", ".join(sorted(_RULE_PARTS))
        raise _fault("rrule", "supported", f"{', '.join(strange)} is not understood; {understood} are.")
    parts: Mapping[str, list[Any]] = {name: list(values) for name, values in rule.items()}
    name = str(parts.get("FREQ", [""])[0]).upper()
    if name not in Frequency.__members__:
        raise _fault("rrule", "supported", f"FREQ is one of {', '.join(Frequency)}, not {name or 'absent'}.")
    frequency = Frequency(name)
    if "COUNT" in parts and "UNTIL" in parts:
        raise _fault("rrule", "one_of", "A rule has COUNT or UNTIL, not both.")
    weekdays = frozenset(_weekday(str(text)) for text in parts.get("BYDAY", []))
    month_days = frozenset(
        _number(value, 1, 31, "BYMONTHDAY", signed=True) for value in parts.get("BYMONTHDAY", [])
    )
    if month_days and frequency is Frequency.WEEKLY:
        raise _fault("rrule", "impossible", "A weekly rule has no BYMONTHDAY.")
    if any(day.ordinal for day in weekdays) and (
        frequency in (Frequency.WEEKLY, Frequency.DAILY) or month_days
    ):
        raise _fault(
            "rrule", "impossible", "Numbered weekdays belong to a month or year, without BYMONTHDAY."
        )
    return Recurrence(
        frequency,
        interval=_number(parts.get("INTERVAL", [1])[0], 1, _MOST_INTERVAL, "INTERVAL"),
        count=_number(parts["COUNT"][0], 1, 10**6, "COUNT") if "COUNT" in parts else None,
        until=_until(parts["UNTIL"][0]) if "UNTIL" in parts else None,
        months=frozenset(_number(value, 1, 12, "BYMONTH") for value in parts.get("BYMONTH", [])),
        month_days=month_days,
        weekdays=weekdays,
        week_start=_weekday(str(parts.get("WKST", ["MO"])[0])).weekday,
    )


def _weekday(text: str) -> OrdinalWeekday:
    match = _BYDAY.fullmatch(text.upper())
    ordinal = int(match[1] or 0) if match else 0
    if match is None or abs(ordinal) > 53 or (match[1] and not ordinal):
        raise _fault(
            "rrule", "weekday", f"A weekday is MO to SU, perhaps numbered such as -1MO, not {text[:20]}."
        )
    return OrdinalWeekday(ordinal, _WEEKDAYS.index(match[2]))


def _number(value: Any, least: int, most: int, part: str, *, signed: bool = False) -> int:
    text = str(value)
    number = int(text) if re.fullmatch(r"[+-]?[0-9]{1,7}", text) else 0
    if not least <= (abs(number) if signed else number) <= most:
        raise _fault("rrule", "range", f"{part} is {least} to {most}, not {text[:20]}.")
    return number


def _until(value: Any) -> date:
    return _date(value.date() if isinstance(value, datetime) else value, "rrule")


def _one(event: Any, name: str) -> Any:
    value = event.get(name)
    if isinstance(value, list):
        raise _fault(name.lower(), "once", f"An event has one {name}.")
    return value


def _date(value: Any, name: str) -> date:
    if isinstance(value, datetime) or not isinstance(value, date):
        raise _fault(name, "whole_day", f"{name.upper()} of a whole-day event is a date without time.")
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise _fault(name, "year", f"Dates lie in the years {FIRST_YEAR} to {LAST_YEAR}.")
    return value


def _fault(name: str, rule: str, message: str) -> InvalidCalendarFileError:
    return InvalidCalendarFileError(message, field_errors=[FieldError(name, rule, message)])


def write_calendar_file(resolved: ResolvedCalendar, *, name: str, unique: str, written_at: datetime) -> bytes:
    """A version's days out of the week: closed ones whole (holidays by name), open ones as the times they open.

    Reading the file gives the closed days again. `unique` makes the events' UIDs, which stay the same from
    version to version. Control characters of the name, which would be lines of the file, become spaces.
    """
    calendar = icalendar.Calendar()
    calendar.add("PRODID", PRODUCT)
    calendar.add("VERSION", "2.0")
    calendar.add("X-WR-CALNAME", "".join(sign if sign.isprintable() else " " for sign in name))
    calendar.add("X-WR-TIMEZONE", resolved.specification.timezone)
    zone = ZoneInfo(resolved.specification.timezone)
    for on, plan in resolved.days_out_of_week():
        for position, (start, end) in enumerate(_spans(on, plan, zone)):
            event = icalendar.Event()
            event.add("UID", f"{on.isoformat()}-{position}@{unique}")
            event.add("DTSTAMP", written_at)
            event.add("DTSTART", start)
            event.add("DTEND", end)
            event.add("SUMMARY", _summary(plan))
            event.add("TRANSP", "OPAQUE" if plan.windows else "TRANSPARENT")
            calendar.add_component(event)
    return bytes(calendar.to_ical())


def _spans(on: date, plan: DayPlan, zone: ZoneInfo) -> list[tuple[date, date]]:
    """The whole day when it is closed, else each window in UTC; a window that the clocks skip is left out."""
    if not plan.windows:
        return [(on, on + _ONE_DAY)] if plan.kind is not DayKind.MAKEUP_WORKDAY else []
    midnight = datetime.combine(on, time())
    spans = [
        [(midnight + timedelta(minutes=minute)).replace(tzinfo=zone).astimezone(UTC) for minute in window]
        for window in plan.windows
    ]
    return [(start, end) for start, end in spans if start < end]


def _summary(plan: DayPlan) -> str:
    if plan.kind is DayKind.HOLIDAY:
        return plan.name or "Holiday"
    if plan.kind is DayKind.MAKEUP_WORKDAY:
        return f"Open: make-up workday for {plan.name}"
    return "Open" if plan.windows else "Closed"
