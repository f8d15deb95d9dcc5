"""A load of HTTP requests on loopback: some clients that each send again as soon as they are answered."""

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from typing import Any

CONNECT_TIMEOUT_SECONDS = 10.0


def get_bytes(path: str, token: str) -> bytes:
    """A GET over a connection that stays open."""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


def request_bytes(path: str, token: str, body: bytes) -> bytes:
    """A POST of `body` as JSON over a connection that stays open."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def load(
    port: int, request: bytes | Sequence[bytes], *, clients: int, seconds: float, status: int = 201
) -> float:
    """Answered requests a second, of one request or of several in turn.

    Raises RuntimeError with the answer when one has not the status.
    """
    loop, started = asyncio.get_running_loop(), time.perf_counter()
    requests = itertools.cycle([request] if isinstance(request, bytes) else request)
    connected = [_Client(requests, b" %d " % status, started + seconds) for _ in range(clients)]
    async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS + seconds * 4):
        for client in connected:
            await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc]
        await asyncio.gather(*(client.done for client in connected))
    return sum(client.answered for client in connected) / (time.perf_counter() - started)


class _Client(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes], status: bytes, until: float) -> None:
        self._requests, self._status, self._until = requests, status, until
        self.answered, self._buffer = 0, b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        if len(body) < length:
            return
        if self._status not in head[:20]:
            self._end(RuntimeError(self._buffer.decode()))
            return
        self._buffer, self.answered = b"", self.answered + 1
        if time.perf_counter() < self._until:
            self._transport.write(next(self._requests))
        else:
            self._transport.close()
            self._end(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error or ConnectionError("the server closed the connection"))

    def _end(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error) if error else self.done.set_result(None)
