"""Running one service as a process of its own: the API, or the worker with its loops."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Literal

import structlog
from starlette.applications import Starlette
from starlette.types import ASGIApp

from shared.db.database import TRANSIENT, Database
from shared.db.migrations import require_head
from shared.operations.http_server import HttpServer
from shared.operations.loops import Loop, run_loop
from shared.operations.service import Service
from shared.telemetry.metrics import gauge
from shared.web.health import database_check, health_routes

log = structlog.get_logger(__name__)

Role = Literal["api", "worker"]
CLOCK_SECONDS = 5.0
# Objects made before the youngest generation is looked at (Python's own: 700), and rounds before the next older.
COLLECTOR_THRESHOLDS = (20_000, 20, 20)
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

_offset = gauge("careloop_clock_offset_seconds", "Database clock minus this machine's", "service")


class LoopEndedError(Exception):
    """A loop ended although nobody stopped it; the process must not go on without it."""


async def serve(
    service: Service,
    role: Role,
    *,
    host: str,
    port: int,
    shutdown_seconds: float = 20.0,
    on_ready: Callable[[int], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Run the service until SIGTERM, SIGINT or `stop`.

    An `api` answers requests; a `worker` runs the loops and answers /healthz, /readyz and /metrics only.
    `on_ready` gets the port once connections are accepted. Raises `SchemaNotAtHeadError`, which names the
    command to run, before anything is opened. Shutdown: stop accepting, finish what is in hand (for
    `shutdown_seconds`), release locks, close connections.
    """
    await require_head(service.history, service.database.url)
    stop = stop or asyncio.Event()
    server = HttpServer(
        service.app if role == "api" else worker_app(service),
        host=host,
        port=port,
        shutdown_seconds=shutdown_seconds,
    )
    await service.open()
    _spare_the_collector()
    try:
        with stopping_on_signals(stop):
            async with running_loops(
                [service], stop, run_service_loops=role == "worker", shutdown_seconds=shutdown_seconds
            ):
                await server.start()
                try:
                    log.info("serving", service=service.name, role=role, host=host, port=server.port)
                    if on_ready is not None:
                        on_ready(server.port)
                    await _first_of(stop.wait(), server.wait())
                finally:
                    log.info("stopping", service=service.name, role=role)
                    await server.stop()
    finally:
        await service.close()


@contextlib.asynccontextmanager
async def running_loops(
    services: Sequence[Service],
    stop: asyncio.Event,
    *,
    run_service_loops: bool = True,
    shutdown_seconds: float = 20.0,
) -> AsyncIterator[None]:
    """The loops of open services (and the measurement of their databases' clocks) while the block runs.

    `stop` is set when a loop ends by itself, and at the end of the block; loops then finish their batch, and
    are cut off after `shutdown_seconds`. Raises `LoopEndedError` at the end if one ended by itself.
    """
    quiet = asyncio.Event()
    tasks = [
        asyncio.create_task(_keep_clock(one.database, quiet), name=f"{one.name}.clock") for one in services
    ]
    if run_service_loops:
        loops: list[Loop] = [loop for one in services for loop in one.loops]
        tasks += [asyncio.create_task(run_loop(loop, quiet), name=loop.name) for loop in loops]
    for task in tasks:
        task.add_done_callback(lambda _: stop.set())
    try:
        yield
    finally:
        ended = [task for task in tasks if task.done()]
        quiet.set()
        _, unfinished = await asyncio.wait(tasks, timeout=shutdown_seconds)
        for task in unfinished:
            log.error("loop_cut_off", loop=task.get_name(), after_seconds=shutdown_seconds)
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for task, outcome in zip(tasks, outcomes, strict=True):
            if isinstance(outcome, Exception):
                log.error("loop_fault", loop=task.get_name(), error=repr(outcome))
    if ended:
        raise LoopEndedError(", ".join(task.get_name() for task in ended))


def _spare_the_collector() -> None:
    """What was imported and wired stays until the end, and a request makes thousands of objects that reference
    counting frees: look at the former never, and for cycles among the latter less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)


def worker_app(service: Service) -> ASGIApp:
    """What a worker answers: alive, ready (database and `service.checks`, the broker above all), metrics."""
    checks = {"database": database_check(service.database, service.history), **service.checks}
    return Starlette(routes=health_routes(checks))


async def _keep_clock(database: Database, stop: asyncio.Event) -> None:
    """Keep the process's clock corrected to the database's; a database that is away is asked again later."""
    while not stop.is_set():
        try:
            offset = await database.measure_clock()
            _offset.labels(database.name).set(offset.total_seconds())
        except TRANSIENT as error:
            log.warning("clock_not_measured", service=database.name, error=repr(error))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOCK_SECONDS):
                await stop.wait()


async def _first_of(*waits: object) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]  # type: ignore[call-overload]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.contextmanager
def stopping_on_signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for one in STOP_SIGNALS:
        loop.add_signal_handler(one, stop.set)
    try:
        yield
    finally:
        for one in STOP_SIGNALS:
            loop.remove_signal_handler(one)
