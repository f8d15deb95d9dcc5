"""A small HTTP server behind a proxy under test: it tells what reached it."""

import asyncio
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self

LARGE_BODY = b"0123456789abcdef" * 4096
WAIT_SECONDS = 20.0


@dataclass(frozen=True)
class SeenRequest:
    """One request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body_bytes: int


class RecordingUpstream:
    """Answers on a port of 127.0.0.1 in a thread of its own, until the ``with`` block ends.

    Paths ending in ``/break-off`` close the connection, ``/silence`` gets no answer, ``/problem`` answers
    409, ``/large`` 64 KB with an ETag; ``/readyz`` answers 200 or 503 by `ready` and is not recorded.
    """

    def __init__(self) -> None:
        self.ready = True
        self.answered = 0
        self.address = ""
        self._seen: list[SeenRequest] = []
        self._readiness = threading.Event()
        self._started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="upstream", daemon=True)

    @property
    def last(self) -> SeenRequest:
        return self._seen[-1]

    async def was_asked_for_readiness(self, times: int) -> None:
        """Return after so many further questions for readiness."""
        for _ in range(times):
            self._readiness.clear()
            if not await asyncio.to_thread(self._readiness.wait, WAIT_SECONDS):
                raise TimeoutError("nobody asked whether this upstream is ready")

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._started.wait(WAIT_SECONDS):
            raise TimeoutError("the upstream did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_SECONDS)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        host, port = server.sockets[0].getsockname()[:2]
        self.address = f"{host}:{port}"
        self._started.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._answer(reader, writer):
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)
        }
        body_bytes = await _read_body(reader, headers)
        route = path.partition("?")[0].rpartition("/")[2]
        if route == "readyz":
            self._readiness.set()
            writer.write(_response(200 if self.ready else 503, b""))
            return True
        self._seen.append(SeenRequest(method, path, headers, body_bytes))
        self.answered += 1
        if route == "break-off":
            return False
        if route == "silence":
            await reader.read()
            return False
        if route == "problem":
            body = b'{"code": "ticket_already_closed"}'
            writer.write(_response(409, body, "Content-Type: application/problem+json"))
        elif route == "large" and headers.get("if-none-match") == '"7"':
            writer.write(_response(304, b"", 'ETag: "7"'))
        elif route == "large":
            writer.write(_response(200, LARGE_BODY, 'ETag: "7"', "Content-Type: application/json"))
        else:
            writer.write(_response(200, b"{}", "Content-Type: application/json", "Server: upstream"))
        return True


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> int:
    if headers.get("transfer-encoding") == "chunked":
        total = 0
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
            total += size
        await reader.readline()
        return total
    size = int(headers.get("content-length", 0))
    await reader.readexactly(size)
    return size


def _response(status: int, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} .", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body
