"""A Kafka state directory, on the real broker."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from careloop.infrastructure.errors import StateDirectoryInUseError
from careloop.infrastructure.kafka import KafkaServer
from careloop.infrastructure.kafka_jars import Jar, JarsUnavailableError, fetch, kafka_jars, locked_jars
from careloop.registry import TOPICS

pytestmark = pytest.mark.kafka

WAIT_SECONDS = 30
RECORDS = 500
HOLDER = """
import sys, time
from careloop.infrastructure.kafka import KafkaServer
server = KafkaServer(sys.argv[1], topics=[]).start()
print(server.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    with KafkaServer(tmp_path_factory.mktemp("state"), partitions=3) as running:
        yield running


async def records_of(server: KafkaServer, topic: str) -> int:
    """How many records the partitions of a topic hold."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=server.bootstrap_servers, group_id="counting", enable_auto_commit=False
    )
    await consumer.start()
    try:
        parts = [TopicPartition(topic, part) for part in range(server.partitions)]
        ends = await consumer.end_offsets(parts)
        return sum(ends.values())
    finally:
        await consumer.stop()


async def test_each_service_has_a_topic_with_the_wanted_partitions(server: KafkaServer) -> None:
    consumer = AIOKafkaConsumer(*TOPICS, bootstrap_servers=server.bootstrap_servers)
    await consumer.start()
    try:
        found = {topic: len(consumer.partitions_for_topic(topic) or ()) for topic in TOPICS}
    finally:
        await consumer.stop()

    producers = ("ticketing", "sla", "valuation", "complaints", "billing")
    assert found == {f"{name}.events": 3 for name in producers}


async def test_acknowledged_records_survive_kill_9_of_the_broker_on_the_same_port(
    server: KafkaServer,
) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=server.bootstrap_servers, acks="all", enable_idempotence=True
    )
    await producer.start()
    sent = [await producer.send("sla.events", b"x", key=str(n).encode()) for n in range(RECORDS)]
    for one in sent:
        await one
    await producer.stop()
    port = server.port

    server.kill()
    assert not server.is_running
    await server.astart()

    assert server.port == port
    assert await records_of(server, "sla.events") == RECORDS


async def test_a_second_start_on_the_directory_is_refused(server: KafkaServer) -> None:
    with pytest.raises(StateDirectoryInUseError, match="in use by another careloop"):
        await KafkaServer(server.directory.parent).astart()
    assert server.is_running


def test_the_heap_is_bounded(server: KafkaServer) -> None:
    assert "-Xmx512m" in psutil.Process(server.pid).cmdline()


def test_kill_9_of_the_holder_leaves_no_broker(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        broker = psutil.Process(int(holder.stdout.readline()))
        holder.kill()

    broker.wait(WAIT_SECONDS)


def test_the_jars_are_those_that_were_pinned() -> None:
    jars = kafka_jars()

    assert [jar.name for jar in jars] == [jar.filename for jar in locked_jars()]
    assert "kafka_2.13-4.3.1.jar" in {jar.name for jar in jars}


def test_a_jar_with_another_checksum_is_refused(tmp_path: Path) -> None:
    jar = Jar("org.slf4j:slf4j-api:1.7.36", "0" * 64)

    with pytest.raises(JarsUnavailableError, match=r"slf4j-api:1\.7\.36 cannot be had .* its SHA-256 is"):
        fetch(jar, tmp_path, attempts=1)
    assert not (tmp_path / jar.filename).exists()
