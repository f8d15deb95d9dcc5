"""The publishing side of Kafka.

Records go out in batches that are built here, one outstanding batch a partition: if a second one were on its
way while the first is refused, a broker that has not met this producer yet would take it, and a key's order
would be lost. A batch that the broker refuses is tried again record by record, to find the one. After any
fault the idempotent producer is rebuilt, because its sequence numbers have a hole now.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidTimestampError as KafkaInvalidTimestampError
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    UnknownError,
    UnknownTopicOrPartitionError,
    UnsupportedForMessageFormatError,
)
from aiokafka.partitioner import murmur2

from shared.events.transport.base import (
    ACKNOWLEDGED,
    BrokerUnavailableError,
    Failed,
    Outcome,
    OutgoingRecord,
    Refused,
)
from shared.events.transport.kafka_options import (
    AWAY,
    START_TIMEOUT_SECONDS,
    STOP_TIMEOUT_SECONDS,
    KafkaOptions,
)

log = structlog.get_logger(__name__)

MAX_BATCH_BYTES = 512 * 1024
# aiokafka never gives up on an idempotent batch; we do, and send it again later.
PUBLISH_TIMEOUT_SECONDS = 15.0
# Codes that aiokafka has no name for (such as INVALID_RECORD) look like a passing fault of the broker.
UNKNOWN_ATTEMPTS = 3

REFUSALS: tuple[type[KafkaError], ...] = (
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    KafkaInvalidTimestampError,
    PolicyViolationError,
    UnsupportedForMessageFormatError,
)
_SUSPECT = (*REFUSALS, UnknownError)
_NOT_SENT = Failed("not sent")
_BEHIND = Failed("behind a record of its key that was not taken")

Places = list[int]


@lru_cache(maxsize=65_536)
def hash_of(key: str) -> int:
    """Kafka's own hash of a key, so that every client finds the same partition."""
    hashed: int = murmur2(key.encode())
    return hashed & 0x7FFFFFFF


class KafkaPublisher:
    """One producer at a time; callers take turns."""

    def __init__(
        self, options: KafkaOptions, create_topics: Callable[[Sequence[str]], Awaitable[None]]
    ) -> None:
        self._options = options
        self._create_topics = create_topics
        self._producer: Any = None
        self._turn = asyncio.Lock()
        self._known_topics: set[str] = set()

    async def publish(self, records: Sequence[OutgoingRecord]) -> list[Outcome]:
        if not records:
            return []
        async with self._turn:
            outcomes: list[Outcome] = [_NOT_SENT] * len(records)
            by_partition = await self._by_partition(records)
            sending = [
                asyncio.create_task(self._send(topic, partition, places, records, outcomes))
                for (topic, partition), places in by_partition.items()
            ]
            try:
                done, pending = await asyncio.wait(sending, timeout=PUBLISH_TIMEOUT_SECONDS)
            except BaseException:
                for task in sending:
                    task.cancel()
                raise
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
            suspects = [suspect for task in done if (suspect := task.result()) is not None]
            if pending or any(isinstance(outcome, Failed) for outcome in outcomes):
                await self._discard()
            for topic, partition, places in suspects:
                await self._find_refused(topic, partition, places, records, outcomes)
            return outcomes

    async def close(self) -> None:
        async with self._turn:
            await self._discard()

    async def _by_partition(self, records: Sequence[OutgoingRecord]) -> dict[tuple[str, int], Places]:
        partitions = {}
        for topic in {record.topic for record in records}:
            partitions[topic] = await self._partitions_of(topic)
        found: dict[tuple[str, int], Places] = defaultdict(list)
        for place, record in enumerate(records):
            known = partitions[record.topic]
            found[record.topic, known[hash_of(record.key) % len(known)]].append(place)
        return found

    async def _partitions_of(self, topic: str) -> list[int]:
        if topic not in self._known_topics:
            await self._create_topics([topic])
            self._known_topics.add(topic)
        try:
            producer = await self._started()
            async with asyncio.timeout(START_TIMEOUT_SECONDS):
                return sorted(await producer.partitions_for(topic))
        except UnknownTopicOrPartitionError:
            self._known_topics.discard(topic)
            raise BrokerUnavailableError(f"topic {topic} is not there yet") from None
        except AWAY as away:
            await self._discard()
            raise BrokerUnavailableError(
                f"Kafka at {self._options.bootstrap_servers} does not answer: {type(away).__name__}"
            ) from away

    async def _send(
        self,
        topic: str,
        partition: int,
        places: Places,
        records: Sequence[OutgoingRecord],
        outcomes: list[Outcome],
    ) -> tuple[str, int, Places] | None:
        """Send batch after batch; stops at the first that fails, and returns it when a record is suspect."""
        rest = places
        while rest:
            batch = self._producer.create_batch()
            taken = 0
            for place in rest:
                if not self._append(batch, records[place]):
                    break
                taken += 1
            sent, rest = rest[:taken], rest[taken:]
            try:
                await (await self._producer.send_batch(batch, topic, partition=partition))
            except _SUSPECT:
                return topic, partition, sent
            except (KafkaError, OSError) as fault:
                for place in sent:
                    outcomes[place] = Failed(type(fault).__name__)
                return None
            for place in sent:
                outcomes[place] = ACKNOWLEDGED
        return None

    def _append(self, batch: Any, record: OutgoingRecord) -> bool:
        headers = [(name, value.encode()) for name, value in record.headers.items()]
        added = batch.append(timestamp=None, key=record.key.encode(), value=record.value, headers=headers)
        return added is not None

    async def _find_refused(
        self,
        topic: str,
        partition: int,
        places: Places,
        records: Sequence[OutgoingRecord],
        outcomes: list[Outcome],
    ) -> None:
        held: set[str] = set()
        for place in places:
            record = records[place]
            if record.key in held:
                outcomes[place] = _BEHIND
                continue
            outcomes[place] = await self._send_alone(topic, partition, record)
            if isinstance(outcomes[place], Refused):
                held.add(record.key)
            elif outcomes[place] is not ACKNOWLEDGED:
                return

    async def _send_alone(self, topic: str, partition: int, record: OutgoingRecord) -> Outcome:
        for attempt in range(1, UNKNOWN_ATTEMPTS + 1):
            try:
                async with asyncio.timeout(PUBLISH_TIMEOUT_SECONDS):
                    producer = await self._started()
                    batch = producer.create_batch()
                    self._append(batch, record)
                    await producer.partitions_for(topic)
                    await (await producer.send_batch(batch, topic, partition=partition))
            except REFUSALS as refusal:
                await self._discard()
                return Refused(_code_of(refusal), str(refusal))
            except UnknownError as refusal:
                await self._discard()
                if attempt == UNKNOWN_ATTEMPTS:
                    return Refused("unknown_error", str(refusal))
            except AWAY as away:
                await self._discard()
                return Failed(type(away).__name__)
            else:
                return ACKNOWLEDGED
        raise AssertionError("unreachable: the last attempt returns")

    async def _started(self) -> Any:
        if self._producer is None:
            producer = AIOKafkaProducer(
                **self._options.client(),
                acks="all",
                enable_idempotence=True,
                max_batch_size=MAX_BATCH_BYTES,
                max_request_size=4 * MAX_BATCH_BYTES,
            )
            try:
                async with asyncio.timeout(START_TIMEOUT_SECONDS):
                    await producer.start()
            except BaseException:
                await _end(producer)
                raise
            self._producer = producer
        return self._producer

    async def _discard(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await _end(producer)


def _code_of(refusal: KafkaError) -> str:
    if isinstance(refusal, MessageSizeTooLargeError | RecordListTooLargeError):
        return "record_too_large"
    return "invalid_record"


async def _end(producer: Any) -> None:
    """Close a producer that may be stuck: what it has not delivered by now, it must not deliver later."""
    sender = producer._sender.sender_task
    if sender is not None:
        sender.cancel()
        with suppress(asyncio.CancelledError, TimeoutError, *AWAY):
            await asyncio.wait({sender}, timeout=STOP_TIMEOUT_SECONDS)
    producer._closed = True
    try:
        async with asyncio.timeout(STOP_TIMEOUT_SECONDS):
            await producer.client.close()
    except AWAY as fault:
        log.warning("kafka_producer_not_closed", error=type(fault).__name__)
