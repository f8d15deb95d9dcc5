"""The clocks of the demo as rows that anyone can recompute, and the CSV of them."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COLUMNS = (
    "external_number",
    "metric",
    "policy_version",
    "target",
    "calendar",
    "started_at",
    "pauses",
    "due_at",
    "warned_at",
    "breached_at",
    "fulfilled_at",
    "state",
    "retargets",
)


@dataclass(frozen=True, slots=True)
class ClockRow:
    """One clock. Instants are ISO 8601 in UTC, absent ones None.

    target     amount and unit, e.g. `36 business_hours`
    calendar   its name in the report's `calendars`; None where every second counts
    pauses     intervals [start, end) in which it stood still; the last may be open
    retargets  each change to another target while it ran, oldest first: `at`, what counted before (`from`: amount,
               unit, calendar) and the `notice` that the new target leaves at least, in its unit
    group      what attainment is counted by: the ticket's priority, or `complaint`
    """

    external_number: str
    metric: str
    agreement: str
    group: str
    policy_version: str
    target: str
    calendar: str | None
    started_at: str
    pauses: Sequence[Sequence[str | None]]
    due_at: str | None
    warned_at: str | None
    breached_at: str | None
    fulfilled_at: str | None
    state: str
    retargets: Sequence[Mapping[str, Any]]


def write_clocks(path: Path, rows: Iterable[ClockRow]) -> None:
    """One row a clock, in the order of subject, metric and start: the same for the same replay."""
    ordered = sorted(rows, key=lambda row: (row.external_number, row.metric, row.started_at))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in ordered:
            writer.writerow([_cell(getattr(row, column)) for column in COLUMNS])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
