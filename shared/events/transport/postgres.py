"""Events through a log in a PostgreSQL database of its own.

One partition a topic. A publishing statement takes its positions by updating the topic's head, whose row lock
lasts until it commits: positions have no gaps, and a reader who sees one sees all before it.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg

from shared.db.database import TRANSIENT
from shared.events.transport.base import (
    ACKNOWLEDGED,
    BrokerUnavailableError,
    Failed,
    GroupReader,
    Outcome,
    OutgoingRecord,
    Refused,
)
from shared.events.transport.postgres_reader import PostgresReader
from shared.kernel.signals import Signal

MAX_RECORD_BYTES = 1_000_000
COMMAND_TIMEOUT_SECONDS = 30.0
_MIGRATION_LOCK = 7_021_996

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS topics (topic text PRIMARY KEY, head bigint NOT NULL DEFAULT 0)",
    "CREATE TABLE IF NOT EXISTS records ("
    "topic text NOT NULL, position bigint NOT NULL, key text NOT NULL, headers text NOT NULL, "
    "value bytea NOT NULL, appended_at timestamptz NOT NULL DEFAULT clock_timestamp(), "
    "PRIMARY KEY (topic, position))",
    "CREATE TABLE IF NOT EXISTS committed_positions ("
    "consumer_group text NOT NULL, topic text NOT NULL, position bigint NOT NULL, "
    "committed_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (consumer_group, topic))",
    # Every published batch updates one row: keep room for it on its page.
    "ALTER TABLE topics SET (fillfactor = 10, autovacuum_vacuum_scale_factor = 0.0, "
    "autovacuum_vacuum_threshold = 1000)",
)
_CREATE_TOPICS = "INSERT INTO topics (topic) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING"
_PUBLISH = """
WITH taken AS (
    UPDATE topics SET head = head + $2::bigint WHERE topic = $1::text RETURNING head - $2::bigint AS base
)
INSERT INTO records (topic, position, key, headers, value)
SELECT $1::text, taken.base + r.place - 1, r.key, r.headers, r.value
FROM taken, unnest($3::text[], $4::text[], $5::bytea[]) WITH ORDINALITY AS r (key, headers, value, place)
"""
_TRIM = "DELETE FROM records WHERE topic = $1 AND position < $2 AND appended_at < $3"
_TRIM_BATCH = 5000
_OLDEST = """
SELECT min(position) AS oldest, (SELECT min(c.position) FROM committed_positions c WHERE c.topic = $1) AS committed
FROM records WHERE topic = $1
"""


class PostgresTransport:
    """A log in the database at `url`; `await migrate()` makes its schema.

    All services of one process share one object, so that a publisher wakes the readers beside it; other
    processes poll. A record above 1 MB is refused, as a broker would.
    """

    long_poll_seconds = 0.0
    # One after the other, so that a suite under the simulated clock does the same each time.
    parallel_partitions = 1
    commit_seconds = 0.0

    def __init__(self, url: str, *, max_connections: int = 4) -> None:
        self.url = url
        self._max_connections = max_connections
        self._pool: Any = None
        self._opening = asyncio.Lock()
        self._wakes: dict[str, list[Signal]] = defaultdict(list)
        self._readers: list[PostgresReader] = []

    async def migrate(self) -> None:
        """Make the log's tables; does nothing when they are there. Callers at once take turns."""
        async with self._connection() as connection, connection.transaction():
            await connection.execute(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
            for sql in _SCHEMA:
                await connection.execute(sql)

    async def create_topics(self, topics: Sequence[str]) -> None:
        async with self._connection() as connection:
            await connection.execute(_CREATE_TOPICS, sorted(topics))

    async def publish(self, records: Sequence[OutgoingRecord]) -> list[Outcome]:
        if not records:
            return []
        outcomes: list[Outcome] = [ACKNOWLEDGED] * len(records)
        places: dict[str, list[int]] = defaultdict(list)
        refused: set[tuple[str, str]] = set()
        for place, record in enumerate(records):
            refusal = _refusal(record)
            if (record.topic, record.key) in refused:
                outcomes[place] = Failed("behind a refused record of its key")
            elif refusal is not None:
                outcomes[place] = refusal
                refused.add((record.topic, record.key))
            else:
                places[record.topic].append(place)
        async with self._connection() as connection:
            for topic, of_topic in places.items():
                try:
                    await self._append(connection, topic, [records[place] for place in of_topic])
                except TRANSIENT as lost:
                    for place in of_topic:
                        outcomes[place] = Failed(type(lost).__name__)
        for topic in places:
            for wake in self._wakes[topic]:
                wake.set()
        return outcomes

    async def subscribe(self, group: str, topics: Sequence[str], wake: Signal) -> GroupReader:
        await self.create_topics(topics)
        reader = PostgresReader(self.url, group, topics, on_close=lambda: self._unsubscribe(reader, wake))
        self._readers.append(reader)
        for topic in topics:
            self._wakes[topic].append(wake)
        return reader

    async def check(self) -> None:
        async with self._connection() as connection:
            await connection.fetchval("SELECT count(*) FROM topics")

    async def trim(self, topic: str, before: datetime) -> int:
        """Delete records older than `before` that every group has read; at most 5,000, how many is returned."""
        async with self._connection() as connection:
            row = await connection.fetchrow(_OLDEST, topic)
            if row["oldest"] is None or row["committed"] is None:
                return 0
            end = min(row["committed"], row["oldest"] + _TRIM_BATCH)
            status: str = await connection.execute(_TRIM, topic, end, before)
            return int(status.rpartition(" ")[2])

    async def close(self) -> None:
        for reader in list(self._readers):
            await reader.close()
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                async with asyncio.timeout(5):
                    await pool.close()
            except TimeoutError:
                pool.terminate()

    async def _append(self, connection: Any, topic: str, records: Sequence[OutgoingRecord]) -> None:
        arguments = (
            topic,
            len(records),
            [record.key for record in records],
            [json.dumps(dict(record.headers)) for record in records],
            [record.value for record in records],
        )
        if await connection.execute(_PUBLISH, *arguments) == "INSERT 0 0":
            await connection.execute(_CREATE_TOPICS, [topic])
            await connection.execute(_PUBLISH, *arguments)

    def _unsubscribe(self, reader: PostgresReader, wake: Signal) -> None:
        if reader in self._readers:
            self._readers.remove(reader)
            for wakes in self._wakes.values():
                if wake in wakes:
                    wakes.remove(wake)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        try:
            async with self._opening:
                if self._pool is None:
                    self._pool = await asyncpg.create_pool(
                        self.url,
                        min_size=0,
                        max_size=self._max_connections,
                        command_timeout=COMMAND_TIMEOUT_SECONDS,
                        server_settings={"application_name": "event log", "timezone": "UTC"},
                        reset=_nothing_to_reset,
                    )
            async with self._pool.acquire(timeout=COMMAND_TIMEOUT_SECONDS) as connection:
                yield connection
        except TRANSIENT as away:
            raise BrokerUnavailableError(f"the event log does not answer: {type(away).__name__}") from away


async def _nothing_to_reset(connection: Any) -> None:
    """Nothing here outlives its transaction, and asyncpg's own reset would be a round trip for nothing."""


def _refusal(record: OutgoingRecord) -> Refused | None:
    size = len(record.value)
    if size > MAX_RECORD_BYTES:
        return Refused("record_too_large", f"{size} bytes of at most {MAX_RECORD_BYTES}")
    texts = (record.key, *record.headers.keys(), *record.headers.values())
    if any("\x00" in text for text in texts):
        return Refused("invalid_record", "a key or header holds a NUL character")
    return None
