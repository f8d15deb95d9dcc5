"""The real servers that tests run on, started once a test process from the wheels."""

from collections.abc import Iterator

import pytest

from careloop.infrastructure.postgres import PostgresServer


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A throw-away PostgreSQL 18; dies with this process."""
    with PostgresServer(tmp_path_factory.mktemp("postgres"), durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_admin_url(postgres: PostgresServer) -> str:
    return postgres.admin_url
