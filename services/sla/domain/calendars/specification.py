"""The written form of a calendar: what people enter and what is stored, before any date is resolved."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.sla.domain.calendars import public_data
from services.sla.domain.calendars.errors import InvalidCalendarError
from services.sla.domain.calendars.windows import Window, read_windows
from shared.kernel.errors import FieldError

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

FIRST_YEAR = 1900
"""Before it, local times were not standard times yet."""
LAST_YEAR = 2199
"""So that every search ends. Public holidays are known to 2100; later years have none."""

MOST_EXCEPTIONS = 2_000
"""Five years of closing day by day."""

_FIELDS = ("timezone", "weekly", "holidays", "exceptions")
_HOLIDAY_FIELDS = ("country", "subdivision", "makeup_workdays")


@dataclass(frozen=True, slots=True)
class HolidaySource:
    """Whose public holidays close the calendar: an ISO 3166 country, perhaps one of its subdivisions.

    `makeup_workdays`: weekend days that the country works in place of a bridge day (调休) are worked here too.
    """

    country: str
    subdivision: str | None = None
    makeup_workdays: bool = True


@dataclass(frozen=True, slots=True)
class CalendarSpecification:
    """One version of a calendar as it was written.

    `weekly` holds the windows of Monday to Sunday; `exceptions` the windows that replace a date's
    (none closes it). Windows of one day are sorted and do not overlap.
    """

    timezone: str
    weekly: tuple[tuple[Window, ...], ...]
    holidays: HolidaySource | None
    exceptions: Mapping[date, tuple[Window, ...]]

    @classmethod
    def parse(cls, mapping: object) -> "CalendarSpecification":
        """Reads the JSON form and checks that its time zone, country and subdivision are known here.

        Raises InvalidCalendarError with a field error for everything that is wrong.
        """
        errors: list[FieldError] = []
        specification = _read(mapping, errors)
        _check_sources(specification, errors)
        _raise_if_any(errors)
        return specification

    @classmethod
    def restore(cls, mapping: object) -> "CalendarSpecification":
        """Reads a stored JSON form whose sources were known once; they need not be today.

        Raises InvalidCalendarError.
        """
        errors: list[FieldError] = []
        specification = _read(mapping, errors)
        _raise_if_any(errors)
        return specification

    def to_json(self) -> dict[str, Any]:
        """The pinned JSON form, with every field present."""
        source = self.holidays
        return {
            "timezone": self.timezone,
            "weekly": {
                name: [window.to_json() for window in windows]
                for name, windows in zip(WEEKDAYS, self.weekly, strict=True)
            },
            "holidays": None
            if source is None
            else {
                "country": source.country,
                "subdivision": source.subdivision,
                "makeup_workdays": source.makeup_workdays,
            },
            "exceptions": {
                on.isoformat(): [window.to_json() for window in windows]
                for on, windows in sorted(self.exceptions.items())
            },
        }

    @property
    def opens_every_week(self) -> bool:
        """Whether any weekday has a window; if none has, only exceptions can open the calendar."""
        return any(self.weekly)


def _read(mapping: object, errors: list[FieldError]) -> CalendarSpecification:
    fields = _read_object(mapping, "calendar", _FIELDS, errors, prefix="")
    if not isinstance(mapping, Mapping):
        _raise_if_any(errors)
    timezone = fields.get("timezone")
    if not isinstance(timezone, str) or not timezone:
        errors.append(
            FieldError("timezone", "required", "A calendar needs an IANA time zone such as Asia/Shanghai.")
        )
        timezone = ""
    return CalendarSpecification(
        timezone=timezone,
        weekly=_read_weekly(fields, errors),
        holidays=_read_holidays(fields.get("holidays"), errors),
        exceptions=_read_exceptions(fields.get("exceptions"), errors),
    )


def _read_weekly(fields: Mapping[str, Any], errors: list[FieldError]) -> tuple[tuple[Window, ...], ...]:
    if fields.get("weekly") is None:
        errors.append(FieldError("weekly", "required", "A calendar needs weekly windows; {} is never open."))
        return ((),) * len(WEEKDAYS)
    weekly = _read_object(fields["weekly"], "weekly", WEEKDAYS, errors, prefix="weekly.")
    return tuple(
        read_windows(weekly[name], f"weekly.{name}", errors) if name in weekly else () for name in WEEKDAYS
    )


def _read_holidays(value: object, errors: list[FieldError]) -> HolidaySource | None:
    if value is None:
        return None
    fields = _read_object(value, "holidays", _HOLIDAY_FIELDS, errors, prefix="holidays.")
    if not isinstance(value, Mapping):
        return None
    country, subdivision = fields.get("country"), fields.get("subdivision")
    makeup_workdays = fields.get("makeup_workdays", True)
    if not isinstance(country, str) or not country:
        errors.append(
            FieldError("holidays.country", "required", "A holiday source needs a country such as CN.")
        )
        country = ""
    if subdivision is not None and not (isinstance(subdivision, str) and subdivision):
        errors.append(
            FieldError("holidays.subdivision", "text", "A subdivision is a text such as BY, or null.")
        )
        subdivision = None
    if not isinstance(makeup_workdays, bool):
        errors.append(FieldError("holidays.makeup_workdays", "boolean", "makeup_workdays is true or false."))
        makeup_workdays = True
    return HolidaySource(country, subdivision, makeup_workdays)


def _read_exceptions(value: object, errors: list[FieldError]) -> dict[date, tuple[Window, ...]]:
    if value is None:
        return {}
    exceptions: dict[date, tuple[Window, ...]] = {}
    for key, windows in _read_object(value, "exceptions", None, errors, prefix="exceptions.").items():
        field = f"exceptions.{key}"
        on = _read_date(key, field, errors)
        days_windows = read_windows(windows, field, errors)
        if on is not None:
            exceptions[on] = days_windows
    return exceptions


def _read_date(key: str, field: str, errors: list[FieldError]) -> date | None:
    try:
        on = date.fromisoformat(key)
    except ValueError:
        on = None
    if on is None or on.isoformat() != key:
        errors.append(FieldError(field, "date", "An exception's date is YYYY-MM-DD."))
        return None
    if not FIRST_YEAR <= on.year <= LAST_YEAR:
        errors.append(FieldError(field, "year", f"Dates lie in the years {FIRST_YEAR} to {LAST_YEAR}."))
        return None
    return on


def _read_object(
    value: object, field: str, known: tuple[str, ...] | None, errors: list[FieldError], *, prefix: str
) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        errors.append(FieldError(field, "object", f"{field} must be an object."))
        return {}
    strangers = [key for key in value if not isinstance(key, str) or (known is not None and key not in known)]
    for key in strangers:
        rule = f"known are {', '.join(known)}." if known is not None else "a name is a text."
        errors.append(FieldError(f"{prefix}{key}", "unknown", f"There is no field {key!r} here; {rule}"))
    return {key: item for key, item in value.items() if key not in strangers}


def _check_sources(specification: CalendarSpecification, errors: list[FieldError]) -> None:
    if specification.timezone and not public_data.has_timezone(specification.timezone):
        message = f"There is no time zone {specification.timezone!r} in the IANA data."
        errors.append(FieldError("timezone", "known_timezone", message))
    source = specification.holidays
    if source is None or not source.country:
        return
    if not public_data.has_country(source.country):
        message = f"No holidays are known for country {source.country!r} (ISO 3166 alpha-2, upper case)."
        errors.append(FieldError("holidays.country", "known_country", message))
    elif source.subdivision is not None and not public_data.has_subdivision(
        source.country, source.subdivision
    ):
        message = f"No holidays are known for subdivision {source.subdivision!r} of {source.country}."
        errors.append(FieldError("holidays.subdivision", "known_subdivision", message))


def _raise_if_any(errors: list[FieldError]) -> None:
    if errors:
        detail = " ".join(f"{error.field}: {error.message}" for error in errors)
        raise InvalidCalendarError(detail, field_errors=errors)
