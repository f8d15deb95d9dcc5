"""Windows: the stretches of a local day in which work is done."""

import itertools
import re
from typing import NamedTuple

from shared.kernel.errors import FieldError

MINUTES_PER_DAY = 24 * 60
SECONDS_PER_MINUTE = 60

_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")


class Window(NamedTuple):
    """Half-open, in minutes of wall-clock time after the local midnight that begins the day.

    A window that crosses midnight ends after 1,440: it belongs to the day it starts on.
    """

    start_minute: int
    end_minute: int

    def to_json(self) -> list[str]:
        """`["22:00", "06:00"]`."""
        end_minute = self.end_minute
        if end_minute > MINUTES_PER_DAY:
            end_minute -= MINUTES_PER_DAY
        return [_text_of(self.start_minute), _text_of(end_minute)]


def read_windows(value: object, field: str, errors: list[FieldError]) -> tuple[Window, ...]:
    """The windows of one day, sorted. What is wrong is appended to `errors`, named under `field`."""
    if not isinstance(value, list | tuple):
        errors.append(FieldError(field, "list", 'A day is a list of windows such as [["09:00", "17:00"]].'))
        return ()
    windows: list[tuple[Window, str]] = []
    for position, item in enumerate(value):
        path = f"{field}[{position}]"
        window = _read_window(item, path, errors)
        if window is not None:
            windows.append((window, path))
    windows.sort()
    for (earlier, _), (later, path) in itertools.pairwise(windows):
        if later.start_minute < earlier.end_minute:
            both = f"{_range_of(later)} overlaps {_range_of(earlier)} of the same day"
            message = f"{both}; windows may touch, not overlap."
            errors.append(FieldError(path, "overlap", message))
    return tuple(window for window, _ in windows)


def _read_window(item: object, field: str, errors: list[FieldError]) -> Window | None:
    if not isinstance(item, list | tuple) or len(item) != 2:
        errors.append(FieldError(field, "window", 'A window is a pair such as ["09:00", "17:00"].'))
        return None
    start_minute = _read_time(item[0], f"{field}[0]", errors)
    end_minute = _read_time(item[1], f"{field}[1]", errors)
    if start_minute is None or end_minute is None:
        return None
    if start_minute == MINUTES_PER_DAY:
        message = "A window cannot start at 24:00; write 00:00 of the following day."
        errors.append(FieldError(f"{field}[0]", "time", message))
        return None
    if start_minute == end_minute:
        message = "A window must not be empty; a whole day is 00:00 to 24:00."
        errors.append(FieldError(field, "empty", message))
        return None
    if end_minute < start_minute:
        end_minute += MINUTES_PER_DAY
    return Window(start_minute, end_minute)


def _read_time(value: object, field: str, errors: list[FieldError]) -> int | None:
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        errors.append(FieldError(field, "time", "A time is HH:MM from 00:00 to 24:00."))
        return None
    if match[1] is None:
        return MINUTES_PER_DAY
    return int(match[1]) * 60 + int(match[2])


def _text_of(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _range_of(window: Window) -> str:
    return "–".join(window.to_json())
