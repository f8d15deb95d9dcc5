"""One UTC year of a calendar as sorted open intervals with cumulative open time.

Open means: the instant's wall-clock time lies in a window. So windows are united on the local clock
first, and each stretch of constant offset then carries its part of them to UTC: an hour the clocks
skip lies in no stretch, an hour they repeat lies in two.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from operator import sub

from services.sla.domain.calendars.public_data import OffsetSpan
from services.sla.domain.calendars.resolution import ResolvedYear
from services.sla.domain.calendars.windows import SECONDS_PER_MINUTE, Window

SECONDS_PER_DAY = 86_400
MICROSECONDS = 1_000_000
MINUTE = SECONDS_PER_MINUTE * MICROSECONDS
DAY = SECONDS_PER_DAY * MICROSECONDS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class OpenYear:
    """Open intervals of one UTC year, apart and in order, in microseconds since 1970.

    `before[i]` and `after[i]` are the open microseconds of the year up to the start and the end of
    interval i; `total` is the year's. `origins[i]` is where the year would have begun had it been open
    all the time up to interval i: an instant of the interval is its origin plus the open time until then.
    """

    starts: Sequence[int]
    ends: Sequence[int]
    before: Sequence[int]
    after: Sequence[int]
    origins: Sequence[int]
    total: int

    def as_instants(self) -> "InstantYear":
        """The same year for questions without any conversion."""
        starts, ends, origins = (
            list(map(instant_of, edges)) for edges in (self.starts, self.ends, self.origins)
        )
        lengths = [timedelta(0, opened // MICROSECONDS) for opened in (0, *self.after, self.total)]
        return InstantYear(
            [_LONG_AGO, *starts], [_LONG_AGO, *ends], [_LONG_AGO, *origins], lengths[:-1], lengths[-1]
        )

    def opened_by(self, at: int) -> int:
        """Open microseconds between the beginning of the year and `at`, an instant of this year."""
        position = bisect_right(self.starts, at) - 1
        if position < 0:
            return 0
        end = self.ends[position]
        return (at if at < end else end) - self.origins[position]


@dataclass(frozen=True, slots=True)
class InstantYear:
    """An `OpenYear` as aware UTC instants and lengths, after an empty interval long ago: so no instant precedes all."""

    starts: Sequence[datetime]
    ends: Sequence[datetime]
    origins: Sequence[datetime]
    after: Sequence[timedelta]
    total: timedelta


def microseconds_of(at: datetime) -> int:
    """Microseconds since 1970 of an aware instant, exactly. Raises TypeError for a naive one."""
    since = at - EPOCH
    return (since.days * SECONDS_PER_DAY + since.seconds) * MICROSECONDS + since.microseconds


def instant_of(microseconds: int) -> datetime:
    """The aware UTC instant."""
    seconds, rest = divmod(microseconds, MICROSECONDS)
    # Several times the speed of timedelta(microseconds=…).
    return EPOCH + timedelta(0, seconds, rest)


def open_year(year: int, weekly: Sequence[Sequence[Window]], resolved: ResolvedYear) -> OpenYear:
    """Computes the open intervals of a UTC year."""
    local_starts, local_ends = _local_intervals(year, weekly, resolved)
    first = (date(year, 1, 1).toordinal() - EPOCH_ORDINAL) * DAY
    last = (date(year + 1, 1, 1).toordinal() - EPOCH_ORDINAL) * DAY
    starts: list[int] = []
    ends: list[int] = []
    for span in resolved.offsets:
        offset = span.offset * MICROSECONDS
        span_first = max(span.start * MICROSECONDS, first)
        span_last = min(span.end * MICROSECONDS, last)
        low = bisect_right(local_ends, span_first + offset)
        high = bisect_left(local_starts, span_last + offset)
        if span_first >= span_last or low >= high:
            continue
        span_starts = [local - offset for local in local_starts[low:high]]
        span_ends = [local - offset for local in local_ends[low:high]]
        span_starts[0] = max(span_starts[0], span_first)
        span_ends[-1] = min(span_ends[-1], span_last)
        if ends and ends[-1] == span_starts[0]:
            ends.pop()
            del span_starts[0]
        starts += span_starts
        ends += span_ends
    after = list(accumulate(map(sub, ends, starts)))
    before = [0, *after[:-1]] if after else []
    return OpenYear(starts, ends, before, after, list(map(sub, ends, after)), after[-1] if after else 0)


def _local_intervals(
    year: int, weekly: Sequence[Sequence[Window]], resolved: ResolvedYear
) -> tuple[list[int], list[int]]:
    """The union of all windows on the local clock in microseconds, from the dates that can reach into the UTC year."""
    by_weekday = [_microseconds_of(windows) for windows in weekly]
    special_days = resolved.special_days
    starts: list[int] = []
    ends: list[int] = []
    latest = (date(year - 1, 1, 1).toordinal() - EPOCH_ORDINAL) * DAY
    for ordinal in range(date(year - 1, 12, 30).toordinal(), date(year + 1, 1, 3).toordinal()):
        plan = special_days.get(ordinal)
        windows = by_weekday[(ordinal - 1) % 7] if plan is None else _microseconds_of(plan.windows)
        midnight = (ordinal - EPOCH_ORDINAL) * DAY
        if windows and midnight + windows[0][0] <= latest:
            windows = _windows_after(latest - midnight, windows)
            # What crossed midnight meets this day's windows: united, so that nothing is counted twice.
            ends[-1] = latest = midnight + windows[0][1]
            windows = windows[1:]
        for start, end in windows:
            starts.append(midnight + start)
            ends.append(midnight + end)
        if windows:
            latest = ends[-1]
    return starts, ends


def _windows_after(open_until: int, windows: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """A day's windows when the day before stays open until `open_until`: the first one joins it."""
    joined = open_until
    rest = list(windows)
    while rest and rest[0][0] <= joined:
        joined = max(joined, rest.pop(0)[1])
    return [(0, joined), *rest]


def _microseconds_of(windows: Sequence[Window]) -> list[tuple[int, int]]:
    return [(start * MINUTE, end * MINUTE) for start, end in windows]


def offset_at(offsets: Sequence[OffsetSpan], seconds: int) -> int:
    """Seconds east of UTC at a UTC second that the spans cover."""
    for span in offsets:
        if seconds < span.end:
            return span.offset
    raise AssertionError("a resolved year's offsets cover the year and three days beyond")


def last_instant_before(offsets: Sequence[OffsetSpan], local_start: int, local_end: int) -> int | None:
    """When, in UTC seconds, the half-open stretch of local seconds is over for the last time.

    None when the clocks skip all of it.
    """
    ended = [
        min(local_end, span.end + span.offset) - span.offset
        for span in offsets
        if local_start < span.end + span.offset and local_end > span.start + span.offset
    ]
    return max(ended, default=None)
