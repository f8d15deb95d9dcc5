"""Both transports, on real servers: a test that takes `transport` runs once on each."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio

from careloop.infrastructure.kafka import KafkaServer
from shared.events.transport import Transport
from shared.events.transport.kafka import KafkaTransport
from shared.events.transport.postgres import PostgresTransport
from shared.testing.workshop_fixtures import (
    group,
    make_service_database,
    office,
    plain_logs,
    postgres_transport,
    workshop,
)

__all__ = ["group", "make_service_database", "office", "plain_logs", "postgres_transport", "workshop"]


@pytest.fixture(params=["postgres", pytest.param("kafka", marks=pytest.mark.kafka)])
def broker(request: pytest.FixtureRequest) -> KafkaServer | None:
    """The broker behind `transport`; None for the PostgreSQL log. Started outside of the test's loop."""
    return request.getfixturevalue("kafka_server") if request.param == "kafka" else None


@pytest_asyncio.fixture
async def transport(
    broker: KafkaServer | None, postgres_transport: PostgresTransport
) -> AsyncIterator[Transport]:
    if broker is None:
        yield postgres_transport
        return
    kafka = KafkaTransport(broker.bootstrap_servers, partitions=broker.partitions)
    yield kafka
    await kafka.close()


@pytest.fixture
def topic() -> str:
    """A topic of this test's own."""
    return f"topic-{uuid4().hex}.events"
