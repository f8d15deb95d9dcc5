"""What a consumer of `sla.events` saw, noted in a file outside the system, and what is wrong with it."""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from shared.events.transport.base import IncomingRecord

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (event_id TEXT PRIMARY KEY, key TEXT, sequence INTEGER, place INTEGER);
CREATE TABLE IF NOT EXISTS thresholds (clock_id TEXT, kind TEXT, level INTEGER, at TEXT);
"""


class Effect(NamedTuple):
    """A threshold that took effect. Repeats and armings of one level differ in their instants."""

    clock_id: UUID
    kind: str
    level: int
    at: datetime


class Journal:
    """An SQLite file. An event that is delivered again (same id) is noted once, as any consumer's inbox would."""

    def __init__(self, path: Path) -> None:
        self._file = sqlite3.connect(path)
        self._file.executescript(_SCHEMA)
        self._count = 0

    def note(self, records: Iterable[IncomingRecord]) -> None:
        """Safe on return."""
        with self._file:
            for record in records:
                header = {name.removeprefix("ce_"): value for name, value in record.headers.items()}
                self._count += 1
                new = self._file.execute(
                    "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?)",
                    (header["id"], record.key, int(header["sequence"]), self._count),
                )
                if new.rowcount:
                    self._file.executemany(
                        "INSERT INTO thresholds VALUES (?, ?, ?, ?)",
                        _thresholds(header["type"], json.loads(record.value)),
                    )

    def effects(self) -> Counter[Effect]:
        """How often each threshold was published."""
        rows = self._file.execute("SELECT clock_id, kind, level, at FROM thresholds")
        return Counter(
            Effect(UUID(clock_id), kind, level, datetime.fromisoformat(at))
            for clock_id, kind, level, at in rows
        )

    def gaps(self) -> list[str]:
        """Keys whose events did not come as 1, 2, 3."""
        by_key: dict[str, list[int]] = defaultdict(list)
        for key, sequence in self._file.execute("SELECT key, sequence FROM events ORDER BY place"):
            by_key[key].append(sequence)
        return [
            f"out of order: {key}: {seen}"
            for key, seen in by_key.items()
            if seen != list(range(1, len(seen) + 1))
        ]

    def close(self) -> None:
        self._file.close()


def _thresholds(event_type: str, payload: dict[str, Any]) -> Iterator[tuple[str, str, int, str]]:
    if event_type == "sla.clock_breached.v1":
        yield payload["clock_id"], "breach", 0, payload["breached_at"]
    elif event_type == "sla.clock_warned.v1":
        yield payload["clock_id"], "warning", payload["level"], payload["threshold_at"]
    elif event_type == "sla.escalation_due.v1":
        yield payload["clock_id"], "escalation", payload["level"], payload["threshold_at"]
    elif event_type == "sla.escalation_digest.v1":
        for item in payload["items"]:
            yield item["clock_id"], item["kind"], item["level"], item["threshold_at"]


def faults(
    seen: Counter[Effect], expected: Counter[Effect], journalled: Counter[Effect], gaps: Sequence[str]
) -> list[str]:
    """What was published twice, never or falsely; what the system's own journal says otherwise."""
    wrong = list(gaps)
    for effect in seen.keys() | expected.keys():
        found, right = seen[effect], expected[effect]
        if found != right:
            name = "double" if found > right > 0 else "missing" if found < right else "false"
            wrong.append(f"{name}: {effect.kind} {effect.level} of {effect.clock_id} at {effect.at}: {found}")
    wrong += [
        f"published {seen[effect]} times, journalled {journalled[effect]} times: {effect}"
        for effect in seen.keys() | journalled.keys()
        if seen[effect] != journalled[effect]
    ]
    return sorted(wrong)
