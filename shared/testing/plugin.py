"""Fixtures that every level of tests uses. The server behind them comes from `tests/conftest.py`."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from shared.db.migrations import History
from shared.testing.databases import TestDatabases
from shared.testing.tokens import TestIssuer

MakeDatabase = Callable[[History | None], Awaitable[str]]


@pytest.fixture(scope="session")
def databases(postgres_admin_url: str) -> TestDatabases:
    return TestDatabases(postgres_admin_url)


@pytest_asyncio.fixture
async def make_database(databases: TestDatabases) -> AsyncIterator[MakeDatabase]:
    """`await make_database(history)`: a URL of a database at head; without a history, an empty one."""
    made: list[str] = []

    async def make(history: History | None = None) -> str:
        url = await (databases.at_head(history) if history else databases.empty())
        made.append(url)
        return url

    yield make
    for url in made:
        await databases.drop(url)


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> TestIssuer:
    directory: Path = tmp_path_factory.mktemp("issuer")
    return TestIssuer(directory)


@pytest.fixture(scope="session")
def issuer_jwks(issuer: TestIssuer) -> str:
    """The path that a service's `jwks` setting names."""
    return str(issuer.jwks_path)
