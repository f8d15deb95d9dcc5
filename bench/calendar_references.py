"""The references of the calendar bench: `pandas` and `businesstimedelta`, in a process and environment of their own.

Reads one JSON object (calendars and questions), then lines with the name of a library and what it is asked
(`due`, `elapsed`); answers each with a line: the library's answers and the processor seconds that they took.
Everything that can be made beforehand (offsets, rules, parsed instants) is made outside the time.
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from datetime import time as wall_time
from typing import Any

import businesstimedelta
import pandas as pd
import pytz
from pandas.tseries.offsets import CustomBusinessHour

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Ask = Callable[[], Any]


class Pandas:
    """`Timestamp + CustomBusinessHour(n)`; whole hours between instants by counting a `date_range`."""

    def __init__(self, calendar: dict[str, Any]) -> None:
        self.zone = calendar["timezone"]
        self.offsets: dict[int, CustomBusinessHour] = {}
        windows = calendar["windows"]
        self.options = {
            "start": [opens for opens, _ in windows],
            "end": [closes for _, closes in windows],
            "weekmask": " ".join(day.capitalize() for day in calendar["days"]),
            "holidays": calendar["holidays"],
        }

    def instant(self, text: str) -> pd.Timestamp:
        return pd.Timestamp(text).tz_convert(self.zone)

    def hours(self, hours: int) -> CustomBusinessHour:
        if hours not in self.offsets:
            self.offsets[hours] = CustomBusinessHour(hours, **self.options)
        return self.offsets[hours]

    def due(self, question: dict[str, Any]) -> Ask:
        start, offset = self.instant(question["start"]), self.hours(question["hours"])
        return lambda: start + offset

    def elapsed(self, question: dict[str, Any]) -> Ask:
        start, end, hour = self.instant(question["start"]), self.instant(question["end"]), self.hours(1)
        return lambda: len(pd.date_range(start, end, freq=hour)) - 1

    @staticmethod
    def shown(answer: Any) -> Any:
        return answer if isinstance(answer, int) else answer.tz_convert("UTC").isoformat()


class BusinessTimeDelta:
    """`datetime + BusinessTimeDelta(hours=n)` and `Rules.difference`."""

    def __init__(self, calendar: dict[str, Any]) -> None:
        self.zone = pytz.timezone(calendar["timezone"])
        days = [WEEKDAYS.index(day) for day in calendar["days"]]
        opened = [
            businesstimedelta.WorkDayRule(
                wall_time.fromisoformat(opens), wall_time.fromisoformat(closes), days, self.zone
            )
            for opens, closes in calendar["windows"]
        ]
        closed = {date.fromisoformat(on): "" for on in calendar["holidays"]}
        # Without any holiday its HolidayRule fails.
        holidays = [businesstimedelta.HolidayRule(closed, tz=self.zone)] if closed else []
        self.rules = businesstimedelta.Rules([*opened, *holidays])

    def instant(self, text: str) -> Any:
        return pd.Timestamp(text).to_pydatetime().astimezone(self.zone)

    def due(self, question: dict[str, Any]) -> Ask:
        start = self.instant(question["start"])
        length = businesstimedelta.BusinessTimeDelta(self.rules, hours=question["hours"])
        return lambda: start + length

    def elapsed(self, question: dict[str, Any]) -> Ask:
        start, end = self.instant(question["start"]), self.instant(question["end"])
        return lambda: self.rules.difference(start, end)

    @staticmethod
    def shown(answer: Any) -> Any:
        if hasattr(answer, "timedelta"):
            return answer.timedelta / timedelta(hours=1)
        return answer.astimezone(pytz.utc).isoformat()


LIBRARIES = {"pandas": Pandas, "businesstimedelta": BusinessTimeDelta}


def main() -> None:
    given = json.loads(sys.stdin.readline())
    prepared: dict[tuple[str, str], list[Ask]] = {}
    for name, library in LIBRARIES.items():
        calendars = [library(calendar) for calendar in given["calendars"]]
        for kind, questions in given["questions"].items():
            prepared[name, kind] = [getattr(calendars[asked["calendar"]], kind)(asked) for asked in questions]
    for line in sys.stdin:
        name, kind = line.split()
        asked = prepared[name, kind]
        started = time.process_time()
        answers = [ask() for ask in asked]
        seconds = time.process_time() - started
        shown = [LIBRARIES[name].shown(answer) for answer in answers]
        sys.stdout.write(json.dumps({"answers": shown, "seconds": seconds}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
