"""Outbox, relay, transport, consumer: nothing lost, nothing twice, each key in order; on both transports."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from careloop.infrastructure.kafka import KafkaServer
from shared.db.database import Database
from shared.events.consumer import Consumer
from shared.events.dead_letters import DeadLetter, DeadLetters
from shared.events.relay import Relay
from shared.events.transport import Transport
from shared.testing import workshop as w
from shared.testing.waiting import eventually

WRITERS = 12
EVENTS_EACH = 30
KEYS = 8


@pytest.fixture
def relay(workshop: Database, transport: Transport) -> Relay:
    return Relay(w.WORKSHOP, workshop, transport)


@pytest.fixture
def consumer(office: Database, transport: Transport, group: str) -> Consumer:
    return Consumer(group, office, transport, w.subscriptions())


async def write(database: Database, things: list[UUID], count: int) -> dict[UUID, int]:
    """Let twelve writers share the things; how often each of them happened."""
    expected = dict.fromkeys(things, 0)

    async def one(writer: int) -> None:
        for number in range(count):
            thing = things[(writer + number * 5) % len(things)]
            await w.happen(database, thing, number)
            expected[thing] += 1

    async with asyncio.TaskGroup() as writers:
        for writer in range(WRITERS):
            writers.create_task(one(writer))
    return expected


async def test_twelve_writers_lose_no_event_and_each_key_keeps_its_order(
    workshop: Database, office: Database, relay: Relay, consumer: Consumer
) -> None:
    things = [uuid4() for _ in range(KEYS)]
    async with w.running(relay, consumer):
        expected = await write(workshop, things, EVENTS_EACH)
        notes = await w.until_noted(office, expected)
    assert sum(expected.values()) == WRITERS * EVENTS_EACH
    assert w.faults_of(notes, expected) == []


async def test_a_poison_event_parks_only_its_key_and_replay_brings_it_back_in_order(
    workshop: Database, office: Database, relay: Relay, consumer: Consumer
) -> None:
    poisoned, healthy = uuid4(), uuid4()
    fault = f"fault-{poisoned}"
    for number in range(4):
        await w.happen(workshop, healthy, number)
        await w.happen(workshop, poisoned, number, fault=fault if number == 1 else None)
    async with w.running(relay, consumer):
        await w.until_noted(office, {healthy: 4})
        letter = await eventually(lambda: letter_of(consumer, office, str(poisoned), parked=2))
        assert w.faults_of(await w.notes(office), {healthy: 4, poisoned: 1}) == []
        w.MENDED.add(fault)
        resolution = await consumer.dead_letters.replay(letter.id, w.SOMEBODY)
        await w.happen(workshop, poisoned, 4)
        notes = await w.until_noted(office, {healthy: 4, poisoned: 5})
    assert letter.error_code == "note_refused"
    assert (resolution.dead_letter.state, resolution.released) == ("replayed", 2)
    assert w.faults_of(notes, {healthy: 4, poisoned: 5}) == []


async def letter_of(consumer: Consumer, database: Database, key: str, parked: int) -> DeadLetter | None:
    async with database.session() as session:
        letters = await consumer.dead_letters.page(session)
    found = [letter for letter in letters if letter.key == key and letter.parked == parked]
    return found[0] if found else None


@asynccontextmanager
async def small_records_only(broker: KafkaServer | None) -> AsyncIterator[int]:
    """A broker that refuses large records while the block runs; yields a size that it refuses."""
    if broker is None:
        yield 1_100_000
        return
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    await admin.start()
    try:
        await limit(admin, 20_000)
        yield 50_000
        await limit(admin, 1_048_588)
    finally:
        await admin.close()


async def limit(admin: AIOKafkaAdminClient, size: int) -> None:
    resource = ConfigResource(ConfigResourceType.TOPIC, w.TOPIC, configs={"max.message.bytes": str(size)})
    await admin.alter_configs([resource])


async def test_a_refused_record_quarantines_only_its_key_and_can_be_retried_or_discarded(
    workshop: Database,
    office: Database,
    relay: Relay,
    consumer: Consumer,
    transport: Transport,
    broker: KafkaServer | None,
) -> None:
    refused, healthy = uuid4(), uuid4()
    await transport.create_topics([w.TOPIC])
    async with small_records_only(broker) as size:
        for number in range(4):
            await w.happen(workshop, healthy, number)
            await w.happen(workshop, refused, number)
        await swell(workshop, refused, sequence=2, size=size)
        async with w.running(relay, consumer):
            await w.until_noted(office, {healthy: 4, refused: 1})
            letter = await eventually(lambda: letter_of(consumer, workshop, str(refused), parked=0))
            await w.happen(workshop, healthy, 4)
            await w.happen(workshop, refused, 4)
            await w.until_noted(office, {healthy: 5})
    assert letter.direction == "outbound"
    assert letter.event_id in {row["event_id"] for row in await outbox(workshop, refused)}
    assert len(await outbox(workshop, refused)) == 4
    assert len(await outbox(workshop, healthy)) == 0
    outbound = DeadLetters(workshop, None)
    if broker is None:
        await outbound.discard(letter.id, w.SOMEBODY)
        expected = [1, 3, 4, 5]
    else:
        await outbound.replay(letter.id, w.SOMEBODY)
        expected = [1, 2, 3, 4, 5]
    async with w.running(relay, consumer):
        await w.until_noted(office, {refused: len(expected)})
    assert [row["sequence"] for row in await w.notes(office) if row["thing_id"] == refused] == expected


async def swell(database: Database, thing: UUID, *, sequence: int, size: int) -> None:
    """Make one waiting event too large behind the back of the writer, who would refuse it."""
    async with database.session() as session:
        await session.connection.execute(
            "UPDATE outbox SET payload = left(payload, -2) || repeat('x', $3) || '\"}' "
            "WHERE key = $1 AND sequence = $2",
            thing,
            sequence,
            size,
        )


async def outbox(database: Database, thing: UUID) -> list[dict[str, object]]:
    async with database.session() as session:
        rows = await session.connection.fetch("SELECT * FROM outbox WHERE key = $1 ORDER BY id", thing)
    return [dict(row) for row in rows]


async def test_the_same_event_published_twice_takes_effect_once(
    workshop: Database, office: Database, relay: Relay, consumer: Consumer
) -> None:
    thing = uuid4()
    for number in range(3):
        await w.happen(workshop, thing, number)
    async with workshop.session() as session:
        await session.connection.execute("CREATE TABLE copy AS SELECT * FROM outbox")
    while await relay.run_once():
        pass
    async with workshop.session() as session:
        await session.connection.execute(
            "INSERT INTO outbox OVERRIDING SYSTEM VALUE SELECT * FROM copy; DELETE FROM published_events"
        )
    relay.wake.set()
    assert await relay.run_once() == 3
    await relay.close()
    await w.happen(workshop, thing, 3)
    async with w.running(relay, consumer):
        notes = await w.until_noted(office, {thing: 4})
    assert w.faults_of(notes, {thing: 4}) == []
