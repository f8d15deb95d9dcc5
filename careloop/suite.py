"""All services in one process: what `careloop run`, the demo and the end-to-end tests start."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from careloop.composite import Composite
from careloop.documents.site import write_site
from careloop.infrastructure.postgres import EVENT_LOG, PostgresServer
from careloop.issuer import jwks_path
from careloop.pages import suite_pages
from careloop.registry import SERVICES, TOPICS, composition
from careloop.stepping import Stepper
from shared.db.migrations import upgrade
from shared.events.transport.postgres import PostgresTransport
from shared.kernel.clock import Clock, SimulatedClock, SystemClock
from shared.operations.service import Service


class Suite:
    """The composed suite. Made by `open_suite`; everything in it is open while that block lasts.

    `app` is one ASGI application with every service under its prefix, the merged OpenAPI document and its pages.
    """

    def __init__(
        self, services: Mapping[str, Service], clock: Clock, state_dir: Path, postgres: PostgresServer
    ) -> None:
        self.services = services
        self.clock = clock
        self.state_dir = state_dir
        self.postgres = postgres
        documents = {name: service.app.openapi() for name, service in services.items()}
        pages = suite_pages(write_site(state_dir / "documents", documents), jwks_path(state_dir))
        self.app = Composite({name: service.app for name, service in services.items()}, pages)
        self._stepper = Stepper(list(services.values()), clock) if isinstance(clock, SimulatedClock) else None

    async def drain(self) -> int:
        """Do all that can be done at this instant; simulated clock only."""
        return await self._stepping().drain()

    async def advance(self, to: datetime) -> int:
        """Step the simulated clock to `to`, stopping at each due instant; how much was done."""
        return await self._stepping().advance(to)

    async def next_due_at(self) -> datetime | None:
        """The next instant at which a timer is due; simulated clock only."""
        return await self._stepping().next_due_at()

    def _stepping(self) -> Stepper:
        if self._stepper is None:
            raise RuntimeError("only a suite under a simulated clock is stepped")
        return self._stepper


# A fit takes a second of real time in a process of its own: a replayed year, which takes a minute, asks for none by
# itself. Ask for one by `POST /valuation/v1/refit-jobs`.
SIMULATED: Mapping[str, Mapping[str, Any]] = {"valuation": {"refit_hour": None}}


@asynccontextmanager
async def open_suite(
    state_dir: Path,
    *,
    simulated_start: datetime | None = None,
    durable: bool = True,
    postgres_port: int | None = None,
) -> AsyncIterator[Suite]:
    """Start PostgreSQL, migrate, compose and open every service; all of it is closed again at the end.

    simulated_start   an instant: the suite runs under a `SimulatedClock` from there; None: real time
    durable           False for a throw-away store (no fsync, nothing waits at commit)
    """
    async with AsyncExitStack() as closing:
        postgres = PostgresServer(state_dir, postgres_port, durable)
        await postgres.astart()
        closing.push_async_callback(postgres.astop)
        clock: Clock = SimulatedClock(simulated_start) if simulated_start else SystemClock()
        transport = PostgresTransport(postgres.url(EVENT_LOG))
        closing.push_async_callback(transport.close)
        await transport.migrate()
        await transport.create_topics(TOPICS)
        services: dict[str, Service] = {}
        for name in SERVICES:
            composed = composition(name)
            await upgrade(composed.HISTORY, postgres.url(name))
            settings = composed.Settings(
                environment="development",
                database_url=postgres.url(name),
                transport="postgres",
                events_database_url=postgres.url(EVENT_LOG),
                jwks=str(jwks_path(state_dir)),
                access_log=simulated_start is None,
                **(SIMULATED.get(name, {}) if simulated_start else {}),
            )
            services[name] = composed.build(settings, clock=clock, transport=transport)
        for service in services.values():
            await service.open()
            closing.push_async_callback(service.close)
            for loop in service.loops:
                closing.push_async_callback(loop.close)
        yield Suite(services, clock, state_dir, postgres)
