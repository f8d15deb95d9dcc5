"""A ticketing service on a database of its own, reached as its callers reach it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
import pytest_asyncio

from services.ticketing import service as ticketing
from shared.events.transport.postgres import PostgresTransport
from shared.kernel.clock import SimulatedClock
from shared.operations.service import Service
from shared.testing.plugin import MakeDatabase
from shared.testing.tokens import AUDIENCE, ISSUER, TestIssuer

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(START)


@pytest_asyncio.fixture
async def service(
    make_database: MakeDatabase, issuer: TestIssuer, clock: SimulatedClock
) -> AsyncIterator[Service]:
    url = await make_database(ticketing.HISTORY)
    settings = ticketing.Settings(
        database_url=url,
        events_database_url=url,
        jwks=str(issuer.jwks_path),
        issuer=ISSUER,
        audience=AUDIENCE,
        access_log=False,
    )
    transport = PostgresTransport(url)
    built = ticketing.build(settings, clock=clock, transport=transport)
    await built.open()
    yield built
    await built.close()


@pytest_asyncio.fixture
async def http(service: Service, issuer: TestIssuer) -> AsyncIterator[httpx.AsyncClient]:
    """Calls as an agent unless a call says otherwise."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=service.app),
        base_url="http://ticketing.test/ticketing/v1",
        headers=issuer.headers("agent", "agent-7"),
    ) as client:
        yield client
