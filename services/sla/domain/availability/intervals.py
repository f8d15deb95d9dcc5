"""Arithmetic of half-open intervals of time. Lists of them are ordered and apart from each other."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

_MICROSECOND = timedelta(microseconds=1)


class Interval(NamedTuple):
    """[start, end); without length it is none."""

    start: datetime
    end: datetime

    @property
    def microseconds(self) -> int:
        return max((self.end - self.start) // _MICROSECOND, 0)


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """What any of them covers, each instant once."""
    joined: list[Interval] = []
    for one in sorted(one for one in intervals if one.start < one.end):
        if joined and one.start <= joined[-1].end:
            joined[-1] = Interval(joined[-1].start, max(joined[-1].end, one.end))
        else:
            joined.append(one)
    return joined


def intersect(first: Sequence[Interval], second: Sequence[Interval]) -> list[Interval]:
    """What both of two ordered lists cover."""
    shared: list[Interval] = []
    i = j = 0
    while i < len(first) and j < len(second):
        start = max(first[i].start, second[j].start)
        end = min(first[i].end, second[j].end)
        if start < end:
            shared.append(Interval(start, end))
        if first[i].end <= second[j].end:
            i += 1
        else:
            j += 1
    return shared


def subtract(intervals: Sequence[Interval], removed: Sequence[Interval]) -> list[Interval]:
    """What the first of two ordered lists covers and the second does not."""
    left: list[Interval] = []
    place = 0
    for one in intervals:
        start = one.start
        while place < len(removed) and removed[place].end <= start:
            place += 1
        index = place
        while index < len(removed) and removed[index].start < one.end:
            if start < removed[index].start:
                left.append(Interval(start, removed[index].start))
            start = max(start, removed[index].end)
            index += 1
        if start < one.end:
            left.append(Interval(start, one.end))
    return left


def clip(intervals: Sequence[Interval], window: Interval) -> list[Interval]:
    """What an ordered list covers of a window."""
    return intersect(intervals, [window])


def total(intervals: Iterable[Interval]) -> int:
    """Microseconds that an ordered list covers."""
    return sum(one.microseconds for one in intervals)


def where_at_least(count: int, lists: Iterable[Iterable[Interval]]) -> list[Interval]:
    """Where at least `count` of the lists have an interval at once."""
    edges = sorted(
        edge for intervals in lists for one in union(intervals) for edge in ((one.start, 1), (one.end, -1))
    )
    found: list[Interval] = []
    depth = 0
    since: datetime | None = None
    for at, step in edges:
        depth += step
        if depth >= count and since is None:
            since = at
        elif depth < count and since is not None:
            found.append(Interval(since, at))
            since = None
    return union(found)
