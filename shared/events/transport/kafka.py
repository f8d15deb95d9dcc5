"""Events through Apache Kafka: aiokafka, idempotent producer, `acks=all`, explicit commits."""

import asyncio
from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.events.transport.base import BrokerUnavailableError, GroupReader, Outcome, OutgoingRecord
from shared.events.transport.kafka_options import (
    AWAY,
    START_TIMEOUT_SECONDS,
    STOP_TIMEOUT_SECONDS,
    KafkaOptions,
    KafkaSecurity,
)
from shared.events.transport.kafka_publisher import KafkaPublisher
from shared.events.transport.kafka_reader import STALL_SECONDS, KafkaReader
from shared.kernel.signals import Signal

LONG_POLL_SECONDS = 0.25
# An event costs its handler a few round trips to the database: others use that time.
PARALLEL_PARTITIONS = 4
# A commit is a write to the broker's own topic; five a second a group are plenty.
COMMIT_SECONDS = 0.2

__all__ = ["KafkaSecurity", "KafkaTransport"]


class KafkaTransport:
    """A Kafka cluster.

    `partitions` and `replication_factor` are those of topics that are missing and made here; in a cluster
    with access control they exist already. `stall_seconds`: a reader that has lag and got nothing for so
    long is rebuilt.
    """

    long_poll_seconds = LONG_POLL_SECONDS
    parallel_partitions = PARALLEL_PARTITIONS
    commit_seconds = COMMIT_SECONDS

    def __init__(
        self,
        bootstrap_servers: str,
        *,
        client_id: str = "careloop",
        partitions: int = 8,
        replication_factor: int = 1,
        security: KafkaSecurity | None = None,
        stall_seconds: float = STALL_SECONDS,
    ) -> None:
        self._options = KafkaOptions(bootstrap_servers, client_id, security or KafkaSecurity())
        self._partitions = partitions
        self._replication_factor = replication_factor
        self._stall_seconds = stall_seconds
        self._publisher = KafkaPublisher(self._options, self.create_topics)
        self._readers: list[KafkaReader] = []

    async def create_topics(self, topics: Sequence[str]) -> None:
        try:
            async with asyncio.timeout(START_TIMEOUT_SECONDS):
                admin = await self._admin()
                try:
                    missing = sorted(set(topics) - set(await admin.list_topics()))
                    if missing:
                        await self._create(admin, missing)
                finally:
                    await admin.close()
        except AWAY as away:
            raise BrokerUnavailableError(
                f"no topics at {self._options.bootstrap_servers}: {away!r}"
            ) from away

    async def publish(self, records: Sequence[OutgoingRecord]) -> list[Outcome]:
        return await self._publisher.publish(records)

    async def subscribe(self, group: str, topics: Sequence[str], wake: Signal) -> GroupReader:
        await self.create_topics(topics)
        reader = KafkaReader(self._options, group, topics, stall_seconds=self._stall_seconds)
        self._readers.append(reader)
        return reader

    async def check(self) -> None:
        try:
            async with asyncio.timeout(STOP_TIMEOUT_SECONDS):
                admin = await self._admin()
                await admin.close()
        except AWAY as away:
            raise BrokerUnavailableError(
                f"Kafka at {self._options.bootstrap_servers} does not answer"
            ) from away

    async def close(self) -> None:
        for reader in self._readers:
            await reader.close()
        self._readers.clear()
        await self._publisher.close()

    async def _admin(self) -> AIOKafkaAdminClient:
        admin = AIOKafkaAdminClient(**self._options.client())
        try:
            await admin.start()
        except BaseException:
            await admin.close()
            raise
        return admin

    async def _create(self, admin: AIOKafkaAdminClient, missing: Sequence[str]) -> None:
        response = await admin.create_topics(
            [NewTopic(topic, self._partitions, self._replication_factor) for topic in missing]
        )
        for topic, code, *_ in response.topic_errors:
            error = for_code(code)
            if code != 0 and error is not TopicAlreadyExistsError:
                raise error(topic)
