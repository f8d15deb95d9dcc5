"""What was published: partitions by time, archives, and publishing it again.

`published_events` is partitioned by day of the event's id (UUIDv7 begins with milliseconds since 1970). Days
are made ahead; what falls into no day goes to the default partition, from which its day is made later.
"""

import asyncio
import gzip
import json
import os
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from shared.db.database import Database
from shared.events.relay import AS_TEXT, MAX_BATCH, outgoing
from shared.events.transport.base import Acknowledged, BrokerUnavailableError, Failed, Outcome, Transport
from shared.kernel.errors import UnavailableError

log = structlog.get_logger(__name__)

PREFIX = "published_events_"
ATTEMPTS = 10
BACKOFF_SECONDS = 1.0
_LOCK = 7_021_997
_LOCK_TIMEOUT = "5s"

_PARTITIONS = """
SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'published_events'::regclass AND c.relname ~ '^published_events_[0-9]{8}$' ORDER BY 1
"""
_SINCE = f"SELECT {AS_TEXT} FROM published_events WHERE event_id >= $1 ORDER BY outbox_id"  # noqa: S608


class RepublishInterruptedError(UnavailableError):
    """Not all events could be published again; run it again from the same moment, nothing happens twice."""


@dataclass(frozen=True)
class Day:
    """One day's partition of `published_events`."""

    of: date

    @property
    def name(self) -> str:
        return f"{PREFIX}{self.of:%Y%m%d}"

    @property
    def bounds(self) -> tuple[UUID, UUID]:
        """Half-open range of ids made on that day (UTC)."""
        start = datetime.combine(self.of, time(), UTC)
        return first_id_of(start), first_id_of(start + timedelta(days=1))

    @classmethod
    def named(cls, name: str) -> "Day":
        return cls(datetime.strptime(name.removeprefix(PREFIX), "%Y%m%d").replace(tzinfo=UTC).date())


def first_id_of(at: datetime) -> UUID:
    """The least UUIDv7 that can have been made at `at`."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


async def days(connection: Any) -> list[Day]:
    """The days that have a partition, oldest first."""
    return [Day.named(row["name"]) for row in await connection.fetch(_PARTITIONS)]


async def make_days(database: Database, first: date, count: int) -> list[Day]:
    """Make the partitions of `count` days from `first` that are missing, with what waits in the default one."""
    made = []
    async with database.session() as session:
        connection = session.connection
        existing = {day.of for day in await days(connection)}
        for offset in range(count):
            day = Day(first + timedelta(days=offset))
            if day.of not in existing:
                async with connection.transaction():
                    await _make(connection, day)
                made.append(day)
    return made


async def archive(database: Database, day: Day, directory: Path) -> Path:
    """Write a day's events to `<directory>/<partition>.ndjson.gz`, in order, then drop the partition."""
    await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
    target = directory / f"{day.name}.ndjson.gz"
    partial = target.with_suffix(".partial")
    async with database.session() as session:
        connection = session.connection
        async with connection.transaction():
            written = 0
            query = f"SELECT row_to_json(p)::text AS line FROM {day.name} p ORDER BY outbox_id"  # noqa: S608
            with gzip.open(partial, "wt", encoding="utf-8") as file:
                batch: list[str] = []
                async for row in connection.cursor(query, prefetch=MAX_BATCH):
                    batch.append(row["line"])
                    if len(batch) == MAX_BATCH:
                        await asyncio.to_thread(_write, file, batch)
                        written += len(batch)
                        batch = []
                await asyncio.to_thread(_write, file, batch)
            await asyncio.to_thread(_settle, partial, target)
            await _drop(connection, day)
    log.info("published_events_archived", partition=day.name, events=written + len(batch))
    return target


async def drop(database: Database, day: Day) -> None:
    """Drop a day's events for good."""
    async with database.session() as session, session.connection.transaction():
        await _drop(session.connection, day)
    log.info("published_events_dropped", partition=day.name)


async def republish(
    source: str,
    database: Database,
    transport: Transport,
    since: datetime,
    *,
    directory: Path | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> int:
    """Publish again, under the same ids and in order, all events recorded since `since`; how many.

    Consumers that know them leave them alone; a new one starts from history. With `directory`, archived days
    come first. Raises `RepublishInterruptedError` when the broker does not take them within ten attempts.
    """
    count = 0
    async with aclosing(_history(database, since, directory)) as batches:
        async for rows in batches:
            await _publish_all(transport, [outgoing(source, row) for row in rows])
            count += len(rows)
            if on_progress is not None:
                on_progress(count)
    log.info("events_republished", service=source, count=count)
    return count


async def _history(
    database: Database, since: datetime, directory: Path | None
) -> AsyncGenerator[Sequence[Mapping[str, Any]], None]:
    first = first_id_of(since)
    for path in await asyncio.to_thread(_archives, directory, since):
        rows = await asyncio.to_thread(_read, path)
        wanted = [row for row in rows if UUID(row["event_id"]) >= first]
        for start in range(0, len(wanted), MAX_BATCH):
            yield wanted[start : start + MAX_BATCH]
    async with database.session() as session, session.connection.transaction():
        batch: list[Mapping[str, Any]] = []
        async for row in session.connection.cursor(_SINCE, first, prefetch=MAX_BATCH):
            batch.append(row)
            if len(batch) == MAX_BATCH:
                yield batch
                batch = []
        if batch:
            yield batch


async def _publish_all(transport: Transport, records: Sequence[Any]) -> None:
    remaining = list(records)
    reason = ""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            outcomes: Sequence[Outcome] = await transport.publish(remaining)
        except BrokerUnavailableError as away:
            outcomes = [Failed(away.detail)] * len(remaining)
        undone = [
            (record, outcome)
            for record, outcome in zip(remaining, outcomes, strict=True)
            if not isinstance(outcome, Acknowledged)
        ]
        if not undone:
            return
        remaining = [record for record, _ in undone]
        reason = undone[0][1].reason
        if attempt < ATTEMPTS:
            await asyncio.sleep(BACKOFF_SECONDS)
    raise RepublishInterruptedError(f"{len(remaining)} events were not taken: {reason}")


async def _make(connection: Any, day: Day) -> None:
    await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
    await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
    if await connection.fetchval("SELECT to_regclass($1)", day.name) is not None:
        return
    start, end = day.bounds
    await connection.execute(f"CREATE TABLE {day.name} (LIKE published_events INCLUDING ALL)")
    # Rows that came before their day was made may not stay in the default partition, and none may join them.
    await connection.execute(f"LOCK TABLE {PREFIX}default IN ACCESS EXCLUSIVE MODE")
    await connection.execute(
        f"WITH moved AS (DELETE FROM {PREFIX}default WHERE event_id >= '{start}' AND event_id < '{end}' "  # noqa: S608
        f"RETURNING *) INSERT INTO {day.name} SELECT * FROM moved"
    )
    await connection.execute(
        f"ALTER TABLE published_events ATTACH PARTITION {day.name} FOR VALUES FROM ('{start}') TO ('{end}')"
    )


async def _drop(connection: Any, day: Day) -> None:
    await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
    await connection.execute(f"ALTER TABLE published_events DETACH PARTITION {day.name}")
    await connection.execute(f"DROP TABLE {day.name}")


def _write(file: Any, lines: Sequence[str]) -> None:
    file.writelines(f"{line}\n" for line in lines)


def _settle(partial: Path, target: Path) -> None:
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.rename(target)


def _archives(directory: Path | None, since: datetime) -> list[Path]:
    if directory is None:
        return []
    found = sorted(directory.glob(f"{PREFIX}[0-9]*.ndjson.gz"))
    return [
        path for path in found if Day.named(path.name.partition(".")[0]).of >= since.astimezone(UTC).date()
    ]


def _read(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [_row(json.loads(line)) for line in file]


def _row(values: dict[str, Any]) -> dict[str, Any]:
    values["occurred_at"] = datetime.fromisoformat(values["occurred_at"])
    return values
