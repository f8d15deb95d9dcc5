"""Due dates of the demo's clocks, worked out again from its two files and nothing else.

Written apart from the suite: it imports none of it. It knows calendars in their published JSON form, reads the wall
clock of every single minute (`zoneinfo`), and walks. Logs and windows have whole minutes, so minutes are exact; what
falls between them is refused rather than rounded.

The rules, as the specification has them:
- an instant is open when its wall-clock time lies in an open window; a window belongs to the day it starts on
- exception before holiday before the week
- due is the earliest instant with the target passed; what is left when a pause begins is left when it ends
- business days: the closing of the nth open date after the date of receipt; one that closes in a pause does not count
- a retarget leaves at least its notice: due is never before the notice has passed from then on
- fulfilled at the due instant is in time
"""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import holidays

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_A_DAY = 24 * 60
LONGEST_WALK_DAYS = 2 * 366
MINUTES_OF = {"business_minutes": 1, "business_hours": 60, "elapsed_hours": 60}

Interval = tuple[datetime, datetime | None]


def _minute_of(text: str) -> int:
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute)


@dataclass(frozen=True)
class ClockRow:
    """One row of the clocks CSV."""

    subject: str
    metric: str
    policy_version: str
    amount: int
    unit: str
    calendar: str
    started_at: datetime
    pauses: Sequence[Interval]
    due_at: datetime | None
    warned_at: datetime | None
    breached_at: datetime | None
    fulfilled_at: datetime | None
    state: str
    retargets: Sequence[Mapping[str, Any]]


class Calendar:
    """A calendar in its JSON form."""

    def __init__(self, form: Mapping[str, Any]) -> None:
        self.zone = ZoneInfo(form["timezone"])
        self.weekly = {
            day: [(_minute_of(a), _minute_of(b)) for a, b in windows]
            for day, windows in (form.get("weekly") or {}).items()
        }
        self.exceptions = {
            date.fromisoformat(day): [(_minute_of(a), _minute_of(b)) for a, b in windows]
            for day, windows in (form.get("exceptions") or {}).items()
        }
        source = form.get("holidays")
        self.public = (
            holidays.country_holidays(source["country"], subdiv=source.get("subdivision")) if source else {}
        )
        self._days: dict[date, bytes] = {}

    def windows(self, day: date) -> list[tuple[int, int]]:
        """Open windows of a local date in minutes after its midnight; the end may lie past 24:00."""
        if day in self.exceptions:
            return self.exceptions[day]
        if day in self.public:
            return []
        return self.weekly.get(WEEKDAYS[day.weekday()], [])

    def open_minutes(self, day: date) -> bytes:
        """One flag for each minute of a UTC day: whether its wall clock shows an open time."""
        if day not in self._days:
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
            self._days[day] = bytes(self._is_open(midnight + n * MINUTE) for n in range(MINUTES_A_DAY))
        return self._days[day]

    def closings(self, received_at: datetime) -> "list[datetime]":
        """When the open dates after the local date of receipt close, in order."""
        day = received_at.astimezone(self.zone).date()
        found = []
        for _ in range(LONGEST_WALK_DAYS):
            day += DAY
            windows = self.windows(day)
            if windows:
                found.append(self._at(day, max(end for _, end in windows)))
        return found

    def _is_open(self, at: datetime) -> bool:
        local = at.astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        today, yesterday = local.date(), local.date() - DAY
        return any(start <= minute < end for start, end in self.windows(today)) or any(
            start <= minute + MINUTES_A_DAY < end for start, end in self.windows(yesterday)
        )

    def _at(self, day: date, minute: int) -> datetime:
        wall = datetime(day.year, day.month, day.day) + minute * MINUTE
        return wall.replace(tzinfo=self.zone).astimezone(UTC)


ALWAYS = Calendar({"timezone": "UTC", "weekly": {day: [["00:00", "24:00"]] for day in WEEKDAYS}})


def read_clocks(path: Path) -> list[ClockRow]:
    """The rows of the clocks CSV."""
    with path.open(newline="", encoding="utf-8") as file:
        return [_row(fields) for fields in csv.DictReader(file)]


def read_calendars(path: Path) -> dict[str, Calendar]:
    """The calendars of the report, by name."""
    forms: dict[str, Mapping[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["calendars"]
    return {name: Calendar(form) for name, form in forms.items()}


def due_of(row: ClockRow, calendars: Mapping[str, Calendar], *, with_pauses: bool = True) -> datetime:
    """When the clock was or would be due, had it gone on running after its end.

    `with_pauses=False` is deliberately wrong; it is there to show that the comparison would notice.
    """
    pauses = [pause for pause in row.pauses if pause[1] is not None] if with_pauses else []
    calendar = calendars[row.calendar] if row.calendar else ALWAYS
    if row.unit == "business_days":
        return _nth_closing(calendar, row.started_at, row.amount, pauses)
    minutes = MINUTES_OF[row.unit] * row.amount
    on = ALWAYS if row.unit == "elapsed_hours" else calendar
    return _after_pause(_walk(on, row.started_at, minutes, pauses), pauses)


def differences(
    rows: Sequence[ClockRow], calendars: Mapping[str, Calendar], until: datetime, *, with_pauses: bool = True
) -> list[str]:
    """What the file says otherwise than the walk does: due dates, breaches and final states, one line each.

    until  the end of the replay: what was not yet due then was not breached
    """
    found = []
    for row in rows:
        for fact, said, right in _facts(row, calendars, until, with_pauses):
            if said != right:
                found.append(f"{row.subject} {row.metric}: {fact} is {said}, should be {right}")
    return found


def _facts(
    row: ClockRow, calendars: Mapping[str, Calendar], until: datetime, with_pauses: bool
) -> list[tuple[str, Any, Any]]:
    stands_still = bool(row.pauses) and row.pauses[-1][1] is None
    breaches = []
    # Each target counted from the start on, until the next one replaced it.
    stages = [_with_target(row, retarget["from"]) for retarget in row.retargets]
    for place, stage in enumerate(stages):
        due = _due_of_stage(stage, row.retargets[:place], calendars, with_pauses)
        if due < _instant(row.retargets[place]["at"]):
            breaches.append(due)
    due = _due_of_stage(row, row.retargets, calendars, with_pauses)
    ends_at = row.fulfilled_at or until
    if due < ends_at and not (stands_still and row.pauses[-1][0] <= due):
        breaches.append(due)
    facts: list[tuple[str, Any, Any]] = [("breached_at", row.breached_at, min(breaches, default=None))]
    if not stands_still:
        facts.append(("due_at", row.due_at, due))
    if row.fulfilled_at is not None:
        facts.append(("state", row.state, "missed" if breaches else "met"))
    return facts


def _due_of_stage(
    row: ClockRow,
    retargets_before: Sequence[Mapping[str, Any]],
    calendars: Mapping[str, Calendar],
    with_pauses: bool,
) -> datetime:
    plain = due_of(row, calendars, with_pauses=with_pauses)
    if not retargets_before:
        return plain
    return max(plain, _after_notice(row, retargets_before[-1], calendars, with_pauses))


def _after_notice(
    row: ClockRow, retarget: Mapping[str, Any], calendars: Mapping[str, Calendar], with_pauses: bool
) -> datetime:
    """When the notice that a retarget left at least has passed, from the retarget on."""
    at, notice = _instant(retarget["at"]), float(retarget["notice"])
    calendar = calendars[row.calendar] if row.calendar else ALWAYS
    pauses = [pause for pause in row.pauses if pause[1] is not None] if with_pauses else []
    if row.unit == "business_days":
        ends = [end for end in calendar.closings(row.started_at) if end >= at and not _in_pause(end, pauses)]
        return ends[int(notice) - 1] if notice >= 1 else at
    minutes = MINUTES_OF[row.unit] * notice
    if minutes != int(minutes):
        raise ValueError(f"{row.subject}: a notice of {notice} {row.unit} is no whole number of minutes")
    on = ALWAYS if row.unit == "elapsed_hours" else calendar
    return _after_pause(_walk(on, at, int(minutes), pauses), pauses)


def _walk(calendar: Calendar, start: datetime, minutes: int, pauses: Sequence[Interval]) -> datetime:
    """The earliest instant with so many open, unpaused minutes since `start`."""
    if start.second or start.microsecond:
        raise ValueError(f"{start} is not on a whole minute")
    at, left = start, minutes
    for _ in range(LONGEST_WALK_DAYS):
        if left == 0:
            return at
        flags = calendar.open_minutes(at.date())
        for minute in range(at.hour * 60 + at.minute, MINUTES_A_DAY):
            if left == 0:
                return at
            if flags[minute] and not _in_pause(at, pauses):
                left -= 1
            at += MINUTE
    raise ValueError(f"not reached within {LONGEST_WALK_DAYS} days of {start}")


def _after_pause(at: datetime, pauses: Sequence[Interval]) -> datetime:
    """What is reached just as a pause begins is reached when it ends: the pause comes first."""
    for start, end in sorted(pauses):
        if end is not None and start <= at < end:
            at = end
    return at


def _nth_closing(calendar: Calendar, received_at: datetime, n: int, pauses: Sequence[Interval]) -> datetime:
    counted = [end for end in calendar.closings(received_at) if not _in_pause(end, pauses)]
    return counted[n - 1]


def _in_pause(at: datetime, pauses: Sequence[Interval]) -> bool:
    return any(start <= at and (end is None or at < end) for start, end in pauses)


def _with_target(row: ClockRow, target: Mapping[str, Any]) -> ClockRow:
    facts = {**vars(row), "amount": target["amount"], "unit": target["unit"], "calendar": target["calendar"]}
    return ClockRow(**facts)


def _row(fields: Mapping[str, str]) -> ClockRow:
    amount, _, unit = fields["target"].partition(" ")
    return ClockRow(
        subject=fields["external_number"],
        metric=fields["metric"],
        policy_version=fields["policy_version"],
        amount=int(amount),
        unit=unit.replace(" ", "_"),
        calendar=fields["calendar"],
        started_at=_instant(fields["started_at"]),
        pauses=[
            (_instant(start), None if end is None else _instant(end))
            for start, end in json.loads(fields["pauses"])
        ],
        due_at=_maybe(fields["due_at"]),
        warned_at=_maybe(fields["warned_at"]),
        breached_at=_maybe(fields["breached_at"]),
        fulfilled_at=_maybe(fields["fulfilled_at"]),
        state=fields["state"],
        retargets=json.loads(fields["retargets"]),
    )


def _maybe(text: str) -> datetime | None:
    return _instant(text) if text else None


@cache
def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
