"""The broker ends and comes back: services go on recording, and nothing is lost, doubled or out of order."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from careloop.infrastructure.kafka import KafkaServer
from careloop.infrastructure.postgres import PostgresServer
from careloop.infrastructure.processes import free_port
from shared.db.database import Database
from shared.events.consumer import Consumer
from shared.events.progress import horizon
from shared.events.relay import Relay
from shared.events.transport import Transport
from shared.events.transport.kafka import KafkaTransport
from shared.events.transport.postgres import PostgresTransport
from shared.testing import workshop as w
from shared.testing.waiting import eventually

Broker = KafkaServer | PostgresServer


@pytest.fixture(params=["postgres", pytest.param("kafka", marks=pytest.mark.kafka)])
def mortal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that this test may kill and start again at the same address."""
    if request.param == "kafka":
        yield request.getfixturevalue("kafka_server").start()
        return
    with PostgresServer(tmp_path_factory.mktemp("log"), port=free_port(), databases=("events",)) as server:
        yield server


@pytest_asyncio.fixture
async def mortal_transport(mortal: Broker) -> AsyncIterator[Transport]:
    if isinstance(mortal, KafkaServer):
        transport: Transport = KafkaTransport(mortal.bootstrap_servers, partitions=mortal.partitions)
        yield transport
    else:
        transport = PostgresTransport(mortal.url("events"))
        await transport.migrate()
        yield transport
    await transport.close()


@pytest.mark.parametrize("end", ["kill", "stop"])
async def test_a_broker_that_ends_and_comes_back_costs_time_only(
    mortal: Broker, mortal_transport: Transport, workshop: Database, office: Database, group: str, end: str
) -> None:
    relay = Relay(w.WORKSHOP, workshop, mortal_transport)
    consumer = Consumer(group, office, mortal_transport, w.subscriptions())
    things = [uuid4() for _ in range(4)]
    async with w.running(relay, consumer):
        for number in range(20):
            await w.happen(workshop, things[number % 4], number)
        await w.until_noted(office, dict.fromkeys(things, 5))
        await asyncio.to_thread(getattr(mortal, end))
        for number in range(20, 60):
            await w.happen(workshop, things[number % 4], number)
        await eventually(lambda: is_held(office, group))
        await asyncio.to_thread(mortal.start)
        expected = dict.fromkeys(things, 15)
        notes = await w.until_noted(office, expected, timeout_seconds=120)
    assert w.faults_of(notes, expected) == []
    async with workshop.session() as session:
        assert await session.connection.fetchval("SELECT count(*) FROM outbox") == 0


async def is_held(office: Database, group: str) -> bool:
    """Whether timers are held back: nothing may count as read up to now while the broker is away."""
    now = datetime.now(UTC)
    async with office.session() as session:
        return await horizon(session, group, now) < now - timedelta(milliseconds=1)


async def test_readiness_tells_whether_the_broker_answers(
    mortal: Broker, mortal_transport: Transport
) -> None:
    from shared.events.transport import BrokerUnavailableError

    await mortal_transport.check()
    await asyncio.to_thread(mortal.kill)
    with pytest.raises(BrokerUnavailableError):
        await mortal_transport.check()
    await asyncio.to_thread(mortal.start)
    await eventually(lambda: answers(mortal_transport))


async def answers(transport: Transport) -> bool:
    from shared.events.transport import BrokerUnavailableError

    try:
        await transport.check()
    except BrokerUnavailableError:
        return False
    return True


ROOT = Path(__file__).parents[2]
PUBLISHER = """
import asyncio, sys
from shared.events.transport import OutgoingRecord
from shared.events.transport.postgres import PostgresTransport

async def main(url, topic, name):
    transport = PostgresTransport(url)
    for number in range(100_000):
        batch = [OutgoingRecord(topic, name, {}, b"%d-%d" % (number, part)) for part in range(5)]
        await transport.publish(batch)
        sys.stdout.write("published\\n")
        sys.stdout.flush()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_positions_of_the_postgres_log_have_no_gaps_under_four_publishers_with_kills(
    postgres_transport: PostgresTransport, topic: str
) -> None:
    await postgres_transport.create_topics([topic])
    children = []
    for name in ("a", "b", "c", "d", "e", "f"):
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PUBLISHER, postgres_transport.url, topic, name,
            cwd=ROOT, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        children.append(child)
        if len(children) >= 4:
            await end_one(children.pop(0))
    while children:
        await end_one(children.pop(0))
    async with postgres_transport._connection() as connection:
        rows = await connection.fetch("SELECT position, key, value FROM records ORDER BY position")
        head = await connection.fetchval("SELECT head FROM topics WHERE topic = $1", topic)
    assert [row["position"] for row in rows] == list(range(head))
    for name in {row["key"] for row in rows}:
        values = [row["value"].decode() for row in rows if row["key"] == name]
        numbers = [tuple(map(int, value.split("-"))) for value in values]
        assert numbers == sorted(set(numbers))
        assert len(numbers) % 5 == 0


async def end_one(child: asyncio.subprocess.Process) -> None:
    """Kill a publisher in the middle of its work."""
    assert child.stdout is not None
    async with asyncio.timeout(60):
        for _ in range(10):
            assert await child.stdout.readline() == b"published\n"
        child.send_signal(signal.SIGKILL)
        await child.wait()
