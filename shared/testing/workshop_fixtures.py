"""Fixtures around workshop and office; a conftest imports those that its tests take."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from uuid import uuid4

import pytest
import pytest_asyncio
import structlog

from shared.db.database import Database
from shared.events.transport.postgres import PostgresTransport
from shared.telemetry.faults import with_fault
from shared.testing.databases import TestDatabases
from shared.testing.workshop import OFFICE, WORKSHOP, make_tables, open_database

OpenDatabase = Callable[[str], Awaitable[Database]]


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    """Faults as one line: to draw a traceback with all its variables takes longer than most outages here."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            with_fault,
            structlog.processors.JSONRenderer(default=str),
        ]
    )
    yield
    structlog.reset_defaults()


async def _migrate(url: str) -> None:
    transport = PostgresTransport(url)
    await transport.migrate()
    await transport.close()


@pytest_asyncio.fixture
async def postgres_transport(databases: TestDatabases) -> AsyncIterator[PostgresTransport]:
    url = await databases.prepared("event log", _migrate)
    transport = PostgresTransport(url)
    yield transport
    await transport.close()
    await databases.drop(url)


@pytest.fixture
def group() -> str:
    return f"group-{uuid4().hex}"


@pytest_asyncio.fixture
async def make_service_database(databases: TestDatabases) -> AsyncIterator[OpenDatabase]:
    """`await make_service_database("workshop")`: an open database with plumbing and the workshop's tables."""
    opened: list[Database] = []

    async def make(name: str) -> Database:
        url = await databases.prepared(WORKSHOP, make_tables)
        database = await open_database(url, name, max_size=14)
        opened.append(database)
        return database

    yield make
    for database in opened:
        await database.close()
        await databases.drop(database.url)


@pytest_asyncio.fixture
async def workshop(make_service_database: OpenDatabase) -> Database:
    return await make_service_database(WORKSHOP)


@pytest_asyncio.fixture
async def office(make_service_database: OpenDatabase) -> Database:
    return await make_service_database(OFFICE)
