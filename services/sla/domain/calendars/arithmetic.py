"""Questions to a calendar: due, elapsed, open now, next opening, business days."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from services.sla.domain.calendars.errors import (
    CalendarHasNoOpenTimeError,
    CalendarYearOutOfRangeError,
    InvalidQuestionError,
)
from services.sla.domain.calendars.explanation import ExplainedInterval, explain
from services.sla.domain.calendars.public_data import OffsetSpan
from services.sla.domain.calendars.resolution import CalendarDays, DayKind, DayPlan, ResolvedYear
from services.sla.domain.calendars.timeline import (
    EPOCH_ORDINAL,
    MICROSECONDS,
    SECONDS_PER_DAY,
    InstantYear,
    OpenYear,
    instant_of,
    last_instant_before,
    microseconds_of,
    offset_at,
    open_year,
)
from services.sla.domain.calendars.windows import SECONDS_PER_MINUTE
from shared.kernel.errors import CareloopError

_LONGEST_YEAR_SECONDS = 366 * SECONDS_PER_DAY
_LONGEST_YEAR_MICROSECONDS = _LONGEST_YEAR_SECONDS * MICROSECONDS
_ASKED_OFTEN = 16
"""Questions after which a year's quick form (1 ms, 100 kB) has paid for itself many times over, if more follow."""
_DAYS_LOOKED_BACK = 2


class OpenInterval(NamedTuple):
    """Half-open, aware UTC."""

    start_at: datetime
    end_at: datetime


class BusinessTimeline:
    """Business time of one calendar version.

    Instants must be aware (TypeError otherwise); answers are aware UTC, exact to the microsecond.
    Years are computed when first needed and kept; the answer to a question never depends on those
    asked before. Every question raises CalendarYearOutOfRangeError when it, or its answer, lies
    outside the years that the calendar covers.
    """

    def __init__(self, days: CalendarDays) -> None:
        self.days = days
        self._weekly = days.specification.weekly
        self._years: dict[int, OpenYear] = {}
        self._often_asked: dict[int, InstantYear] = {}
        self._times_asked: dict[int, int] = {}
        self._resolved: dict[int, ResolvedYear] = {}

    def due(self, start: datetime, seconds: float) -> datetime:
        """The earliest instant with `seconds` of business time elapsed since `start`.

        Negative: the latest instant from which that much business time elapses until `start`. Zero:
        `start` itself. Fractions count to the microsecond. Raises CalendarHasNoOpenTimeError when
        there is not enough open time in that direction, InvalidQuestionError for an infinite length.
        """
        if type(seconds) is int and 0 < seconds < _LONGEST_YEAR_SECONDS:
            found = self._due_this_year(start, timedelta(0, seconds))
            return found or self._due(start, seconds * MICROSECONDS)
        try:
            microseconds = round(seconds * MICROSECONDS)
        except (OverflowError, ValueError):
            raise InvalidQuestionError.of("seconds", "finite", "seconds must be a finite number.") from None
        return self.due_microseconds(start, microseconds)

    def due_microseconds(self, start: datetime, microseconds: int) -> datetime:
        """As `due`, in whole microseconds."""
        if 0 < microseconds < _LONGEST_YEAR_MICROSECONDS:
            found = self._due_this_year(start, timedelta(0, *divmod(microseconds, MICROSECONDS)))
            if found is not None:
                return found
        return self._due(start, microseconds)

    def elapsed(self, start: datetime, end: datetime) -> float:
        """Business seconds between two instants, exact to the microsecond; negative when `end` is earlier."""
        opened = self._elapsed_this_year(start, end)
        return self._elapsed(start, end) / MICROSECONDS if opened is None else opened.total_seconds()

    def elapsed_microseconds(self, start: datetime, end: datetime) -> int:
        """As `elapsed`, in whole microseconds: for sums and comparisons that must be exact."""
        opened = self._elapsed_this_year(start, end)
        if opened is None:
            return self._elapsed(start, end)
        return (opened.days * SECONDS_PER_DAY + opened.seconds) * MICROSECONDS + opened.microseconds

    def is_open(self, at: datetime) -> bool:
        """Whether the instant lies in an open window."""
        microseconds = microseconds_of(at)
        year = self._open_year(self._year_of(at))
        position = bisect_right(year.starts, microseconds) - 1
        return position >= 0 and microseconds < year.ends[position]

    def next_open(self, at: datetime) -> datetime:
        """The earliest open instant at or after `at`: `at` itself when it is open.

        Raises CalendarHasNoOpenTimeError when there is none.
        """
        microseconds = microseconds_of(at)
        for number in self._years_from(self._year_of(at)):
            year = self._open_year(number)
            position = bisect_right(year.ends, microseconds)
            if position < len(year.ends):
                return instant_of(max(microseconds, year.starts[position]))
        raise self._unanswerable(at, 1, found=False)

    def open_intervals(self, start: datetime, end: datetime) -> Iterator[OpenInterval]:
        """The open intervals between two instants, cut to them, in order; touching ones are one."""
        first, last = microseconds_of(start), microseconds_of(end)
        pending: tuple[int, int] | None = None
        for number in range(self._year_of(start), self._year_of(end) + 1):
            year = self._open_year(number)
            for position in range(bisect_right(year.ends, first), bisect_left(year.starts, last)):
                interval = max(year.starts[position], first), min(year.ends[position], last)
                if pending is not None and pending[1] == interval[0]:
                    pending = pending[0], interval[1]
                    continue
                if pending is not None:
                    yield OpenInterval(instant_of(pending[0]), instant_of(pending[1]))
                pending = interval
        if pending is not None:
            yield OpenInterval(instant_of(pending[0]), instant_of(pending[1]))

    def explain(self, start: datetime, end: datetime) -> list[ExplainedInterval]:
        """Every interval between two instants, open or closed, each with its reason; none left out."""
        self._year_of(start)
        self._year_of(end)
        return explain(self, start, end)

    def offsets_of(self, year: int) -> Sequence[OffsetSpan]:
        """The zone's offsets in a covered UTC year and three days around it."""
        return self._resolve(year).offsets

    def end_of_nth_open_date(self, start: datetime, dates: int) -> datetime:
        """Business days: closing time of the nth open date after the local date of `start`.

        Monday 16:30 + 3 is Thursday at closing. The date of `start` never counts, open or not. A date
        is open when any real time of its own windows is; it closes when the last of them ends, after
        midnight if that is where it ends. Negative: the nth open date before. Zero: `start` itself.
        Raises CalendarHasNoOpenTimeError when there are not so many open dates.
        """
        closing = microseconds_of(start)
        ordinal = self.local_date(start).toordinal()
        step = 1 if dates > 0 else -1
        years = self._years_from(self._year_of(start), step)
        missing = abs(dates)
        while missing:
            ordinal += step
            year = date.fromordinal(ordinal).year
            if year not in years:
                raise self._unanswerable(start, step, found=missing < abs(dates))
            closes = self._closing(ordinal, year)
            if closes is not None:
                closing = closes * MICROSECONDS
                missing -= 1
        return instant_of(closing)

    def end_of_date(self, start: datetime, dates: int) -> datetime:
        """Calendar days: when the local date `dates` days after that of `start` is over, open or not.

        A date that the clocks skip (Apia, 30 December 2011) is over when it would have begun.
        """
        ordinal = self.local_date(start).toordinal() + dates
        first, last = date(self.days.first_year, 1, 1), date(self.days.last_year, 12, 31)
        if not first.toordinal() <= ordinal <= last.toordinal():
            raise self._out_of_range(f"{dates} days after {start.isoformat()}")
        offsets = self._resolve(date.fromordinal(ordinal).year).offsets
        midnight = (ordinal + 1 - EPOCH_ORDINAL) * SECONDS_PER_DAY
        over = last_instant_before(offsets, midnight - SECONDS_PER_DAY * _DAYS_LOOKED_BACK, midnight)
        assert over is not None, "the clocks never skip two days"
        return instant_of(over * MICROSECONDS)

    def local_date(self, at: datetime) -> date:
        """The date on the calendar's own clock."""
        seconds = microseconds_of(at) // MICROSECONDS
        offset = offset_at(self._resolve(self._year_of(at)).offsets, seconds)
        return date.fromordinal(EPOCH_ORDINAL + (seconds + offset) // SECONDS_PER_DAY)

    def day_plan(self, on: date) -> DayPlan:
        """The windows of a date and why it has them. Covers a day more at each end than the years do."""
        year = on.year
        if on == date(self.days.first_year - 1, 12, 31):
            year += 1
        elif on == date(self.days.last_year + 1, 1, 1):
            year -= 1
        if not self.days.first_year <= year <= self.days.last_year:
            raise self._out_of_range(on.isoformat())
        plan = self._resolve(year).special_days.get(on.toordinal())
        return plan or DayPlan(DayKind.WEEKLY, self._weekly[on.weekday()], None)

    def _due_this_year(self, start: datetime, wanted: timedelta) -> datetime | None:
        """The quick way of most questions; None when the answer is not to be had so."""
        year = self._often_asked.get(start.year) if start.tzinfo is UTC else None
        if year is None:
            return None
        position = bisect_right(year.starts, start) - 1
        end = year.ends[position]
        wanted += (start if start < end else end) - year.origins[position]
        if wanted > year.total:
            return None
        return year.origins[bisect_left(year.after, wanted)] + wanted

    def _elapsed_this_year(self, start: datetime, end: datetime) -> timedelta | None:
        """The quick way of most questions; None when the answer is not to be had so."""
        if start.tzinfo is not UTC or end.tzinfo is not UTC or start.year != end.year:
            return None
        year = self._often_asked.get(start.year)
        if year is None:
            return None
        first = bisect_right(year.starts, start) - 1
        last = bisect_right(year.starts, end) - 1
        first_end, last_end = year.ends[first], year.ends[last]
        return ((end if end < last_end else last_end) - year.origins[last]) - (
            (start if start < first_end else first_end) - year.origins[first]
        )

    def _due(self, start: datetime, microseconds: int) -> datetime:
        at = microseconds_of(start)
        year = self._year_of(start)
        if microseconds > 0:
            self._note_asked(year)
            return instant_of(self._forward(year, at, microseconds))
        if microseconds < 0:
            return instant_of(self._backward(year, at, -microseconds))
        return start.astimezone(UTC)

    def _elapsed(self, start: datetime, end: datetime) -> int:
        first, last = microseconds_of(start), microseconds_of(end)
        first_year, last_year = self._year_of(start), self._year_of(end)
        if last < first:
            return -self._elapsed(end, start)
        self._note_asked(first_year)
        opened = self._open_year(last_year).opened_by(last) - self._open_year(first_year).opened_by(first)
        for year in range(first_year, last_year):
            opened += self._open_year(year).total
        return opened

    def _note_asked(self, number: int) -> None:
        """A year that is asked time and again gets its quick form; one that is asked once does not pay for it."""
        asked = self._times_asked[number] = self._times_asked.get(number, 0) + 1
        if asked == _ASKED_OFTEN:
            self._often_asked[number] = self._open_year(number).as_instants()

    def _forward(self, number: int, at: int, microseconds: int) -> int:
        year = self._open_year(number)
        opened = year.opened_by(at)
        wanted = opened + microseconds
        if wanted > year.total:
            found = year.total - opened
            self._check_length(number, 1, at, microseconds)
            for following in self._years_from(number + 1):
                wanted -= year.total
                year = self._open_year(following)
                found += year.total
                if wanted <= year.total:
                    break
            else:
                raise self._unanswerable(instant_of(at), 1, found=found > 0)
        return wanted + year.origins[bisect_left(year.after, wanted)]

    def _backward(self, number: int, at: int, microseconds: int) -> int:
        year = self._open_year(number)
        # How far into the year's open time the answer lies; negative when it lies in an earlier year.
        kept = year.opened_by(at) - microseconds
        if kept < 0:
            found = kept + microseconds
            self._check_length(number, -1, at, microseconds)
            for previous in self._years_from(number - 1, -1):
                year = self._open_year(previous)
                found += year.total
                kept += year.total
                if kept >= 0:
                    break
            else:
                raise self._unanswerable(instant_of(at), -1, found=found > 0)
        return kept + year.origins[bisect_right(year.before, kept) - 1]

    def _closing(self, ordinal: int, year: int) -> int | None:
        """The UTC second at which a date's last window ends; None for a date without open time."""
        plan = self._resolve(year).special_days.get(ordinal)
        windows = self._weekly[(ordinal - 1) % 7] if plan is None else plan.windows
        midnight = (ordinal - EPOCH_ORDINAL) * SECONDS_PER_DAY
        offsets = self._resolve(year).offsets
        ends = [
            last_instant_before(
                offsets,
                midnight + window.start_minute * SECONDS_PER_MINUTE,
                midnight + window.end_minute * SECONDS_PER_MINUTE,
            )
            for window in windows
        ]
        return max((end for end in ends if end is not None), default=None)

    def _years_from(self, number: int, step: int = 1) -> range:
        """The covered years in one direction in which there can be open time."""
        first, last = self.days.first_year, self.days.last_year
        specification = self.days.specification
        if not specification.opens_every_week:
            # Only exceptions can open such a calendar: nothing is to be found beyond them.
            opening = [on.year for on, windows in specification.exceptions.items() if windows]
            first = max(first, min(opening) - 1) if opening else number + 1
            last = min(last, max(opening) + 1) if opening else number - 1
        return range(number, last + 1) if step > 0 else range(number, first - 1, -1)

    def _open_year(self, number: int) -> OpenYear:
        year = self._years.get(number)
        if year is None:
            year = self._years[number] = open_year(number, self._weekly, self._resolve(number))
        return year

    def _resolve(self, number: int) -> ResolvedYear:
        resolved = self._resolved.get(number)
        if resolved is None:
            resolved = self._resolved[number] = self.days.resolve(number)
        return resolved

    def _year_of(self, at: datetime) -> int:
        try:
            year = at.year if at.tzinfo is UTC else at.astimezone(UTC).year
        except OverflowError:
            raise self._out_of_range(at.isoformat()) from None
        if not self.days.first_year <= year <= self.days.last_year:
            raise self._out_of_range(at.isoformat())
        return year

    def _check_length(self, number: int, step: int, at: int, microseconds: int) -> None:
        """Refuses what cannot fit into the covered years without computing them all."""
        years = self.days.last_year - number if step > 0 else number - self.days.first_year
        if microseconds > (years + 1) * _LONGEST_YEAR_MICROSECONDS and self._years_from(number, step):
            raise self._unanswerable(instant_of(at), step, found=True)

    def _unanswerable(self, start: datetime, step: int, *, found: bool) -> CareloopError:
        """Some open time but too little before the covered years end, or none at all."""
        side = f"after {start.isoformat()}" if step > 0 else f"before {start.isoformat()}"
        if found and self.days.specification.opens_every_week:
            return self._out_of_range(f"The answer {side}")
        adverb = "not enough" if found else "no"
        edge = f"year {self.days.last_year if step > 0 else self.days.first_year}"
        return CalendarHasNoOpenTimeError(f"The calendar has {adverb} open time {side} up to {edge}.")

    def _out_of_range(self, what: str) -> CalendarYearOutOfRangeError:
        years = f"{self.days.first_year} to {self.days.last_year}"
        return CalendarYearOutOfRangeError(
            f"{what} lies outside the years {years} that this calendar covers."
        )
