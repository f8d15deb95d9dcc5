"""Public holidays and time zones as the installed data know them.

The one place that reads the `holidays` library and the IANA data. Its answers change when either is
upgraded; what a calendar once resolved is therefore stored with it (`ResolvedCalendar`).
"""

import importlib.metadata
import threading
import zoneinfo
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from holidays import HolidayBase

NAMES_LANGUAGE = "en_US"
"""Asked for by name: the library otherwise follows the LANG of whoever runs it."""

_MACHINE_ZONES = frozenset({"localtime", "posixrules", "Factory"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_SECOND = timedelta(seconds=1)
COVERED_BEYOND_YEAR = timedelta(days=3)
_PROBE_DAYS = 2
"""No zone of the IANA data has since 1900 left its offset and come back to it within 3.9 days."""
_CACHED_YEARS = 4096
_CACHED_SOURCES = 64

_holidays_lock = threading.Lock()


class OffsetSpan(NamedTuple):
    """UTC seconds since 1970, half-open, during which the zone keeps one offset (seconds east of UTC)."""

    start: int
    end: int
    offset: int


class PublicYear(NamedTuple):
    """A calendar year of a country and three days around it: holidays by date, and each make-up workday with
    the date it replaces."""

    holidays: Mapping[date, str]
    makeup_workdays: Mapping[date, date]


def has_timezone(key: str) -> bool:
    """Whether the IANA data have this zone. Zones that differ from machine to machine do not count."""
    if key in _MACHINE_ZONES:
        return False
    try:
        zoneinfo.ZoneInfo(key)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def has_country(country: str) -> bool:
    """Whether holidays are known for this ISO 3166 alpha-2 code."""
    return country in _country_codes()


def has_subdivision(country: str, subdivision: str) -> bool:
    """Whether holidays are known for this subdivision (ISO 3166-2 part or the library's alias)."""
    known = _country_holidays(country, None)
    return subdivision in known.subdivisions or subdivision in known.subdivisions_aliases


@lru_cache(maxsize=_CACHED_YEARS)
def public_year(country: str, subdivision: str | None, year: int) -> PublicYear:
    """Holidays and make-up workdays from 29 December before to 3 January after `year`. Years that nobody has
    decreed yet have no make-up days."""
    known = _country_holidays(country, subdivision)
    with _holidays_lock:
        # A workday of late December makes up for a bridge day of January, and the reverse.
        for populated in (year - 1, year, year + 1):
            known.get(date(populated, 1, 1))
        earliest, latest = date(year - 1, 1, 1), date(year + 1, 12, 31)
        dated = {on: name for on, name in known.items() if earliest <= on <= latest}
        first, last = date(year, 1, 1) - COVERED_BEYOND_YEAR, date(year, 12, 31) + COVERED_BEYOND_YEAR
        workdays = sorted(on for on in known.weekend_workdays if first <= on <= last)
        makeup_workdays = _replaced_dates(known, dated, workdays) if workdays else {}
    holidays = {on: name for on, name in sorted(dated.items()) if first <= on <= last}
    return PublicYear(holidays, makeup_workdays)


@lru_cache(maxsize=_CACHED_YEARS)
def offset_spans(timezone: str, year: int) -> tuple[OffsetSpan, ...]:
    """The zone's offsets from three days before to three days after the UTC year, without gaps."""
    zone = zoneinfo.ZoneInfo(timezone)
    start_at = datetime(year, 1, 1, tzinfo=UTC) - COVERED_BEYOND_YEAR
    end_at = datetime(year + 1, 1, 1, tzinfo=UTC) + COVERED_BEYOND_YEAR
    spans: list[OffsetSpan] = []
    span_start, probed = _seconds(start_at), _seconds(start_at)
    end = _seconds(end_at)
    offset = _offset(zone, probed)
    while probed < end:
        following = min(probed + _PROBE_DAYS * 86_400, end)
        if _offset(zone, following) == offset:
            probed = following
            continue
        changed = _first_change(zone, probed, following, offset)
        spans.append(OffsetSpan(span_start, changed, offset))
        span_start, probed, offset = changed, changed, _offset(zone, changed)
    if span_start < end:
        spans.append(OffsetSpan(span_start, end, offset))
    return tuple(spans)


def holidays_version() -> str:
    """The version of the `holidays` library."""
    return importlib.metadata.version("holidays")


@lru_cache(maxsize=_CACHED_SOURCES)
def tzdata_version(timezone: str) -> str:
    """The release of the IANA data that `zoneinfo` reads this zone from: the system's first, then the package's."""
    for folder in map(Path, zoneinfo.TZPATH):
        if (folder / timezone).is_file():
            return _system_release(folder)
    return importlib.metadata.version("tzdata")


def _system_release(folder: Path) -> str:
    rules = folder / "tzdata.zi"
    if rules.is_file():
        with rules.open(encoding="ascii", errors="replace") as lines:
            first = lines.readline().split()
        if first[:2] == ["#", "version"]:
            return first[2]
    return f"unknown ({folder})"


def _first_change(zone: zoneinfo.ZoneInfo, before: int, after: int, offset: int) -> int:
    """The first second after `before` with another offset than `offset`, which `after` has."""
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, middle) == offset:
            before = middle
        else:
            after = middle
    return after


def _offset(zone: zoneinfo.ZoneInfo, seconds: int) -> int:
    offset = datetime.fromtimestamp(seconds, zone).utcoffset()
    assert offset is not None, "a ZoneInfo always knows its offset"
    return offset // _ONE_SECOND


def _seconds(at: datetime) -> int:
    return (at - _EPOCH) // _ONE_SECOND


@lru_cache(maxsize=1)
def _country_codes() -> frozenset[str]:
    from holidays.registry import COUNTRIES  # 0.1 s: only calendars with holidays pay it

    return frozenset(entry[1] for entry in COUNTRIES.values())


@lru_cache(maxsize=_CACHED_SOURCES)
def _country_holidays(country: str, subdivision: str | None) -> "HolidayBase":
    import holidays

    return holidays.country_holidays(country, subdiv=subdivision, language=NAMES_LANGUAGE)


def _replaced_dates(
    known: "HolidayBase", dated: Mapping[date, str], workdays: list[date]
) -> dict[date, date]:
    """Which day off each make-up workday works for.

    The library names the day off after the workday ("Day off (substituted from 02/28/2026)"), so the
    name that a workday would give is looked for, rather than any name taken apart. A workday whose
    day off it does not name is left out: its windows could only be guessed.
    """
    days_off: dict[str, date] = {}
    for on, names in sorted(dated.items()):
        for name in names.split("; "):
            days_off.setdefault(name, on)
    replaced: dict[date, date] = {}
    for workday in workdays:
        label = known.tr(known.substituted_label) % workday.strftime(known.tr(known.substituted_date_format))
        if label in days_off:
            replaced[workday] = days_off[label]
    return replaced
