"""The distributed system on one machine: PostgreSQL, Kafka, the gateway, and an api and a worker for each service."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from careloop.documents.openapi import compose_all
from careloop.documents.site import write_site
from careloop.infrastructure import kafka_jars
from careloop.infrastructure.gateway import GatewayServer
from careloop.infrastructure.kafka import DEFAULT_PARTITIONS, KafkaServer
from careloop.infrastructure.postgres import PostgresServer
from careloop.infrastructure.processes import LOOPBACK, DirectoryLock, free_port
from careloop.infrastructure.service_process import (
    ROLES,
    ServiceProcess,
    service_command,
    service_environment,
)
from careloop.infrastructure.supervision import RestartsExhaustedError, Say, Supervisor
from careloop.infrastructure.terminal import Terminal
from careloop.issuer import jwks_path
from careloop.registry import SERVICES, composition
from shared.db.migrations import upgrade

GATEWAY_PORT = 8080
LOCK_WAIT_SECONDS = 30.0
INTERRUPTED = 130


@dataclass(frozen=True)
class Stack:
    """A running stack. Its processes are named `<service>-api` and `<service>-worker`."""

    state_dir: Path
    postgres: PostgresServer
    kafka: KafkaServer
    gateway: GatewayServer
    processes: Mapping[str, ServiceProcess]
    supervisor: Supervisor

    @property
    def gateway_url(self) -> str:
        """The one origin, without a slash at its end."""
        return self.gateway.url

    def without(self, name: str) -> contextlib.AbstractAsyncContextManager[None]:
        """Kill `kafka`, `postgres`, `gateway` or a process and keep it down while the block runs.

        After the block it is ready again. What is killed otherwise is restarted by the supervisor.
        """
        return self.supervisor.without(name)


@contextlib.asynccontextmanager
async def running_stack(
    state_dir: Path | str,
    *,
    documents_dir: Path | None = None,
    gateway_port: int | None = None,
    postgres_port: int | None = None,
    kafka_port: int | None = None,
    partitions: int = DEFAULT_PARTITIONS,
    durable: bool = True,
    environment: Mapping[str, str] | None = None,
    say: Say = lambda name, line: None,
    progress: kafka_jars.Progress | None = None,
) -> AsyncIterator[Stack]:
    """Start everything and yield once all is ready; at the end stop in reverse order. Data are kept.

    state_dir       holds data, logs, passwords and the development issuer
    documents_dir   folder with `openapi.json` and `docs/` for the gateway; None writes it from the services
    …_port          None takes a free port
    partitions      of each topic, when it is made
    durable         False: PostgreSQL without fsync, for tests
    environment     added to every process: `TICKETING_POOL_MAX_SIZE`, `CARELOOP_FAILPOINT` …
    say             told a member's name and a line about it: ready, ended, stopped
    progress        told how many of Kafka's jars are there

    Raises `StateDirectoryInUseError` when a stack runs on the directory, `ServerStartError` when a part does
    not start; what had been started is stopped then.
    """
    lock = DirectoryLock(Path(state_dir) / "stack")
    state = lock.directory.parent
    # Processes inherit it: those of an earlier stack whose holder was killed have ended once we have it.
    lock.acquire_within(LOCK_WAIT_SECONDS)
    supervisor = Supervisor(say)
    try:
        postgres = PostgresServer(state, postgres_port, durable)
        kafka = KafkaServer(state, kafka_port, partitions=partitions, progress=progress)
        await supervisor.start([postgres, kafka])
        for service in SERVICES:
            await upgrade(composition(service).HISTORY, postgres.url(service))
        processes = _processes(state, postgres, kafka, environment or {}, lock.held_fd)
        await supervisor.start(processes.values())
        upstreams = {service: [f"{LOOPBACK}:{processes[f'{service}-api'].port}"] for service in SERVICES}
        gateway = GatewayServer(
            state,
            upstreams,
            documents_dir or _documents(state),
            gateway_port,
            issuer_dir=jwks_path(state).parent,
        )
        await supervisor.start([gateway])
        yield Stack(state, postgres, kafka, gateway, processes, supervisor)
    finally:
        await supervisor.stop()
        lock.release()


def _documents(state: Path) -> Path:
    documents = {name: service.app.openapi() for name, service in compose_all().items()}
    return write_site(state / "documents", documents)


def _processes(
    state: Path,
    postgres: PostgresServer,
    kafka: KafkaServer,
    environment: Mapping[str, str],
    lock_fd: int,
) -> dict[str, ServiceProcess]:
    logs = state / "logs"
    logs.mkdir(mode=0o700, exist_ok=True)
    made = {}
    for service in SERVICES:
        for role in ROLES:
            name, port = f"{service}-{role}", free_port()
            settings = service_environment(
                service,
                database_url=postgres.url(service),
                kafka_bootstrap_servers=kafka.bootstrap_servers,
                jwks=str(jwks_path(state)),
                host=LOOPBACK,
                port=port,
            )
            command = service_command(service, role)
            made[name] = ServiceProcess(
                name, command, {**settings, **environment}, port, logs / f"{name}.log", [lock_fd]
            )
    return made


async def run_stack(
    state_dir: Path | str,
    *,
    documents_dir: Path | None = None,
    gateway_port: int | None = GATEWAY_PORT,
    postgres_port: int | None = None,
    kafka_port: int | None = None,
    verbose: bool = False,
    console: Console | None = None,
) -> None:
    """Run the stack in a terminal until Ctrl-C or SIGTERM: `careloop stack`.

    Prints what becomes ready, one table of URLs, and then the warnings of every process (everything when
    `verbose`); the whole logs are in `state_dir/logs`. A second Ctrl-C ends at once. Raises
    `RestartsExhaustedError` when a process ended again and again.
    """
    console = console or Console()
    terminal = Terminal(console.file, verbose=verbose)
    names = [f"{service}-{role}" for service in SERVICES for role in ROLES]
    terminal.name("postgres", "kafka", "gateway", *names)
    with _stopping() as stop, _fetching(console) as progress:
        running = running_stack(
            state_dir,
            documents_dir=documents_dir,
            gateway_port=gateway_port,
            postgres_port=postgres_port,
            kafka_port=kafka_port,
            say=terminal.say,
            progress=progress,
        )
        showing = asyncio.create_task(_show(running, terminal, console, stop))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([showing, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not showing.done():
            console.print("stopping; Ctrl-C again ends at once")
            showing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await showing


async def _show(
    running: contextlib.AbstractAsyncContextManager[Stack],
    terminal: Terminal,
    console: Console,
    stop: asyncio.Event,
) -> None:
    async with running as stack:
        console.print(table_of(stack))
        console.print(f"A token: [bold]careloop token --role agent --state-dir {stack.state_dir}[/bold]")
        logs = {name: process.log for name, process in stack.processes.items()}
        following = asyncio.create_task(terminal.follow(logs))
        try:
            failure: RestartsExhaustedError = await stack.supervisor.failed
            raise failure
        finally:
            following.cancel()


def table_of(stack: Stack) -> Table:
    """Where everything is."""
    table = Table(title="careloop", title_justify="left")
    table.add_column("what")
    table.add_column("where", overflow="fold")
    table.add_column("process", justify="right")
    table.add_row("gateway", stack.gateway_url, str(stack.gateway.pid))
    table.add_row("documents", f"{stack.gateway_url}/docs/", "")
    for service in SERVICES:
        table.add_row(service, f"{stack.gateway_url}/{service}/v1/", "")
    table.add_row("issuer's keys", f"{stack.gateway_url}/.well-known/jwks.json", "")
    for service in SERVICES:
        for role in ROLES:
            process = stack.processes[f"{service}-{role}"]
            table.add_row(process.name, f"{process.url}/readyz", str(process.pid))
    table.add_row("PostgreSQL", f"{LOOPBACK}:{stack.postgres.port}", str(stack.postgres.pid))
    table.add_row("Kafka", stack.kafka.bootstrap_servers, str(stack.kafka.pid))
    table.add_row("data and logs", str(stack.state_dir), "")
    return table


@contextlib.contextmanager
def _stopping() -> Iterator[asyncio.Event]:
    """An event set by the first SIGINT or SIGTERM; a second one ends at once, which the guards survive."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked() -> None:
        if stop.is_set():
            os._exit(INTERRUPTED)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked)
    try:
        yield stop
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def _fetching(console: Console) -> Iterator[kafka_jars.Progress]:
    """A bar while the first start fetches Kafka's jars; nothing otherwise."""
    with Progress(console=console, transient=True) as bars:
        task = bars.add_task("Kafka from Maven Central", visible=False, total=None)

        def show(done: int, total: int) -> None:
            bars.update(task, completed=done, total=total, visible=done < total)

        yield show
