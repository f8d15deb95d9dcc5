"""One member of a Kafka consumer group."""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from shared.events.transport.base import (
    BrokerUnavailableError,
    IncomingRecord,
    PartitionBatch,
    PartitionState,
    TopicPartition,
)
from shared.events.transport.kafka_options import (
    AWAY,
    START_TIMEOUT_SECONDS,
    STOP_TIMEOUT_SECONDS,
    KafkaOptions,
)

log = structlog.get_logger(__name__)

STALL_SECONDS = 15.0
# An idle fetch is answered within half a second; a broker that is silent for longer is away.
FETCH_WAIT_SECONDS = 0.5
SILENCE_SECONDS = 1.5
COMMIT_TIMEOUT_SECONDS = 10.0
POSITION_TIMEOUT_SECONDS = 1.0
SESSION_TIMEOUT_SECONDS = 10.0
HEARTBEAT_SECONDS = 2.0


class KafkaReader(ConsumerRebalanceListener):  # type: ignore[misc]
    """Reads the partitions that the group assigns to it; rebuilt by itself when it is stuck."""

    def __init__(
        self, options: KafkaOptions, group: str, topics: Sequence[str], *, stall_seconds: float
    ) -> None:
        self._options = options
        self._group = group
        self._topics = tuple(topics)
        self._stall_seconds = stall_seconds
        self._consumer: Any = None
        self._moved_at = 0.0
        self._heard_at = 0.0
        self._connected_at = 0.0

    async def poll(self, max_records: int, timeout_seconds: float) -> list[PartitionBatch]:
        try:
            consumer = await self._started()
            data = await consumer.getmany(timeout_ms=int(timeout_seconds * 1000), max_records=max_records)
            if sum(len(messages) for messages in data.values()) >= max_records:
                # A backlog fills the limit from one partition: see what is there from the others.
                for at in consumer.assignment() - data.keys():
                    data.update(await consumer.getmany(at, timeout_ms=0, max_records=max_records))
            elif not data:
                await self._look_after(consumer)
        except AWAY as away:
            await self._give_up(away)
        now = time.monotonic()
        if data:
            self._moved_at = now
            self._heard(now)
        return [self._batch(consumer, at, messages) for at, messages in data.items() if messages]

    async def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        consumer = self._consumer
        if consumer is None:
            return
        assigned = consumer.assignment()
        kept = {
            KafkaPartition(*at): position
            for at, position in positions.items()
            if KafkaPartition(*at) in assigned
        }
        if not kept:
            return
        try:
            async with asyncio.timeout(COMMIT_TIMEOUT_SECONDS):
                await consumer.commit(kept)
        except (CommitFailedError, IllegalStateError) as moved:
            # Another member owns them now and will see these records again; the inbox knows them.
            log.info("positions_not_committed", group=self._group, reason=type(moved).__name__)
        except AWAY as away:
            raise BrokerUnavailableError(f"positions were not committed: {type(away).__name__}") from away

    async def rewind(self, partition: TopicPartition, position: int) -> None:
        at = KafkaPartition(*partition)
        if self._consumer is not None and at in self._consumer.assignment():
            self._consumer.seek(at, position)

    async def states(self) -> Mapping[TopicPartition, PartitionState]:
        consumer = self._consumer
        if consumer is None:
            raise BrokerUnavailableError("Kafka does not answer")
        assigned = consumer.assignment()
        now = time.monotonic()
        found = {}
        silent = 0
        for at in assigned:
            highwater = consumer.highwater(at)
            position = await self._position(consumer, at)
            if highwater is None or position is None:
                silent += 1
                continue
            behind = max(highwater - position, 0)
            age = time.time() - (consumer.last_poll_timestamp(at) or 0) / 1000
            if age < SILENCE_SECONDS:
                self._heard(now)
            elif behind == 0:
                silent += 1
                continue
            found[TopicPartition(at.topic, at.partition)] = behind
        if assigned and silent == len(assigned):
            raise BrokerUnavailableError("Kafka does not answer")
        connected_for = now - self._connected_at
        return {at: PartitionState(behind, connected_for) for at, behind in found.items()}

    async def close(self) -> None:
        await self._discard()

    async def on_partitions_revoked(self, revoked: Collection[Any]) -> None:
        log.info("partitions_revoked", group=self._group, partitions=len(revoked))

    async def on_partitions_assigned(self, assigned: Collection[Any]) -> None:
        self._connected_at = self._heard_at = self._moved_at = time.monotonic()
        log.info("partitions_assigned", group=self._group, partitions=len(assigned))

    def _batch(self, consumer: Any, at: Any, messages: Sequence[Any]) -> PartitionBatch:
        partition = TopicPartition(at.topic, at.partition)
        records = [
            IncomingRecord(
                topic=message.topic,
                partition=message.partition,
                position=message.offset,
                key=_text(message.key),
                headers={name: _text(value) for name, value in message.headers},
                value=message.value or b"",
            )
            for message in messages
        ]
        behind = None
        if at in consumer.assignment() and (highwater := consumer.highwater(at)) is not None:
            behind = max(highwater - messages[-1].offset - 1, 0)
        return PartitionBatch(partition, records, behind)

    def _heard(self, now: float) -> None:
        if now - self._heard_at > SILENCE_SECONDS + FETCH_WAIT_SECONDS:
            self._connected_at = now
        self._heard_at = now

    async def _position(self, consumer: Any, at: Any) -> int | None:
        try:
            async with asyncio.timeout(POSITION_TIMEOUT_SECONDS):
                position: int = await consumer.position(at)
        except AWAY:
            return None
        return position

    async def _look_after(self, consumer: Any) -> None:
        """Rebuild a client that got nothing for long although there is something."""
        now = time.monotonic()
        assigned = consumer.assignment()
        if not assigned or now - self._moved_at < self._stall_seconds:
            return
        self._moved_at = now
        async with asyncio.timeout(START_TIMEOUT_SECONDS):
            ends = await consumer.end_offsets(list(assigned))
        positions = {at: await self._position(consumer, at) for at in assigned}
        behind = sum(end - (positions[at] or 0) for at, end in ends.items() if end > (positions[at] or 0))
        if behind:
            log.warning("kafka_reader_stuck", group=self._group, behind=behind)
            await self._discard()

    async def _started(self) -> Any:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                **self._options.client(),
                group_id=self._group,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                fetch_max_wait_ms=int(FETCH_WAIT_SECONDS * 1000),
                session_timeout_ms=int(SESSION_TIMEOUT_SECONDS * 1000),
                heartbeat_interval_ms=int(HEARTBEAT_SECONDS * 1000),
            )
            consumer.subscribe(topics=self._topics, listener=self)
            try:
                async with asyncio.timeout(START_TIMEOUT_SECONDS):
                    await consumer.start()
            except BaseException:
                await _stop(consumer)
                raise
            self._consumer = consumer
            self._connected_at = self._heard_at = self._moved_at = time.monotonic()
        return self._consumer

    async def _give_up(self, away: BaseException) -> None:
        await self._discard()
        raise BrokerUnavailableError(
            f"Kafka at {self._options.bootstrap_servers} does not answer: {type(away).__name__}"
        ) from away

    async def _discard(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await _stop(consumer)


def _text(raw: bytes | None) -> str:
    """Bytes as text that a database can keep, whatever a stranger put on the topic."""
    return (raw or b"").decode(errors="replace").replace("\x00", "\ufffd")


async def _stop(consumer: Any) -> None:
    """Stop it in a task of its own: aiokafka lets the cancellation of its inner tasks out of `stop`, which
    would end the loop that called us, and then leaves its connections open."""
    stopping = asyncio.ensure_future(consumer.stop())
    await asyncio.wait({stopping}, timeout=STOP_TIMEOUT_SECONDS)
    fault = "TimeoutError" if not stopping.done() else _fault_of(stopping)
    stopping.cancel()
    if fault is not None:
        log.warning("kafka_reader_not_stopped", error=fault)
        await consumer._client.close()


def _fault_of(stopping: asyncio.Future[None]) -> str | None:
    if stopping.cancelled():
        return "CancelledError"
    error = stopping.exception()
    return type(error).__name__ if error is not None else None
