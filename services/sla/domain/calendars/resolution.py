"""From what is written to what holds on each date: holidays, make-up workdays and offsets resolved."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from services.sla.domain.calendars import public_data
from services.sla.domain.calendars.errors import CalendarYearOutOfRangeError
from services.sla.domain.calendars.public_data import OffsetSpan, PublicYear
from services.sla.domain.calendars.specification import FIRST_YEAR, LAST_YEAR, CalendarSpecification
from services.sla.domain.calendars.windows import Window
from shared.kernel.errors import FieldError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_SECOND = timedelta(seconds=1)
_NO_PUBLIC_DAYS = PublicYear({}, {})


class DayKind(StrEnum):
    """What decides a date's windows, the first that applies."""

    EXCEPTION = "exception"
    MAKEUP_WORKDAY = "makeup_workday"
    HOLIDAY = "holiday"
    WEEKLY = "weekly"


class DayPlan(NamedTuple):
    """A date's windows and why it has them. `name`: the holiday's, or the date that a make-up workday replaces."""

    kind: DayKind
    windows: tuple[Window, ...]
    name: str | None


class ResolvedYear(NamedTuple):
    """What one UTC year needs: dates that do not follow the week (by ordinal) and the zone's offsets.

    Both reach a few days into the neighbouring years, because local dates and windows across midnight do.
    """

    special_days: Mapping[int, DayPlan]
    offsets: Sequence[OffsetSpan]


class CalendarDays(Protocol):
    """Where a timeline gets its days from: a stored calendar version, or a specification resolved as needed."""

    @property
    def specification(self) -> CalendarSpecification: ...
    @property
    def first_year(self) -> int: ...
    @property
    def last_year(self) -> int: ...
    def resolve(self, year: int) -> ResolvedYear:
        """What a covered UTC year needs."""


@dataclass(frozen=True)
class ResolvedCalendar:
    """A calendar version whose dates no longer depend on any installed data.

    Covers the UTC years `first_year` to `last_year`. `makeup_workdays` maps each to the day off it
    works for. `data_versions` names the releases of `holidays` (null when not used) and `tzdata`
    that gave the dates. Its JSON form gives the same answers after any upgrade.
    """

    specification: CalendarSpecification
    first_year: int
    last_year: int
    holidays: Mapping[date, str]
    makeup_workdays: Mapping[date, date]
    offsets: tuple[OffsetSpan, ...]
    data_versions: Mapping[str, str | None]

    def resolve(self, year: int) -> ResolvedYear:
        """What a covered UTC year needs."""
        start, end = _reach_of(year)
        return ResolvedYear(self._special_days, tuple(_cut(self.offsets, start, end)))

    def days_out_of_week(self) -> list[tuple[date, DayPlan]]:
        """The dates of the covered years that do not follow the week, in order."""
        first, last = date(self.first_year, 1, 1), date(self.last_year, 12, 31)
        dated = ((date.fromordinal(ordinal), plan) for ordinal, plan in sorted(self._special_days.items()))
        return [(on, plan) for on, plan in dated if first <= on <= last]

    @cached_property
    def _special_days(self) -> Mapping[int, DayPlan]:
        return _special_days(self.specification, PublicYear(self.holidays, self.makeup_workdays))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; offsets as pairs of the first UTC second since 1970 and the seconds east of UTC."""
        return {
            "specification": self.specification.to_json(),
            "first_year": self.first_year,
            "last_year": self.last_year,
            "holidays": {on.isoformat(): name for on, name in self.holidays.items()},
            "makeup_workdays": {on.isoformat(): off.isoformat() for on, off in self.makeup_workdays.items()},
            "offsets": [[span.start, span.offset] for span in self.offsets],
            "data_versions": dict(self.data_versions),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "ResolvedCalendar":
        """Reads what `to_json` gave, without asking the installed data anything."""
        starts = [start for start, _ in stored["offsets"]]
        ends = [*starts[1:], _reach_of(stored["last_year"])[1]]
        return cls(
            specification=CalendarSpecification.restore(stored["specification"]),
            first_year=stored["first_year"],
            last_year=stored["last_year"],
            holidays={date.fromisoformat(on): name for on, name in stored["holidays"].items()},
            makeup_workdays={
                date.fromisoformat(on): date.fromisoformat(off)
                for on, off in stored["makeup_workdays"].items()
            },
            offsets=tuple(
                OffsetSpan(start, end, offset)
                for (start, offset), end in zip(stored["offsets"], ends, strict=True)
            ),
            data_versions=dict(stored["data_versions"]),
        )


@dataclass(frozen=True)
class LiveCalendar:
    """A specification resolved year by year from the installed data, over every supported year.

    For questions that nobody needs answered again tomorrow; a promise needs a ResolvedCalendar.
    """

    specification: CalendarSpecification
    first_year: int = FIRST_YEAR
    last_year: int = LAST_YEAR

    def resolve(self, year: int) -> ResolvedYear:
        """What a supported UTC year needs."""
        offsets = public_data.offset_spans(self.specification.timezone, year)
        return ResolvedYear(
            _special_days(self.specification, _public_days(self.specification, year)), offsets
        )


def materialise(specification: CalendarSpecification, years: range) -> ResolvedCalendar:
    """Resolves every date of consecutive years from the installed data, to be stored.

    Raises CalendarYearOutOfRangeError unless the years lie in FIRST_YEAR to LAST_YEAR.
    """
    if not years or years.step != 1 or years[0] < FIRST_YEAR or years[-1] > LAST_YEAR:
        message = f"Years to resolve are consecutive and lie in {FIRST_YEAR} to {LAST_YEAR}."
        raise CalendarYearOutOfRangeError(message, field_errors=[FieldError("years", "range", message)])
    holidays: dict[date, str] = {}
    makeup_workdays: dict[date, date] = {}
    offsets: list[OffsetSpan] = []
    for year in years:
        public_days = _public_days(specification, year)
        holidays |= public_days.holidays
        makeup_workdays |= public_days.makeup_workdays
        for span in public_data.offset_spans(specification.timezone, year):
            if not offsets:
                offsets.append(span)
            elif span.end > offsets[-1].end:
                # Years overlap by a few days: what the earlier one covered is not repeated.
                if span.offset == offsets[-1].offset:
                    offsets[-1] = offsets[-1]._replace(end=span.end)
                else:
                    offsets.append(span._replace(start=max(span.start, offsets[-1].end)))
    return ResolvedCalendar(
        specification=specification,
        first_year=years[0],
        last_year=years[-1],
        holidays=dict(sorted(holidays.items())),
        makeup_workdays=dict(sorted(makeup_workdays.items())),
        offsets=tuple(offsets),
        data_versions={
            "holidays": public_data.holidays_version() if specification.holidays else None,
            "tzdata": public_data.tzdata_version(specification.timezone),
        },
    )


def _public_days(specification: CalendarSpecification, year: int) -> PublicYear:
    """Holidays and make-up workdays of a UTC year and of the few days around it."""
    source = specification.holidays
    if source is None:
        return _NO_PUBLIC_DAYS
    public_days = public_data.public_year(source.country, source.subdivision, year)
    return public_days if source.makeup_workdays else public_days._replace(makeup_workdays={})


def _special_days(specification: CalendarSpecification, public_days: PublicYear) -> dict[int, DayPlan]:
    """Exception before make-up workday before holiday; all other dates follow the week."""
    days = {on.toordinal(): DayPlan(DayKind.HOLIDAY, (), name) for on, name in public_days.holidays.items()}
    for on, off in public_days.makeup_workdays.items():
        windows = specification.weekly[off.weekday()]
        days[on.toordinal()] = DayPlan(DayKind.MAKEUP_WORKDAY, windows, off.isoformat())
    for on, windows in specification.exceptions.items():
        days[on.toordinal()] = DayPlan(DayKind.EXCEPTION, windows, None)
    return days


def _reach_of(year: int) -> tuple[int, int]:
    """UTC seconds between which a year's offsets are kept: three days more at each end."""
    start_at = datetime(year, 1, 1, tzinfo=UTC) - public_data.COVERED_BEYOND_YEAR
    end_at = datetime(year + 1, 1, 1, tzinfo=UTC) + public_data.COVERED_BEYOND_YEAR
    return (start_at - _EPOCH) // _ONE_SECOND, (end_at - _EPOCH) // _ONE_SECOND


def _cut(spans: Sequence[OffsetSpan], start: int, end: int) -> Iterator[OffsetSpan]:
    for span in spans:
        if span.start < end and span.end > start:
            yield OffsetSpan(max(span.start, start), min(span.end, end), span.offset)
