"""One service as a process: what it refuses, what it serves in each role, and how it stops."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from shared.db.database import Database
from shared.db.migrations import History, SchemaNotAtHeadError, upgrade
from shared.kernel.clock import SystemClock
from shared.kernel.errors import UnavailableError
from shared.kernel.signals import Signal
from shared.operations.running import LoopEndedError, Role, serve
from shared.operations.service import Service
from shared.testing.plugin import MakeDatabase

ENV = "from shared.db.migrations import run_env\n\nrun_env()\n"
REVISION = """
from alembic import op

revision = "0001"
down_revision = None


def upgrade():
    op.execute("CREATE TABLE things (id int)")
"""


@dataclass(frozen=True)
class SmallHistory(History):
    folder: Path = Path()

    @property
    def location(self) -> Path:
        return self.folder


@pytest.fixture
def history(tmp_path: Path) -> SmallHistory:
    (tmp_path / "versions").mkdir()
    (tmp_path / "env.py").write_text(ENV)
    (tmp_path / "versions" / "0001.py").write_text(REVISION)
    return SmallHistory("small", sa.MetaData(), tmp_path)


class Counting:
    """A loop that says what happens to it."""

    def __init__(self, fault: BaseException | None = None) -> None:
        self.name, self.wake, self.poll_seconds = "small.counting", Signal(), 0.01
        self.batches, self.ran, self.is_closed, self.fault = 0, asyncio.Event(), False, fault

    async def run_once(self) -> int:
        self.batches += 1
        self.ran.set()
        if self.fault is not None:
            raise self.fault
        return 0

    async def next_due_at(self) -> datetime | None:
        return None

    async def close(self) -> None:
        self.is_closed = True


class Running:
    """`serve` as a task, until the block ends."""

    def __init__(self, service: Service, role: Role, stop: asyncio.Event) -> None:
        self.service, self.stop = service, stop
        self._port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(
            serve(
                service, role, host="127.0.0.1", port=0, shutdown_seconds=10, on_ready=self._ready, stop=stop
            )
        )

    def _ready(self, port: int) -> None:
        self._port.set_result(port)

    async def url(self) -> str:
        await asyncio.wait({self.task, self._port}, return_when=asyncio.FIRST_COMPLETED)
        if self.task.done():
            self.task.result()
        return f"http://127.0.0.1:{self._port.result()}"

    async def __aenter__(self) -> "Running":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop.set()
        with suppress(LoopEndedError):
            await self.task


MakeRunning = Callable[..., Any]


@pytest.fixture
def running(make_database: MakeDatabase, history: SmallHistory) -> MakeRunning:
    async def make(role: Role, app: Any = None, loops: Any = (), checks: Any = None) -> Running:
        url = await make_database(None)
        await upgrade(history, url)
        database = Database(url, clock=SystemClock(), name="small")
        service = Service("small", app or Starlette(), database, history, loops, checks or {})
        return Running(service, role, asyncio.Event())

    return make


async def test_a_database_that_is_not_at_head_is_refused_with_the_command_that_helps(
    make_database: MakeDatabase, history: SmallHistory
) -> None:
    database = Database(await make_database(None), clock=SystemClock(), name="small")
    service = Service("small", Starlette(), database, history)
    with pytest.raises(SchemaNotAtHeadError) as refused:
        await serve(service, "api", host="127.0.0.1", port=0)
    assert "careloop migrate small" in refused.value.detail


async def test_an_api_serves_requests_and_runs_no_loop(running: MakeRunning) -> None:
    async def hello(request: Request) -> Response:
        return PlainTextResponse("hello")

    loop = Counting()
    async with (
        await running("api", Starlette(routes=[Route("/hello", hello)]), [loop]) as process,
        httpx.AsyncClient(base_url=await process.url()) as client,
    ):
        assert (await client.get("/hello")).text == "hello"
    assert loop.batches == 0


async def test_a_request_in_hand_is_finished_and_no_new_one_is_taken(running: MakeRunning) -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slow(request: Request) -> Response:
        entered.set()
        await go_on.wait()
        return PlainTextResponse("finished")

    async with await running("api", Starlette(routes=[Route("/slow", slow)])) as process:
        url = await process.url()
        async with httpx.AsyncClient(base_url=url) as client:
            in_hand = asyncio.create_task(client.get("/slow"))
            await entered.wait()
            process.stop.set()
            await refused(url)
            go_on.set()
            assert (await in_hand).text == "finished"
        await process.task


async def refused(url: str) -> None:
    async with asyncio.timeout(10), httpx.AsyncClient(base_url=url) as client:
        while True:
            try:
                await client.get("/nothing")
            except httpx.ConnectError:
                return
            except httpx.TransportError:
                continue  # accepted by the kernel in the instant of closing


async def test_a_worker_runs_its_loops_and_answers_health_only(running: MakeRunning) -> None:
    state = {"broker": False}

    async def broker() -> None:
        if not state["broker"]:
            raise UnavailableError("the broker does not answer")

    async def hello(request: Request) -> Response:
        return PlainTextResponse("hello")

    loop, app = Counting(), Starlette(routes=[Route("/hello", hello)])
    async with (
        await running("worker", app, [loop], {"broker": broker}) as process,
        httpx.AsyncClient(base_url=await process.url()) as client,
    ):
        await loop.ran.wait()
        assert (await client.get("/hello")).status_code == 404
        assert (await client.get("/healthz")).status_code == 200
        waiting = await client.get("/readyz")
        assert waiting.status_code == 503
        assert waiting.json()["checks"] == {"database": "ok", "broker": "the broker does not answer"}
        state["broker"] = True
        assert (await client.get("/readyz")).status_code == 200
        assert "careloop_clock_offset_seconds" in (await client.get("/metrics")).text
    assert loop.is_closed


async def test_a_loop_with_a_fault_is_tried_again(running: MakeRunning) -> None:
    loop = Counting(RuntimeError("once more"))
    async with await running("worker", loops=[loop]) as process:
        await process.url()
        await loop.ran.wait()
        loop.ran.clear()
        loop.fault = None
        await loop.ran.wait()
    assert loop.batches >= 2


async def test_a_process_whose_loop_is_gone_does_not_go_on(running: MakeRunning) -> None:
    loop = Counting(asyncio.CancelledError())
    process = await running("worker", loops=[loop])
    with pytest.raises(LoopEndedError, match=r"small\.counting"):
        await process.task


@pytest.mark.parametrize("one", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_in_good_order(one: signal.Signals, running: MakeRunning) -> None:
    loop = Counting()
    process = await running("worker", loops=[loop])
    await process.url()
    await loop.ran.wait()
    os.kill(os.getpid(), one)
    await process.task
    assert loop.is_closed
    assert process.service.database._pool is None
