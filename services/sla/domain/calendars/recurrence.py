"""Whole days that come again: the part of RFC 5545 recurrence rules that public and company holidays use."""

import itertools
from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

_WEEK_DAYS = 7
_DAYS_PER_YEAR = 365


class Frequency(StrEnum):
    """FREQ; what is shorter than a day makes no whole days."""

    YEARLY = "YEARLY"
    MONTHLY = "MONTHLY"
    WEEKLY = "WEEKLY"
    DAILY = "DAILY"


class OrdinalWeekday(NamedTuple):
    """BYDAY: Monday is 0; `ordinal` 2 is the second of its month or year, -1 the last, 0 every one."""

    ordinal: int
    weekday: int


@dataclass(frozen=True, slots=True)
class Recurrence:
    """RRULE with FREQ, INTERVAL, COUNT, UNTIL (inclusive), BYMONTH, BYMONTHDAY, BYDAY and WKST (Monday is 0)."""

    frequency: Frequency
    interval: int = 1
    count: int | None = None
    until: date | None = None
    months: frozenset[int] = frozenset()
    month_days: frozenset[int] = frozenset()
    weekdays: frozenset[OrdinalWeekday] = frozenset()
    week_start: int = 0

    def dates(self, first: date, last: date) -> Iterator[date]:
        """`first`, which counts as an occurrence whether the rule names it or not, and those after it to `last`.

        Looks at no period after `last`, so it ends for every rule, also for one that names no day at all.
        """
        end = last if self.until is None else min(last, self.until)
        if first > last:
            return
        yield first
        following = (on for period in self._periods(first, end) for on in period if first < on <= end)
        yield from following if self.count is None else itertools.islice(following, self.count - 1)

    def days_looked_at(self, first: date, last: date) -> int:
        """About how many days `dates` has to look at: what a rule costs, before it does."""
        end = last if self.until is None else min(last, self.until)
        span = max(0, (end - first).days) // self.interval
        if self.frequency is not Frequency.YEARLY:
            return span
        if not self.month_days and not self.weekdays:
            return span // _DAYS_PER_YEAR * max(1, len(self.months))
        return span if not self.months else span * len(self.months) // 12

    def _periods(self, first: date, end: date) -> Iterator[list[date]]:
        """The rule's days of each period that can hold one, in order."""
        if self.frequency is Frequency.YEARLY:
            for year in range(first.year, end.year + 1, self.interval):
                yield self._days_of_year(year, first)
        elif self.frequency is Frequency.MONTHLY:
            months = range(_month_number(first), _month_number(end) + 1, self.interval)
            for number in months:
                year, month = number // 12, number % 12 + 1
                if not self.months or month in self.months:
                    yield self._days_of_month(year, month, first.day)
        else:
            by_week = self.frequency is Frequency.WEEKLY
            length = _WEEK_DAYS if by_week else 1
            begin = first.toordinal() - ((first.weekday() - self.week_start) % _WEEK_DAYS if by_week else 0)
            for ordinal in range(begin, end.toordinal() + 1, self.interval * length):
                days = (date.fromordinal(ordinal + offset) for offset in range(length))
                yield [on for on in days if self._allows(on, first.weekday() if by_week else None)]

    def _days_of_year(self, year: int, first: date) -> list[date]:
        if self.weekdays and not self.month_days and not self.months:
            # Only here do ordinals count within the year.
            begin, end = date(year, 1, 1), date(year, 12, 31)
            return _named(_days(begin, end), self.weekdays)
        if self.months:
            months: Iterable[int] = sorted(self.months)
        else:
            months = range(1, 13) if self.month_days else [first.month]
        return [on for month in months for on in self._days_of_month(year, month, first.day)]

    def _days_of_month(self, year: int, month: int, day: int) -> list[date]:
        length = monthrange(year, month)[1]
        if not self.month_days and not self.weekdays:
            return [date(year, month, day)] if day <= length else []
        days = _days(date(year, month, 1), date(year, month, length))
        if self.month_days:
            days = [on for on in days if {on.day, on.day - length - 1} & self.month_days]
            plain = {one.weekday for one in self.weekdays}
            return [on for on in days if not plain or on.weekday() in plain]
        return _named(days, self.weekdays)

    def _allows(self, on: date, weekday: int | None) -> bool:
        """Of a day of a weekly or daily rule; `weekday` is the one of a weekly rule that names none."""
        if self.months and on.month not in self.months:
            return False
        length = monthrange(on.year, on.month)[1]
        if self.month_days and not {on.day, on.day - length - 1} & self.month_days:
            return False
        if self.weekdays:
            return on.weekday() in {one.weekday for one in self.weekdays}
        return weekday is None or on.weekday() == weekday


@dataclass(frozen=True, slots=True)
class WholeDays:
    """One entry of a calendar file that takes whole days: `days` of them from `first`, perhaps again and again.

    `left_out` are beginnings that do not happen, `added` ones beyond the rule's.
    """

    first: date
    days: int = 1
    recurrence: Recurrence | None = None
    left_out: frozenset[date] = frozenset()
    added: frozenset[date] = frozenset()

    def days_looked_at(self, last: date) -> int:
        """What `dates` costs, before it does."""
        looked_at = 0 if self.recurrence is None else self.recurrence.days_looked_at(self.first, last)
        return looked_at + self.days + len(self.added)

    def dates(self, first: date, last: date) -> set[date]:
        """Every date from `first` to `last` that it takes."""
        begins = {self.first} if self.recurrence is None else set(self.recurrence.dates(self.first, last))
        taken: set[date] = set()
        for begin in (begins | self.added) - self.left_out:
            if begin <= last and begin.toordinal() + self.days > first.toordinal():
                end = min(begin.toordinal() + self.days - 1, last.toordinal())
                taken.update(_days(max(begin, first), date.fromordinal(end)))
        return taken


def _month_number(on: date) -> int:
    return on.year * 12 + on.month - 1


def _days(first: date, last: date) -> list[date]:
    return [date.fromordinal(ordinal) for ordinal in range(first.toordinal(), last.toordinal() + 1)]


def _named(days: list[date], weekdays: frozenset[OrdinalWeekday]) -> list[date]:
    """The days of a month or year that the weekdays name."""
    chosen: set[date] = set()
    for ordinal, weekday in weekdays:
        matching = [on for on in days if on.weekday() == weekday]
        if ordinal == 0:
            chosen.update(matching)
        elif abs(ordinal) <= len(matching):
            chosen.add(matching[ordinal - 1 if ordinal > 0 else ordinal])
    return sorted(chosen)
