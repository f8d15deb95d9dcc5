"""Business days and review instants: which day an instant belongs to, and when values are looked at again."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

# Reviews fall on whole multiples of the interval counted from this Monday, so that the grid never shifts.
_ANCHOR = date(1970, 1, 5).toordinal()


# An import names the same days over and over.
@lru_cache(maxsize=4096)
def _start_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


@dataclass(frozen=True)
class ReviewCalendar:
    """Days of the ledger's time zone, and a review at the start of every `every_days`-th of them.

    timezone    IANA name; a purchase belongs to the local day on which it happened
    every_days  days between reviews; 7 reviews on Mondays at 00:00, 1 every night
    """

    timezone: str = "UTC"
    every_days: int = 7
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.every_days < 1:
            raise ValueError("reviews are at least a day apart")
        object.__setattr__(self, "_zone", ZoneInfo(self.timezone))

    def day_of(self, instant: datetime) -> date:
        """The local day that holds `instant`."""
        return instant.astimezone(self._zone).date()

    def start_of(self, day: date) -> datetime:
        """The first instant of `day`, in UTC."""
        return _start_of(day, self._zone)

    def next_hour(self, hour: int, after: datetime) -> datetime:
        """The first instant after `after` at which the local clock shows `hour`, in UTC.

        On a day whose clock skips the hour, it is the hour that the clock jumps to.
        """
        day = self.day_of(after)
        while True:
            at = datetime.combine(day, time(hour), self._zone).astimezone(UTC)
            if at > after:
                return at
            day += timedelta(days=1)

    def review_from(self, instant: datetime) -> datetime:
        """The first review instant at or after `instant`."""
        day = self.day_of(instant)
        if self.start_of(day) < instant:
            day += timedelta(days=1)
        behind = (day.toordinal() - _ANCHOR) % self.every_days
        return self.start_of(day + timedelta(days=(self.every_days - behind) % self.every_days))
