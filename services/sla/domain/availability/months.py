"""Months of the calendar in a time zone."""

import re
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.sla.domain.availability.intervals import Interval

_WRITTEN = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_FIRST_YEAR, _LAST_YEAR = 1970, 9_998


class Month(NamedTuple):
    """One month; written 2026-03."""

    year: int
    month: int

    @classmethod
    def of(cls, at: datetime, zone: ZoneInfo) -> "Month":
        """The month in which an instant lies there."""
        local = at.astimezone(zone)
        return cls(local.year, local.month)

    @classmethod
    def read(cls, text: str) -> "Month | None":
        """`2026-03` of 1970 or later, else None."""
        found = _WRITTEN.fullmatch(text)
        if found is None or not _FIRST_YEAR <= int(found[1]) <= _LAST_YEAR:
            return None
        return cls(int(found[1]), int(found[2]))

    def following(self) -> "Month":
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    def bounds(self, zone: ZoneInfo) -> Interval:
        """From its first midnight to the next month's. Where a clock change skips that midnight, from the change
        on; where it comes twice, from the first."""
        return Interval(_first_instant(self, zone), _first_instant(self.following(), zone))

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


def _first_instant(month: Month, zone: ZoneInfo) -> datetime:
    return datetime(month.year, month.month, 1, tzinfo=zone).astimezone(UTC)
