"""The consumer: from topics to a service's handlers, each event once, each key in order."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import structlog

from shared.db.database import ATTEMPTS, RETRIED, Database
from shared.events import metrics
from shared.events.dead_letters import DeadLetters
from shared.events.delivery import Applied, Delivery
from shared.events.envelope import topic_of
from shared.events.faults import is_passing, is_suspect
from shared.events.intake import Arrival, Intake, Subscription
from shared.events.pacing import BUSY_SECONDS, Pace, Wake
from shared.events.progress import ProgressTracker
from shared.events.transport.base import (
    BrokerUnavailableError,
    GroupReader,
    IncomingRecord,
    PartitionBatch,
    PartitionState,
    TopicPartition,
    Transport,
)
from shared.kernel import failpoints
from shared.kernel.signals import Signal

log = structlog.get_logger(__name__)

__all__ = ["Consumer", "Subscription"]

MAX_BATCH = 500
# What may be an outage or a handler's own fault is taken for poison when it stays.
SUSPECT_ATTEMPTS = 5
RELEASE_SECONDS = 30.0

AFTER_COMMIT = failpoints.declare(
    "consumer.after_commit", "the effect is committed, the position is not: the event comes again"
)


class Consumer:
    """A `Loop` that hands events to a service's handlers.

    group          the service's name
    subscriptions  the contracts it wants; their producers' topics are read
    wakes          set after each commit in which an event took effect (loops that may have work now)
    """

    def __init__(
        self,
        group: str,
        database: Database,
        transport: Transport,
        subscriptions: Sequence[Subscription],
        *,
        batch: int = MAX_BATCH,
        wakes: Sequence[Signal] = (),
    ) -> None:
        self.name = f"{group}.consumer"
        self._wake = Wake()
        self.wake: Signal = self._wake
        # A transport that waits for records by itself needs no pause between looks.
        self._pace = Pace(self._wake, busy_seconds=0.0 if transport.long_poll_seconds else BUSY_SECONDS)
        self.poll_seconds = self._pace.poll_seconds
        self._database = database
        self._transport = transport
        self._batch = batch
        self.contracts = tuple(one.contract for one in subscriptions)
        self._intake = Intake(subscriptions)
        self._delivery = Delivery(group, database, self._intake, wakes)
        self._topics = [topic_of(source) for source in self._intake.sources]
        self._tracker = ProgressTracker(group, database)
        self.dead_letters = DeadLetters(database, self._delivery)
        self._reader: GroupReader | None = None
        self._done: dict[TopicPartition, int] = {}
        self._suspected: dict[TopicPartition, tuple[int, int]] = {}
        self._released_at = 0.0

    async def run_once(self) -> int:
        """Consume what one poll returns; how many records that were.

        Raises what does not pass by itself within this call: database or broker away. Nothing is lost then:
        the records come again, and the inbox knows which of them took effect.
        """
        if not self._pace.is_due():
            return 0
        reader = await self._joined()
        try:
            batches = await reader.poll(self._batch, self._transport.long_poll_seconds)
        except BrokerUnavailableError:
            await self._tracker.lost()
            raise
        states = await self._states(reader)
        await self._take_all(reader, batches, states)
        await self._tracker.idle(states)
        await self._release_abandoned()
        count = sum(len(batch.records) for batch in batches)
        self._pace.looked(found=count > 0, more=any(batch.behind != 0 for batch in batches))
        self.poll_seconds = self._pace.poll_seconds
        return count

    async def next_due_at(self) -> datetime | None:
        return None

    async def close(self) -> None:
        reader, self._reader = self._reader, None
        self._done.clear()
        if reader is not None:
            await reader.close()

    async def _joined(self) -> GroupReader:
        if self._reader is None:
            await self._tracker.begin(self._topics)
            self._reader = await self._transport.subscribe(self._delivery.group, self._topics, self.wake)
        return self._reader

    async def _states(self, reader: GroupReader) -> Mapping[TopicPartition, PartitionState]:
        try:
            return await reader.states()
        except BrokerUnavailableError:
            await self._tracker.lost()
            return {}

    async def _take_all(
        self,
        reader: GroupReader,
        batches: Sequence[PartitionBatch],
        states: Mapping[TopicPartition, PartitionState],
    ) -> None:
        """Take the batches, some of them at once; those that fail are read again, the others go on."""
        turn = asyncio.Semaphore(self._transport.parallel_partitions)

        async def take(batch: PartitionBatch) -> None:
            async with turn:
                await self._take(batch, states.get(batch.partition))

        undone = {batch.partition: batch.records[0].position for batch in batches}
        faults: list[BaseException] = []
        try:
            results = await asyncio.gather(*(take(batch) for batch in batches), return_exceptions=True)
            for batch, result in zip(batches, results, strict=True):
                if isinstance(result, BaseException):
                    faults.append(result)
                else:
                    del undone[batch.partition]
        finally:
            for partition, first in undone.items():
                await reader.rewind(partition, max(first, self._done.get(partition, first)))
        if self._done:
            await reader.commit(self._done)
            self._done.clear()
        if faults:
            raise faults[0]

    async def _take(self, batch: PartitionBatch, state: PartitionState | None) -> None:
        arrivals = [
            arrival for record in batch.records if (arrival := self._intake.arrival(record)) is not None
        ]
        skipped = len(batch.records) - len(arrivals)
        if skipped:
            metrics.SKIPPED.labels(self._delivery.group).inc(skipped)
        written = False
        if arrivals:
            try:
                await self._together(batch, arrivals, state)
                written = True
            except Exception as error:
                # What lost a race is smaller alone, and loses fewer.
                if is_passing(error) and not is_suspect(error) and not isinstance(error, RETRIED):
                    raise
                log.info("batch_redone_one_by_one", consumer=self.name, events=len(arrivals))
                await self._one_by_one(batch, arrivals)
        if not written:
            await self._tracker.consumed_outside(batch.partition, state, time_of(batch.records[-1]))
        self._done[batch.partition] = batch.records[-1].position + 1

    async def _together(
        self, batch: PartitionBatch, arrivals: Sequence[Arrival], state: PartitionState | None
    ) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with self._database.transaction() as transaction:
                    applied = await self._delivery.apply(transaction, arrivals)
                    if self._tracker.is_due(batch.partition, state):
                        await self._tracker.consumed(
                            transaction, batch.partition, state, time_of(batch.records[-1])
                        )
            except RETRIED:
                if attempt == ATTEMPTS:
                    raise
            else:
                self._committed(applied)
                return

    async def _one_by_one(self, batch: PartitionBatch, arrivals: Sequence[Arrival]) -> None:
        for arrival in arrivals:
            await self._alone(batch.partition, arrival)
            self._done[batch.partition] = arrival.record.position + 1

    async def _alone(self, partition: TopicPartition, arrival: Arrival) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with self._database.transaction() as transaction:
                    applied = await self._delivery.apply(transaction, [arrival])
            except RETRIED:
                if attempt == ATTEMPTS:
                    raise
            except Exception as error:
                if self._may_pass(partition, arrival, error):
                    raise
                await self._delivery.bury(arrival, error)
                return
            else:
                self._committed(applied)
                return

    def _committed(self, applied: Applied) -> None:
        failpoints.hit(AFTER_COMMIT)
        applied.count(self._delivery.group)
        if applied.handled:
            self._delivery.announce()

    def _may_pass(self, partition: TopicPartition, arrival: Arrival, error: Exception) -> bool:
        if not is_suspect(error):
            return is_passing(error)
        position = arrival.record.position
        before, count = self._suspected.get(partition, (position, 0))
        count = count + 1 if before == position else 1
        self._suspected[partition] = (position, count)
        return count < SUSPECT_ATTEMPTS

    async def _release_abandoned(self) -> None:
        """Go on with keys whose dead letter was resolved by somebody who died before their parked events."""
        now = time.monotonic()
        if now - self._released_at >= RELEASE_SECONDS:
            self._released_at = now
            await self.dead_letters.release_abandoned()


def time_of(record: IncomingRecord) -> datetime | None:
    """When the record's event happened, if it says so readably."""
    try:
        at = datetime.fromisoformat(record.headers.get("ce_time", ""))
        return at.astimezone(UTC) if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
