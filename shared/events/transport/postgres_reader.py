"""One member of a consumer group on the PostgreSQL log."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar

import asyncpg
import structlog

from shared.db.database import TRANSIENT
from shared.events.transport.base import (
    BrokerUnavailableError,
    IncomingRecord,
    PartitionBatch,
    PartitionState,
    TopicPartition,
)

log = structlog.get_logger(__name__)

T = TypeVar("T")

# Another member may end: see whether its topics are free this often.
CLAIM_SECONDS = 1.0
COMMAND_TIMEOUT_SECONDS = 30.0
LOOK_SECONDS = 0.02

_CLAIM = """
SELECT w.topic, coalesce(c.position, 0) AS position
FROM unnest($2::text[]) AS w (topic)
LEFT JOIN committed_positions c ON c.consumer_group = $1::text AND c.topic = w.topic
WHERE w.topic = ANY ($3::text[])
"""
_LOCK = """
SELECT topic FROM unnest($2::text[]) AS w (topic)
WHERE pg_try_advisory_lock(hashtextextended($1::text || E'\\n' || w.topic, 0))
"""
# A log that was trimmed up to its head still says where the head is.
_POLL = """
SELECT w.topic, t.head, r.position, r.key, r.headers, r.value
FROM unnest($1::text[], $2::bigint[]) AS w (topic, position)
JOIN topics t ON t.topic = w.topic AND t.head > w.position
LEFT JOIN LATERAL (
    SELECT position, key, headers, value FROM records
    WHERE topic = w.topic AND position >= w.position ORDER BY position LIMIT $3
) r ON true
"""
_COMMIT = """
INSERT INTO committed_positions (consumer_group, topic, position)
SELECT {group}::text, w.topic, w.position FROM unnest({topics}::text[], {positions}::bigint[]) AS w (topic, position)
ON CONFLICT (consumer_group, topic)
DO UPDATE SET position = excluded.position, committed_at = clock_timestamp()
"""
_COMMIT_ONLY = _COMMIT.format(group="$1", topics="$2", positions="$3")
_COMMIT_AND_POLL = f"WITH done AS ({_COMMIT.format(group='$4', topics='$5', positions='$6')}) {_POLL}"


class PostgresReader:
    """Owns topics by session advisory lock; lock, polls and commits share one connection.

    Whoever lost the connection lost the lock with it, so nobody commits what another now reads. Positions to
    commit travel with the next poll or with `close`: a crash before that redelivers them, as any crash between
    an effect and its position does, and a round trip is saved for each batch.
    """

    def __init__(self, url: str, group: str, topics: Sequence[str], on_close: Callable[[], None]) -> None:
        self._url = url
        self._group = group
        self._topics = sorted(topics)
        self._on_close = on_close
        self._connection: Any = None
        self._connected_at = 0.0
        self._claimed_at = 0.0
        self._positions: dict[str, int] = {}
        self._heads: dict[str, int] = {}
        self._to_commit: dict[str, int] = {}
        self._one_at_a_time = asyncio.Lock()

    async def poll(self, max_records: int, timeout_seconds: float) -> list[PartitionBatch]:
        until = time.monotonic() + timeout_seconds
        while True:
            batches = await self._answered(lambda: self._poll(max_records))
            if batches or time.monotonic() >= until:
                return batches
            await asyncio.sleep(LOOK_SECONDS)

    async def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        self._to_commit.update(
            (at.topic, position) for at, position in positions.items() if at.topic in self._positions
        )

    async def rewind(self, partition: TopicPartition, position: int) -> None:
        if partition.topic in self._positions:
            self._positions[partition.topic] = position

    async def states(self) -> Mapping[TopicPartition, PartitionState]:
        if self._connection is None:
            raise BrokerUnavailableError("the event log does not answer")
        connected_for = time.monotonic() - self._connected_at
        return {
            TopicPartition(topic, 0): PartitionState(
                behind=max(self._heads.get(topic, position) - position, 0),
                connected_for_seconds=connected_for,
            )
            for topic, position in self._positions.items()
        }

    async def close(self) -> None:
        self._on_close()
        if self._to_commit:
            try:
                await self._answered(self._commit)
            except BrokerUnavailableError as away:
                log.info("positions_not_committed", group=self._group, reason=away.detail)
        connection = self._forget()
        if connection is not None:
            try:
                await connection.close(timeout=2)
            except (*TRANSIENT, asyncpg.PostgresError):
                connection.terminate()

    async def _poll(self, max_records: int) -> list[PartitionBatch]:
        await self._own()
        if not self._positions:
            return []
        topics = list(self._positions)
        wanted = (topics, [self._positions[topic] for topic in topics], max_records)
        if self._to_commit:
            done = dict(self._to_commit)
            rows = await self._connection.fetch(
                _COMMIT_AND_POLL, *wanted, self._group, list(done), list(done.values())
            )
            self._to_commit = {}
        else:
            rows = await self._connection.fetch(_POLL, *wanted)
        self._heads = {}
        return [
            batch
            for topic, of_topic in groupby(rows, key=itemgetter("topic"))
            if (batch := self._batch(topic, list(of_topic))).records
        ]

    def _batch(self, topic: str, rows: list[Any]) -> PartitionBatch:
        head: int = rows[0]["head"]
        self._heads[topic] = head
        records = [
            IncomingRecord(
                topic=topic,
                partition=0,
                position=row["position"],
                key=row["key"],
                headers=json.loads(row["headers"]),
                value=row["value"],
            )
            for row in rows
            if row["position"] is not None
        ]
        self._positions[topic] = records[-1].position + 1 if records else head
        return PartitionBatch(TopicPartition(topic, 0), records, behind=head - self._positions[topic])

    async def _commit(self) -> None:
        done, self._to_commit = self._to_commit, {}
        await self._connection.execute(_COMMIT_ONLY, self._group, list(done), list(done.values()))

    async def _own(self) -> None:
        """Connect when necessary, and take the topics that nobody owns."""
        if self._connection is None:
            self._connection = await asyncpg.connect(
                self._url,
                command_timeout=COMMAND_TIMEOUT_SECONDS,
                server_settings={"application_name": f"{self._group} reader", "timezone": "UTC"},
            )
            self._connected_at = time.monotonic()
            self._claimed_at = 0.0
        missing = [topic for topic in self._topics if topic not in self._positions]
        now = time.monotonic()
        if not missing or now - self._claimed_at < CLAIM_SECONDS:
            return
        self._claimed_at = now
        locked = [row["topic"] for row in await self._connection.fetch(_LOCK, self._group, missing)]
        if locked:
            # Only once the lock is held is the committed position final.
            rows = await self._connection.fetch(_CLAIM, self._group, missing, locked)
            self._positions.update((row["topic"], row["position"]) for row in rows)

    async def _answered(self, do: Callable[[], Awaitable[T]]) -> T:
        """What `do` returns; a lost connection is forgotten, with its locks."""
        async with self._one_at_a_time:
            try:
                return await do()
            except TRANSIENT as away:
                connection = self._forget()
                if connection is not None:
                    connection.terminate()
                raise BrokerUnavailableError(
                    f"the event log does not answer: {type(away).__name__}"
                ) from away

    def _forget(self) -> Any:
        connection, self._connection = self._connection, None
        self._positions = {}
        self._heads = {}
        self._to_commit = {}
        return connection
