"""One HTTP server in this process: uvicorn with uvloop's and httptools' speed, started and stopped by us."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn

BACKLOG = 2_048
# Longer than the gateway keeps idle connections, so that it never sends into one that we just closed.
KEEP_ALIVE_SECONDS = 150
START_TIMEOUT_SECONDS = 30.0
# uvicorn looks whether it should stop ten times a second.
CUT_OFF_SECONDS = 5.0


class _Uvicorn(uvicorn.Server):
    """Leaves signals to us (uvicorn would end the process before locks are released) and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """Serves an ASGI application until `stop`. Port 0 takes a free one, which `port` then tells."""

    def __init__(self, app: Any, *, host: str, port: int, shutdown_seconds: float = 20.0) -> None:
        self._shutdown_seconds = shutdown_seconds
        self._host, self._wanted_port = host, port
        config = uvicorn.Config(
            app,
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="warning",
            server_header=False,
            # The address that a proxy names is believed by the rate limits only, and only from the gateway.
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=max(1, round(shutdown_seconds)),
            ws="none",
        )
        self._server = _Uvicorn(config)
        self._socket: socket.socket | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        if self._socket is None:
            raise RuntimeError("the server was not started")
        port: int = self._socket.getsockname()[1]
        return port

    async def start(self) -> None:
        """Listen; returns when connections are accepted. Raises OSError when the address is taken."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        self._socket = socket.create_server((self._host, self._wanted_port), family=family, backlog=BACKLOG)
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._socket]), name="http")
        listening = asyncio.create_task(self._server.listening.wait())
        await asyncio.wait(
            {listening, self._serving}, timeout=START_TIMEOUT_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        if not listening.done():
            listening.cancel()
            await self.stop()
            raise OSError(f"the HTTP server did not start on {self._host}:{self._wanted_port}")

    async def stop(self) -> None:
        """Stop accepting, let requests in hand finish for `shutdown_seconds`, then cut them off."""
        serving, self._serving = self._serving, None
        if serving is None:
            return
        self._server.should_exit = True
        try:
            async with asyncio.timeout(self._shutdown_seconds + CUT_OFF_SECONDS):
                await serving
        except TimeoutError:
            self._server.force_exit = True

    async def wait(self) -> None:
        """Until the server ends by itself, which it only does in error."""
        if self._serving is not None:
            await asyncio.shield(self._serving)
