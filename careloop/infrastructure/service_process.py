"""One process of a service on this machine: what it is told, how it is started, when it is ready."""

import asyncio
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Self

import httpx

from careloop.infrastructure.errors import ServerStartError
from careloop.infrastructure.processes import LOOPBACK, GuardedProcess, turn_over
from shared.operations.settings import AUDIENCE, DEVELOPMENT_ISSUER

Role = Literal["api", "worker"]
ROLES: tuple[Role, ...] = ("api", "worker")
READY_TIMEOUT_SECONDS = 90.0
STOP_GRACE_SECONDS = 25.0
LOOK_SECONDS = 0.1
LAST_LINES = 5


def service_environment(
    service: str,
    *,
    database_url: str,
    kafka_bootstrap_servers: str,
    jwks: str,
    host: str,
    port: int,
    issuer: str = DEVELOPMENT_ISSUER,
    audience: str = AUDIENCE,
    environment: Literal["development", "production"] = "development",
    trusted_proxies: str = '["127.0.0.1/32"]',
) -> dict[str, str]:
    """The variables that every process of `service` gets; deploy/docker-compose.yml sets the same ones."""
    settings = {
        "ENVIRONMENT": environment,
        "HOST": host,
        "PORT": str(port),
        "DATABASE_URL": database_url,
        "TRANSPORT": "kafka",
        "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap_servers,
        "ISSUER": issuer,
        "AUDIENCE": audience,
        "JWKS": jwks,
        "TRUSTED_PROXIES": trusted_proxies,
    }
    return {f"{service.upper()}_{name}": value for name, value in settings.items()}


def service_command(service: str, role: Role) -> list[str]:
    """The only process entry of stack and cluster."""
    return [sys.executable, "-m", "careloop", "serve", service, "--role", role]


class ServiceProcess:
    """A process that answers `/readyz` on a port of its own; it belongs to this process and dies with it.

    environment   its settings; whatever else is in our environment is passed on
    log           file of what it writes
    keep_fds      descriptors that it inherits, such as the lock of the state directory
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        environment: Mapping[str, str],
        port: int,
        log: Path,
        keep_fds: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.port = port
        self.log = log
        self._command = command
        self._environment = dict(environment)
        self._keep_fds = tuple(keep_fds)
        self._process: GuardedProcess | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the service itself."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.is_running

    async def astart(self) -> Self:
        """Start it and return when it is ready; `ServerStartError` when it ends or is not ready in time."""
        if self.is_running:
            return self
        turn_over(self.log)
        self._process = GuardedProcess(
            self.name,
            self._command,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **self._environment},
            log=self.log,
            grace_seconds=STOP_GRACE_SECONDS,
            keep_fds=self._keep_fds,
        )
        await asyncio.to_thread(self._process.start)
        try:
            await self._ready(self._process)
        except BaseException:
            await self.astop()
            raise
        return self

    async def astop(self) -> None:
        """Ask it to finish what is in hand, by force when that takes too long."""
        if self._process is not None:
            await asyncio.to_thread(self._process.stop)

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            self._process.kill()

    async def _ready(self, process: GuardedProcess) -> None:
        until = time.monotonic() + READY_TIMEOUT_SECONDS
        said = "nothing"
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as client:
            while time.monotonic() < until:
                if not process.is_running:
                    raise ServerStartError(self.name, f"it ended: {_last_lines(self.log)}", self.log)
                try:
                    answer = await client.get("/readyz")
                except httpx.TransportError:
                    await asyncio.sleep(LOOK_SECONDS)
                    continue
                if answer.status_code == httpx.codes.OK:
                    return
                said = answer.text
                await asyncio.sleep(LOOK_SECONDS)
        raise ServerStartError(
            self.name, f"not ready after {READY_TIMEOUT_SECONDS:.0f} s, it says {said}", self.log
        )


def _last_lines(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(lines[-LAST_LINES:])
