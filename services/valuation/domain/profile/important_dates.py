"""Important dates (重要日期) that come back every year, by the Gregorian or the Chinese calendar (农历).

Rules for years that lack the day:

* 29 February is kept on 28 February.
* The 30th of a lunar month that has 29 days is kept on the 29th, the month's last day.
* A date in a leap month (闰月) is kept in the ordinary month of the same number in years without that leap
  month. In years with it `leap_rule` chooses: `leap_month` or again `ordinary_month`.
* A date in an ordinary month is kept there, also in years in which a leap month of that number follows.
"""

from calendar import isleap, monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Literal, cast
from uuid import UUID

from lunar_python import Lunar, LunarMonth, LunarYear
from lunar_python.util import LunarUtil

from services.valuation.domain.profile.errors import ImpossibleDateError
from shared.kernel.errors import FieldError

Calendar = Literal["gregorian", "lunar"]
LeapRule = Literal["leap_month", "ordinary_month"]
DateKind = Literal["birthday", "anniversary", "founding_day", "contract_renewal", "festival", "other"]

FIRST_YEAR, LAST_YEAR = 1900, 2100
MOST_DATES = 100
# A Gregorian leap year, for days of no given year.
_ANY_LEAP_YEAR = 2000


@dataclass(frozen=True, slots=True)
class YearlyDate:
    """A day of the year. `year` is the one in which it began (of birth, of signing), where it is known."""

    calendar: Calendar
    month: int
    day: int
    year: int | None = None
    is_leap_month: bool = False
    leap_rule: LeapRule = "leap_month"

    def __post_init__(self) -> None:
        """Raises `ImpossibleDateError`."""
        if self.year is not None and not FIRST_YEAR <= self.year <= LAST_YEAR:
            raise _impossible("year", f"years from {FIRST_YEAR} to {LAST_YEAR} are known, not {self.year}")
        if not 1 <= self.month <= 12:
            raise _impossible("month", f"there is no month {self.month}")
        if self.calendar == "gregorian":
            self._check_gregorian()
        else:
            self._check_lunar()

    def next_from(self, day: date) -> date:
        """The first occurrence on or after `day`, as a Gregorian date."""
        # A lunar year begins in January or February: its last days belong to the Gregorian year after it.
        for year in (day.year - 1, day.year):
            found = self.in_year(year)
            if found >= day:
                return found
        return self.in_year(day.year + 1)

    def in_year(self, year: int) -> date:
        """The occurrence in a Gregorian or, for a lunar date, a lunar year; as a Gregorian date."""
        if self.calendar == "gregorian":
            return date(year, self.month, min(self.day, monthrange(year, self.month)[1]))
        is_leap = self.is_leap_month and self.leap_rule == "leap_month" and _leap_month(year) == self.month
        return _from_lunar(year, -self.month if is_leap else self.month, self.day)

    def words(self) -> tuple[str, str]:
        """The date as people say it, in English and Chinese."""
        if self.calendar == "gregorian":
            return f"{self.day} {_MONTHS[self.month - 1]}", f"{self.month}月{self.day}日"
        leap_en, leap_zh = (" (leap)", "闰") if self.is_leap_month else ("", "")
        return (
            f"day {self.day} of lunar month {self.month}{leap_en}",
            f"农历{leap_zh}{LunarUtil.MONTH[self.month]}月{LunarUtil.DAY[self.day]}",
        )

    def _check_gregorian(self) -> None:
        if self.is_leap_month:
            raise _impossible("is_leap_month", "only the lunar calendar has leap months")
        year = self.year if self.year is not None else _ANY_LEAP_YEAR
        days = monthrange(year, self.month)[1]
        if not 1 <= self.day <= days:
            said = (
                f" of {self.year}" if self.year is not None and self.month == 2 and not isleap(year) else ""
            )
            raise _impossible("day", f"month {self.month}{said} has {days} days, not {self.day}")

    def _check_lunar(self) -> None:
        if not 1 <= self.day <= 30:
            raise _impossible("day", f"a lunar month has at most 30 days, not {self.day}")
        if self.year is None:
            return
        if self.is_leap_month and _leap_month(self.year) != self.month:
            leap = _leap_month(self.year)
            has = f"a leap month {leap}" if leap else "no leap month"
            raise _impossible(
                "is_leap_month", f"lunar year {self.year} has {has}, not a leap month {self.month}"
            )
        days = _days_in(self.year, -self.month if self.is_leap_month else self.month)
        if self.day > days:
            raise _impossible("day", f"that month of lunar year {self.year} has {days} days, not {self.day}")


@dataclass(frozen=True, slots=True)
class ImportantDate:
    """A date of the account, or of one of its people (`person_id`).

    look_on  the local day on which somebody should be told that the next occurrence is near
    """

    id: UUID
    customer_id: UUID
    person_id: UUID | None
    kind: DateKind
    label: str | None
    when: YearlyDate
    look_on: date
    added_at: datetime

    @property
    def announced(self) -> date:
        """The occurrence that is told of on `look_on`."""
        return self.when.next_from(self.look_on)

    def look_after(self, today: date, lead_days: int) -> date:
        """When to look again after a look on `today`: before the occurrence that follows the one announced."""
        if self.announced < today:
            return first_look(self.when, today, lead_days)
        return self.when.next_from(self.announced + timedelta(days=1)) - timedelta(days=lead_days)


def first_look(when: YearlyDate, today: date, lead_days: int) -> date:
    """When to tell of the next occurrence: `lead_days` before it, or at once if that has passed."""
    return max(today, when.next_from(today) - timedelta(days=lead_days))


_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@lru_cache(maxsize=4096)
def _from_lunar(year: int, month: int, day: int) -> date:
    """The Gregorian date of a lunar one; a day that the month lacks is its last. Leap months are negative."""
    solar = Lunar.fromYmd(year, month, min(day, _days_in(year, month))).getSolar()
    return date(solar.getYear(), solar.getMonth(), solar.getDay())


@lru_cache(maxsize=4096)
def _days_in(year: int, month: int) -> int:
    return cast("int", LunarMonth.fromYm(year, month).getDayCount())


@lru_cache(maxsize=512)
def _leap_month(year: int) -> int:
    """The month that is doubled in this lunar year, 0 for none."""
    return cast("int", LunarYear.fromYear(year).getLeapMonth())


def _impossible(field: str, message: str) -> ImpossibleDateError:
    return ImpossibleDateError(message, field_errors=[FieldError(field, "possible", message)])
