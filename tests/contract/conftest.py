"""Services composed as they run, each on a database of its own, for tests of their contracts."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from careloop.issuer import issue_token
from careloop.registry import composition
from careloop.suite import open_suite
from shared.events.transport.postgres import PostgresTransport
from shared.kernel.clock import SystemClock
from shared.operations.http_server import HttpServer
from shared.operations.running import running_loops
from shared.operations.service import Service
from shared.testing.plugin import MakeDatabase
from shared.testing.tokens import ISSUER, TestIssuer

MakeService = Callable[[str], Awaitable[Service]]


@pytest_asyncio.fixture
async def make_service(make_database: MakeDatabase, issuer: TestIssuer) -> AsyncIterator[MakeService]:
    """`await make_service("sla")`: the service, opened."""
    opened: list[Service] = []
    transports: list[PostgresTransport] = []

    async def make(name: str) -> Service:
        composed = composition(name)
        events = await make_database(None)
        settings = composed.Settings(
            database_url=await make_database(composed.HISTORY),
            events_database_url=events,
            issuer=ISSUER,
            jwks=str(issuer.jwks_path),
            access_log=False,
        )
        transport = PostgresTransport(events)
        transports.append(transport)
        service = composed.build(settings, clock=SystemClock(), transport=transport)
        await service.open()
        opened.append(service)
        return service

    yield make
    for service in opened:
        await service.close()
    for transport in transports:
        await transport.close()


class LiveSuite:
    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.url = ""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="suite")
        self._up = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self.fault: BaseException | None = None

    def start(self) -> None:
        self._thread.start()
        if not self._up.wait(60) or self.fault:
            raise RuntimeError(f"the suite did not start: {self.fault!r}")

    def stop(self) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)

    def token(self, role: str, **claims: Any) -> str:
        return issue_token(self.state_dir, role, f"{role}-1", **claims)

    async def _run(self) -> None:
        try:
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            async with open_suite(self.state_dir, durable=False) as suite:
                server = HttpServer(suite.app, host="127.0.0.1", port=0)
                async with running_loops(list(suite.services.values()), self._stop):
                    await server.start()
                    self.url = f"http://127.0.0.1:{server.port}"
                    self._up.set()
                    await self._stop.wait()
                    await server.stop()
        except BaseException as fault:
            self.fault = fault
            self._up.set()
            raise


@pytest.fixture(scope="session")
def live_suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSuite]:
    """The whole suite on a port, in a thread with a loop of its own, for clients that are not asynchronous."""
    live = LiveSuite(tmp_path_factory.mktemp("suite"))
    live.start()
    yield live
    live.stop()
