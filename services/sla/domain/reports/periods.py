"""Days, weeks and months in a time zone."""

from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo


class Period(StrEnum):
    """What a report is cut into; weeks are those of ISO 8601, from Monday on."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    def of(self, at: datetime, zone: ZoneInfo) -> str:
        """The period in which an instant lies: 2026-03-02, 2026-W10 or 2026-03."""
        on = at.astimezone(zone).date()
        if self is Period.DAY:
            return on.isoformat()
        if self is Period.MONTH:
            return f"{on.year:04}-{on.month:02}"
        year, week, _ = on.isocalendar()
        return f"{year:04}-W{week:02}"
