"""The relay: from a service's outbox to its topic, in order, forgetting only what was acknowledged.

A queue, not a cursor: an id is taken before its transaction commits, so a cursor would pass over rows that
commit late, while here every row stays until it was acknowledged.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from shared.db.database import TRANSIENT, Database
from shared.db.statements import Statement
from shared.db.work import Session
from shared.events import metrics
from shared.events.dead_letter_rows import BURY, HOLD, OUTBOUND, letter_row_of, record_row
from shared.events.envelope import headers_of, topic_of
from shared.events.pacing import Pace, Wake
from shared.events.shards import Shards
from shared.events.tables import OUTBOX_GROUP
from shared.events.transport.base import (
    Acknowledged,
    BrokerUnavailableError,
    Failed,
    IncomingRecord,
    Outcome,
    OutgoingRecord,
    Refused,
    Transport,
)
from shared.kernel import failpoints
from shared.kernel.signals import Signal

log = structlog.get_logger(__name__)

MAX_BATCH = 1000
# With a backlog so many batches are read at once, of so many characters at most.
READ_AHEAD = 4
READ_AHEAD_BYTES = 16 * 1024 * 1024
# A key that failed alone waits this long, so that its rows do not fill every batch.
HOLD_BACK_SECONDS = 1.0

AFTER_READ = failpoints.declare("relay.after_read", "nothing was published; the rows are still there")
AFTER_ACKNOWLEDGEMENT = failpoints.declare(
    "relay.after_acknowledgement", "published, but not moved: published again, consumers know the ids"
)
AFTER_MOVE = failpoints.declare("relay.after_move", "published and moved; nobody was told")

_EVENT = (
    "event_id, key, sequence, type, occurred_at, correlation_id, causation_id, traceparent, depth, payload"
)
# Ids as text: they go into headers, and nobody here needs them as anything else.
AS_TEXT = (
    "event_id::text AS event_id, key::text AS key, sequence, type, occurred_at, "
    "correlation_id::text AS correlation_id, causation_id::text AS causation_id, traceparent, depth, payload"
)
_READ = Statement(
    f"SELECT id, {AS_TEXT} FROM outbox o "  # noqa: S608 - names of this module
    "WHERE shard = ANY ($1::smallint[]) AND key <> ALL ($2::text[]::uuid[]) AND NOT EXISTS ("
    f"SELECT 1 FROM held_keys h WHERE h.consumer_group = '{OUTBOX_GROUP}' AND h.key = o.key::text) "
    "ORDER BY id LIMIT $3",
    ("shards", "held_back", "batch"),
    {},
)
_MOVE = Statement(
    f"WITH moved AS (DELETE FROM outbox WHERE id = ANY ($1::bigint[]) RETURNING id, {_EVENT}) "  # noqa: S608
    f"INSERT INTO published_events (outbox_id, {_EVENT}) SELECT id, {_EVENT} FROM moved",
    ("ids",),
    {},
)


class Relay:
    """A `Loop` that publishes one service's outbox.

    source    the service's name; its topic is `<source>.events`
    database  the service's; each commit that recorded events wakes the relay, where both share a process
    """

    def __init__(
        self, source: str, database: Database, transport: Transport, *, batch: int = MAX_BATCH
    ) -> None:
        if not 1 <= batch <= MAX_BATCH:
            raise ValueError(f"a batch holds 1 to {MAX_BATCH} events")
        self.name = f"{source}.relay"
        self._wake = Wake()
        self.wake: Signal = self._wake
        self._source = source
        self._transport = transport
        self._batch = batch
        self._shards = Shards(database)
        self._pace = Pace(self._wake)
        self.poll_seconds = self._pace.poll_seconds
        self._limit = batch
        self._held_back: dict[str, float] = {}
        database.on_commit.append(self.wake.set)

    async def run_once(self) -> int:
        """Publish what one read returns; how many events left the outbox's queue (published or set aside).

        Raises `BrokerUnavailableError` when none could be published; nothing is lost, all stay.
        """
        if not self._pace.is_due():
            return 0
        try:
            shards = await self._shards.claim()
            limit = self._limit
            rows = await self._read(shards, limit) if shards else []
            failpoints.hit(AFTER_READ)
            done = await self._publish_all(rows)
        except TRANSIENT:
            await self._shards.release()
            raise
        self._pace.looked(found=bool(rows), more=len(rows) == limit)
        self.poll_seconds = self._pace.poll_seconds
        return done

    async def next_due_at(self) -> datetime | None:
        return None

    async def close(self) -> None:
        await self._shards.release()

    async def _read(self, shards: Sequence[int], limit: int) -> list[Any]:
        now = time.monotonic()
        self._held_back = {key: until for key, until in self._held_back.items() if until > now}
        rows = await Session(self._shards.connection).fetch_all(
            _READ, shards=shards, held_back=list(self._held_back), batch=limit
        )
        full = len(rows) == limit
        size = sum(len(row["payload"]) for row in rows) // len(rows) if rows else 0
        # Read ahead when there is a backlog, as far as memory allows.
        self._limit = (
            max(1, min(READ_AHEAD * self._batch, READ_AHEAD_BYTES // max(size, 1))) if full else self._batch
        )
        return rows

    async def _publish_all(self, rows: Sequence[Any]) -> int:
        """Publish batch after batch; one is moved while the next is under way."""
        done = 0
        moving: asyncio.Task[None] | None = None
        try:
            for start in range(0, len(rows), self._batch):
                batch = rows[start : start + self._batch]
                outcomes = await self._transport.publish([outgoing(self._source, row) for row in batch])
                failpoints.hit(AFTER_ACKNOWLEDGEMENT)
                if moving is not None:
                    await moving
                taken = [
                    row
                    for row, outcome in zip(batch, outcomes, strict=True)
                    if isinstance(outcome, Acknowledged)
                ]
                moving = asyncio.create_task(self._move(taken))
                done += len(taken)
                if len(taken) < len(batch):
                    # Later rows may belong to keys that must wait now: read again.
                    await moving
                    return done + await self._see_to(batch, outcomes, any_taken=done > 0)
        finally:
            if moving is not None:
                await moving
        return done

    async def _move(self, taken: Sequence[Any]) -> None:
        if not taken:
            return
        await Session(self._shards.connection).execute(_MOVE, ids=[row["id"] for row in taken])
        failpoints.hit(AFTER_MOVE)
        for event_type, count in Counter(row["type"] for row in taken).items():
            metrics.PUBLISHED.labels(self._source, event_type).inc(count)

    async def _see_to(self, rows: Sequence[Any], outcomes: Sequence[Outcome], *, any_taken: bool) -> int:
        """What was not acknowledged: set refused records aside, let failed keys wait."""
        refused = await self._set_aside(rows, outcomes)
        failed = self._hold_back(rows, outcomes)
        self.wake.set()
        if failed is not None and not any_taken and not refused:
            raise BrokerUnavailableError(f"{self._source}: no event could be published: {failed.reason}")
        return refused

    async def _set_aside(self, rows: Sequence[Any], outcomes: Sequence[Outcome]) -> int:
        """Quarantine the key of each refused record and show the record to operators."""
        refused = [
            (row, outcome)
            for row, outcome in zip(rows, outcomes, strict=True)
            if isinstance(outcome, Refused)
        ]
        for row, outcome in refused:
            session = Session(self._shards.connection)
            record = as_incoming(outgoing(self._source, row), position=row["id"])
            columns = record_row(OUTBOX_GROUP, UUID(row["event_id"]), row["type"], record)
            async with self._shards.connection.transaction():
                await session.execute(HOLD, consumer_group=OUTBOX_GROUP, key=record.key)
                await session.execute(BURY, **letter_row_of(OUTBOUND, columns, outcome.code, outcome.reason))
            metrics.REFUSED.labels(self._source, row["type"]).inc()
            log.error(
                "event_refused",
                service=self._source,
                event_id=row["event_id"],
                key=record.key,
                type=row["type"],
                code=outcome.code,
            )
        return len(refused)

    def _hold_back(self, rows: Sequence[Any], outcomes: Sequence[Outcome]) -> Failed | None:
        """Let the keys of failed records wait while others go on; returns one failure, if any."""
        failed = [
            (row["key"], outcome)
            for row, outcome in zip(rows, outcomes, strict=True)
            if isinstance(outcome, Failed)
        ]
        if not failed:
            return None
        if len(failed) < len(rows):
            until = time.monotonic() + HOLD_BACK_SECONDS
            self._held_back.update((key, until) for key, _ in failed)
        log.warning(
            "events_not_published", service=self._source, count=len(failed), reason=failed[0][1].reason
        )
        return failed[0][1]


def outgoing(source: str, row: Any) -> OutgoingRecord:
    """A row of the outbox (or of what was published), ids as text, as a record."""
    headers = headers_of(
        event_id=row["event_id"],
        source=source,
        event_type=row["type"],
        occurred_at=row["occurred_at"],
        sequence=row["sequence"],
        correlation_id=row["correlation_id"],
        causation_id=row["causation_id"],
        traceparent=row["traceparent"],
        depth=row["depth"],
    )
    return OutgoingRecord(topic_of(source), row["key"], headers, row["payload"].encode())


def as_incoming(record: OutgoingRecord, *, position: int) -> IncomingRecord:
    """An outgoing record as it would have been read."""
    return IncomingRecord(record.topic, 0, position, record.key, record.headers, record.value)
