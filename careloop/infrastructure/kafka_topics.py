"""Making the topics of the suite."""

import asyncio
from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

LOOK_SECONDS = 0.1
REQUEST_TIMEOUT_SECONDS = 10


async def create_topics(
    bootstrap_servers: str, topics: Sequence[str], partitions: int, replication_factor: int = 1
) -> None:
    """Make the topics that are missing and return once every partition has a leader.

    Waits for the broker as long as the caller lets it; cancel it to give up.
    """
    admin = await _connected(bootstrap_servers)
    try:
        wanted = [NewTopic(topic, partitions, replication_factor) for topic in topics]
        answer = await admin.create_topics(wanted, timeout_ms=REQUEST_TIMEOUT_SECONDS * 1000)
        for _, code, *_ in answer.topic_errors:
            error = for_code(code)
            if code != 0 and error is not TopicAlreadyExistsError:
                raise error()
        while True:
            if await _led(admin, topics):
                return
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await admin.close()


async def _connected(bootstrap_servers: str) -> AIOKafkaAdminClient:
    while True:
        await _listening(bootstrap_servers)
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
        try:
            await admin.start()
        except (KafkaError, OSError):
            await admin.close()
            await asyncio.sleep(LOOK_SECONDS)
        else:
            return admin


async def _listening(bootstrap_servers: str) -> None:
    """Await a port that takes connections; the client would write an error into the log for each attempt."""
    host, _, port = bootstrap_servers.split(",")[0].rpartition(":")
    while True:
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            await asyncio.sleep(LOOK_SECONDS)
        else:
            writer.close()
            await writer.wait_closed()
            return


async def _led(admin: AIOKafkaAdminClient, topics: Sequence[str]) -> bool:
    described = await admin.describe_topics(list(topics))
    return all(
        topic["error_code"] == 0 and all(part["leader"] >= 0 for part in topic["partitions"])
        for topic in described
    )
