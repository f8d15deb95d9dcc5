"""The real servers that tests run on, started once a test process from the wheels."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from careloop.infrastructure.errors import InfrastructureError
from careloop.infrastructure.kafka import KafkaServer
from careloop.infrastructure.postgres import PostgresServer

KAFKA_PARTITIONS = 4

# Where a red run stops a change, the same examples every time; a developer's runs look for new ones. How fast examples
# are drawn says something about the machine, not about the code.
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("developer", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") == "true" else "developer")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A throw-away PostgreSQL 18; dies with this process."""
    with PostgresServer(tmp_path_factory.mktemp("postgres"), durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_admin_url(postgres: PostgresServer) -> str:
    return postgres.admin_url


def unavailable(reason: str) -> None:
    """Skip with the reason, but fail where nothing may be skipped."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def kafka_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """A real broker; dies with this process."""
    server = KafkaServer(tmp_path_factory.mktemp("kafka"), topics=(), partitions=KAFKA_PARTITIONS)
    try:
        server.start()
    except (InfrastructureError, OSError) as missing:
        unavailable(f"no Kafka here: {missing}")
    yield server
    server.stop()
