"""What only Kafka needs: rebuilt clients, refused batches, partitions that move."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.new_topic import NewTopic
from aiokafka.partitioner import DefaultPartitioner

from careloop.infrastructure.kafka import KafkaServer
from shared.db.database import Database
from shared.db.statements import Statement
from shared.db.work import Work
from shared.events.consumer import Consumer, Subscription
from shared.events.envelope import Envelope, to_headers
from shared.events.transport import (
    Acknowledged,
    Failed,
    GroupReader,
    IncomingRecord,
    OutgoingRecord,
    Refused,
    TopicPartition,
)
from shared.events.transport.kafka import KafkaTransport
from shared.events.transport.kafka_publisher import hash_of
from shared.kernel.clock import SystemClock
from shared.kernel.ids import new_id
from shared.kernel.signals import Signal
from shared.testing import workshop as w
from shared.testing.waiting import eventually

pytestmark = pytest.mark.kafka

LIMIT_SECONDS = 60
CURRENT_TRANSACTION = Statement("SELECT pg_current_xact_id()::text", (), {})


@pytest_asyncio.fixture
async def kafka(kafka_server: KafkaServer) -> AsyncIterator[KafkaTransport]:
    transport = KafkaTransport(kafka_server.bootstrap_servers, partitions=4, stall_seconds=1.0)
    yield transport
    await transport.close()


def record(topic: str, key: str, number: int, size: int = 0) -> OutgoingRecord:
    return OutgoingRecord(topic, key, {}, b"%d " % number + b"x" * size)


async def read(reader: GroupReader, count: int) -> list[IncomingRecord]:
    found: list[IncomingRecord] = []
    async with asyncio.timeout(LIMIT_SECONDS):
        while len(found) < count:
            for batch in await reader.poll(100, 0.2):
                found.extend(batch.records)
    return found


async def numbers(transport: KafkaTransport, topic: str, group: str, count: int) -> list[int]:
    reader = await transport.subscribe(group, [topic], Signal())
    received = await read(reader, count)
    await reader.close()
    return [int(incoming.value.split(b" ")[0]) for incoming in received]


async def make_topic(server: KafkaServer, topic: str, **configs: str) -> None:
    """A topic of one partition with a configuration of its own."""
    admin = AIOKafkaAdminClient(bootstrap_servers=server.bootstrap_servers)
    await admin.start()
    try:
        settings = {name.replace("_", "."): value for name, value in configs.items()}
        await admin.create_topics([NewTopic(topic, 1, 1, topic_configs=settings)])
    finally:
        await admin.close()


@pytest.mark.parametrize("key", ["a", "0198f0a2-7c1e-7000-8000-1234567890ab", "键"])
def test_a_key_goes_where_every_kafka_client_would_send_it(key: str) -> None:
    partitions = list(range(7))
    assert hash_of(key) % 7 == DefaultPartitioner()(key.encode(), partitions, partitions)


async def test_a_refused_record_is_found_in_its_batch_and_only_its_key_waits(
    kafka: KafkaTransport, kafka_server: KafkaServer, topic: str, group: str
) -> None:
    await make_topic(kafka_server, topic, max_message_bytes="5000")
    sent = [
        record(topic, "abc"[number % 3], number, size=9000 if number == 4 else 10) for number in range(12)
    ]
    outcomes = await kafka.publish(sent)
    by_key = {key: [outcomes[place] for place, r in enumerate(sent) if r.key == key] for key in "abc"}
    assert all(isinstance(outcome, Acknowledged) for key in "ac" for outcome in by_key[key])
    assert [type(outcome) for outcome in by_key["b"]] == [Acknowledged, Refused, Failed, Failed]
    assert await numbers(kafka, topic, group, 9) == [0, 1, 2, 3, 5, 6, 8, 9, 11]


async def test_after_a_refusal_the_partition_goes_on(
    kafka: KafkaTransport, kafka_server: KafkaServer, topic: str, group: str
) -> None:
    await make_topic(kafka_server, topic, max_message_bytes="5000")
    for number in range(3):
        refused, taken = await kafka.publish(
            [record(topic, "large", number, 9000), record(topic, "small", number)]
        )
        assert isinstance(refused, Refused)
        assert refused.code == "record_too_large"
        assert isinstance(taken, Acknowledged)
    assert await numbers(kafka, topic, group, 3) == [0, 1, 2]


async def test_a_record_that_the_broker_finds_invalid_is_refused_whatever_it_calls_that(
    kafka: KafkaTransport, kafka_server: KafkaServer, topic: str
) -> None:
    # A timestamp too far from the broker's is an invalid one.
    await make_topic(
        kafka_server, topic, message_timestamp_after_max_ms="0", message_timestamp_before_max_ms="0"
    )
    # It is valid when it arrives within the millisecond in which it was stamped.
    for number in range(100):
        [outcome] = await kafka.publish([record(topic, "key", number)])
        if isinstance(outcome, Refused):
            break
    assert isinstance(outcome, Refused)


async def test_a_producer_out_of_sequence_is_rebuilt(kafka: KafkaTransport, topic: str, group: str) -> None:
    await kafka.publish([record(topic, "key", 0)])
    manager = kafka._publisher._producer._txn_manager
    for partition in range(4):
        manager.increment_sequence_number(KafkaPartition(topic, partition), 7)
    sent: Sequence[OutgoingRecord] = [record(topic, "key", 1)]
    [outcome] = await kafka.publish(sent)
    assert isinstance(outcome, Failed)
    [outcome] = await kafka.publish(sent)
    assert isinstance(outcome, Acknowledged)
    assert await numbers(kafka, topic, group, 2) == [0, 1]


async def test_a_reader_that_is_stuck_with_lag_is_rebuilt(
    kafka: KafkaTransport, topic: str, group: str
) -> None:
    await kafka.publish([record(topic, "key", 0)])
    reader = await kafka.subscribe(group, [topic], Signal())
    await read(reader, 1)
    stuck = reader._consumer  # type: ignore[attr-defined]
    stuck._fetcher._fetch_task.cancel()
    await kafka.publish([record(topic, "key", 1)])
    received = await read(reader, 1)
    assert reader._consumer is not stuck  # type: ignore[attr-defined]
    assert b"1 " in [incoming.value for incoming in received]


async def test_positions_of_partitions_that_moved_are_not_committed(
    kafka: KafkaTransport, topic: str, group: str
) -> None:
    await kafka.publish([record(topic, f"key-{number}", number) for number in range(40)])
    first = await kafka.subscribe(group, [topic], Signal())
    received = await read(first, 40)
    positions = {TopicPartition(r.topic, r.partition): r.position + 1 for r in received}
    second = await kafka.subscribe(group, [topic], Signal())
    async with asyncio.timeout(LIMIT_SECONDS):
        while len(await assigned(first)) == 4 or not await assigned(second):
            await asyncio.gather(first.poll(10, 0.1), second.poll(10, 0.1))
    kept = await assigned(first)
    await first.commit(positions)
    await first.close()
    await second.close()
    third = await kafka.subscribe(group, [topic], Signal())
    moved = {at for at in positions if at.partition not in kept}
    again = await read(third, sum(positions[at] for at in moved))
    assert {incoming.partition for incoming in again} == {at.partition for at in moved}


async def assigned(reader: GroupReader) -> set[int]:
    consumer = reader._consumer  # type: ignore[attr-defined]
    return set() if consumer is None else {at.partition for at in consumer.assignment()}


async def test_whatever_a_stranger_puts_on_a_topic_is_buried_and_others_go_on(
    kafka: KafkaTransport, kafka_server: KafkaServer, office: Database, group: str
) -> None:
    await kafka.create_topics([w.TOPIC])
    good = uuid4()
    strange = [
        (b"\x00\xff", [("ce_type", b"workshop.thing_happened.v1"), ("ce_id", b"\x00")]),
        (None, [("ce_type", w.ThingHappenedV1.TYPE.encode())]),
        (
            str(uuid4()).encode(),
            [(name, b"\x00") for name in to_headers(envelope_of(good)) if name != "ce_type"],
        ),
        (b"far", [*headers_of(envelope_of(good)), ("ce_time", b"0001-01-01T00:00:00+14:00")]),
    ]
    producer = AIOKafkaProducer(bootstrap_servers=kafka_server.bootstrap_servers)
    await producer.start()
    for key, headers in strange:
        await producer.send_and_wait(w.TOPIC, b"\x00\x01", key=key, headers=headers)
    await producer.stop()
    payload = w.ThingHappenedV1(thing_id=good, number=1).model_dump_json().encode()
    [outcome] = await kafka.publish(
        [OutgoingRecord(w.TOPIC, str(good), to_headers(envelope_of(good)), payload)]
    )
    assert isinstance(outcome, Acknowledged)
    consumer = Consumer(group, office, kafka, w.subscriptions())
    async with w.running(consumer):
        await w.until_noted(office, {good: 1})
        await eventually(lambda: buried(consumer, office, 4))


async def test_partitions_are_worked_on_at_once_and_one_that_fails_does_not_stop_the_others(
    kafka: KafkaTransport, office: Database, group: str
) -> None:
    first, second = uuid4(), uuid4()
    while hash_of(str(first)) % 4 == hash_of(str(second)) % 4:
        second = uuid4()
    arrived = {first: asyncio.Event(), second: asyncio.Event()}
    failures = 3

    async def meet(work: Work, envelope: Envelope, payload: w.ThingHappenedV1) -> None:
        nonlocal failures
        arrived[envelope.key].set()
        if payload.number == 1:
            async with asyncio.timeout(LIMIT_SECONDS):
                await asyncio.gather(*(event.wait() for event in arrived.values()))
        elif envelope.key == first and failures:
            failures -= 1
            raise ConnectionResetError
        await w.note(work, envelope, payload)

    for number in (1, 2):
        records = []
        for thing in (first, second):
            payload = w.ThingHappenedV1(thing_id=thing, number=number).model_dump_json().encode()
            headers = to_headers(envelope_of(thing, sequence=number))
            records.append(OutgoingRecord(w.TOPIC, str(thing), headers, payload))
        assert all(isinstance(outcome, Acknowledged) for outcome in await kafka.publish(records))
    consumer = Consumer(group, office, kafka, [Subscription(w.ThingHappenedV1, meet)], bundle=1)
    async with w.running(consumer):
        notes = await w.until_noted(office, {first: 2, second: 2})
    assert w.faults_of(notes, {first: 2, second: 2}) == []
    assert failures == 0


async def test_small_batches_share_a_transaction_until_one_of_them_fails(
    kafka: KafkaTransport, office: Database, group: str
) -> None:
    things = [uuid4() for _ in range(12)]
    assert len({hash_of(str(thing)) % 4 for thing in things}) > 1
    transactions: dict[str, set[UUID]] = {}

    async def gather(work: Work, envelope: Envelope, payload: w.ThingHappenedV1) -> None:
        transactions.setdefault(await work.fetch_value(CURRENT_TRANSACTION), set()).add(envelope.key)
        if payload.number == 3 and envelope.key == things[0]:
            raise w.NoteRefusedError
        await w.note(work, envelope, payload)

    async def publish_and_consume(number: int, expected: dict[UUID, int]) -> Consumer:
        records = []
        for thing in things:
            payload = w.ThingHappenedV1(thing_id=thing, number=number).model_dump_json().encode()
            headers = to_headers(envelope_of(thing, sequence=number))
            records.append(OutgoingRecord(w.TOPIC, str(thing), headers, payload))
        assert all(isinstance(outcome, Acknowledged) for outcome in await kafka.publish(records))
        consumer = Consumer(group, office, kafka, [Subscription(w.ThingHappenedV1, gather)])
        async with w.running(consumer):
            await w.until_noted(office, expected)
        return consumer

    # What other tests left on the topic comes first, and falls apart.
    await publish_and_consume(1, dict.fromkeys(things, 1))
    transactions.clear()
    await publish_and_consume(2, dict.fromkeys(things, 2))
    together = max(transactions.values(), key=len)
    assert len({hash_of(str(thing)) % 4 for thing in together}) > 1

    expected = {things[0]: 2, **dict.fromkeys(things[1:], 3)}
    consumer = await publish_and_consume(3, expected)
    assert w.faults_of(await w.notes(office), expected) == []
    assert await buried(consumer, office, 1)


async def buried(consumer: Consumer, office: Database, count: int) -> bool:
    async with office.session() as session:
        return len(await consumer.dead_letters.page(session, limit=200)) >= count


def envelope_of(key: UUID, *, sequence: int = 1) -> Envelope:
    return Envelope(
        id=new_id(),
        source=w.WORKSHOP,
        type=w.ThingHappenedV1.TYPE,
        key=key,
        sequence=sequence,
        occurred_at=SystemClock().now(),
        correlation_id=new_id(),
    )


def headers_of(envelope: Envelope) -> list[tuple[str, bytes]]:
    return [(name, value.encode()) for name, value in to_headers(envelope).items() if name != "ce_time"]
