"""The consumer: from topics to a service's handlers, each event once, each key in order."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog

from shared.db.database import ATTEMPTS, RETRIED, Database
from shared.events import metrics
from shared.events.bundles import bundled, time_of
from shared.events.dead_letters import DeadLetters
from shared.events.delivery import Applied, Delivery
from shared.events.envelope import topic_of
from shared.events.faults import is_passing, is_suspect
from shared.events.intake import Arrival, Intake, Subscription
from shared.events.pacing import BUSY_SECONDS, Pace, Wake
from shared.events.progress import Consumed, ProgressTracker
from shared.events.transport.base import (
    BrokerUnavailableError,
    GroupReader,
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
MAX_BUNDLE = 100
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
    bundle         so many records of several partitions share a transaction, at most
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
        bundle: int = MAX_BUNDLE,
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
        self._bundle = bundle
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
        self._committed_at = 0.0

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
        if reader is not None:
            try:
                await self._commit(reader, wait_seconds=0.0)
            except BrokerUnavailableError as away:
                log.info("positions_not_committed", consumer=self.name, reason=str(away))
            finally:
                self._done.clear()
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

        async def take(bundle: Sequence[PartitionBatch]) -> None:
            async with turn:
                await self._take(bundle, states)

        undone = {batch.partition: batch.records[0].position for batch in batches}
        faults: list[BaseException] = []
        try:
            bundles = bundled(batches, self._bundle)
            results = await asyncio.gather(*(take(bundle) for bundle in bundles), return_exceptions=True)
            for bundle, result in zip(bundles, results, strict=True):
                if isinstance(result, BaseException):
                    faults.append(result)
                else:
                    for batch in bundle:
                        del undone[batch.partition]
        finally:
            for partition, first in undone.items():
                await reader.rewind(partition, max(first, self._done.get(partition, first)))
        await self._commit(
            reader, wait_seconds=0.0 if faults or not batches else self._transport.commit_seconds
        )
        if faults:
            raise faults[0]

    async def _commit(self, reader: GroupReader, wait_seconds: float) -> None:
        """Tell the broker how far we are, unless that was done within `wait_seconds`.

        What is lost with a late position is only read again: the inbox knows what took effect.
        """
        now = time.monotonic()
        if self._done and now - self._committed_at >= wait_seconds:
            self._committed_at = now
            done, self._done = self._done, {}
            await reader.commit(done)

    async def _take(
        self, bundle: Sequence[PartitionBatch], states: Mapping[TopicPartition, PartitionState]
    ) -> None:
        arrivals = [
            arrival
            for batch in bundle
            for record in batch.records
            if (arrival := self._intake.arrival(record)) is not None
        ]
        through: dict[TopicPartition, Consumed] = {
            batch.partition: (states.get(batch.partition), time_of(batch.records[-1])) for batch in bundle
        }
        if arrivals:
            try:
                await self._together(arrivals, through)
            except Exception as error:
                # What lost a race is smaller alone, and loses fewer.
                if is_passing(error) and not is_suspect(error) and not isinstance(error, RETRIED):
                    raise
                if len(bundle) > 1:
                    await self._take_apart(bundle, states)
                    return
                log.info("batch_redone_one_by_one", consumer=self.name, events=len(arrivals))
                await self._one_by_one(bundle[0].partition, arrivals)
                await self._tracker.consumed_outside(through)
        else:
            await self._tracker.consumed_outside(through)
        skipped = sum(len(batch.records) for batch in bundle) - len(arrivals)
        if skipped:
            metrics.SKIPPED.labels(self._delivery.group).inc(skipped)
        for batch in bundle:
            self._done[batch.partition] = batch.records[-1].position + 1

    async def _take_apart(
        self, bundle: Sequence[PartitionBatch], states: Mapping[TopicPartition, PartitionState]
    ) -> None:
        """Take each partition by itself: one that fails does not stop the others."""
        faults: list[Exception] = []
        for batch in bundle:
            try:
                await self._take([batch], states)
            except Exception as error:  # noqa: BLE001 - raised when all had their turn
                faults.append(error)
        if faults:
            raise faults[0]

    async def _together(
        self, arrivals: Sequence[Arrival], through: Mapping[TopicPartition, Consumed]
    ) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with self._database.transaction() as transaction:
                    applied = await self._delivery.apply(transaction, arrivals)
                    await self._tracker.consumed(transaction, through)
            except RETRIED:
                if attempt == ATTEMPTS:
                    raise
            else:
                self._committed(applied)
                return

    async def _one_by_one(self, partition: TopicPartition, arrivals: Sequence[Arrival]) -> None:
        for arrival in arrivals:
            await self._alone(partition, arrival)
            self._done[partition] = arrival.record.position + 1

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
