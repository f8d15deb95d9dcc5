"""Supervising real processes that answer /readyz."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from careloop.infrastructure.errors import ServerStartError
from careloop.infrastructure.processes import free_port
from careloop.infrastructure.service_process import ServiceProcess
from careloop.infrastructure.supervision import MOST_RESTARTS, Supervisor
from shared.testing.waiting import eventually

PROGRAM = """
import http.server, os, sys
if os.path.exists("broken"):
    sys.exit(3)
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *args):
        pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Ready).serve_forever()
"""


class Said:
    """What people were told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __call__(self, name: str, line: str) -> None:
        self.lines.append((name, line))

    def about(self, start: str) -> list[str]:
        return [name for name, line in self.lines if line.startswith(start)]


def process(name: str, folder: Path, program: str = PROGRAM) -> ServiceProcess:
    port = free_port()
    log = folder / f"{name}.log"
    return ServiceProcess(name, [sys.executable, "-c", program], {"PORT": str(port)}, port, log)


@pytest.fixture
def said() -> Said:
    return Said()


@pytest_asyncio.fixture
async def supervisor(said: Said) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(said, first_pause_seconds=0.01)
    yield supervisor
    await supervisor.stop()


async def test_stages_start_in_order_and_stop_in_reverse(
    supervisor: Supervisor, said: Said, tmp_path: Path
) -> None:
    await supervisor.start([process("a", tmp_path), process("b", tmp_path)])
    await supervisor.start([process("c", tmp_path)])
    await supervisor.stop()

    started, stopped = said.about("ready"), said.about("stopped")
    assert sorted(started[:2]) == ["a", "b"]
    assert started[2:] == ["c"]
    assert stopped[0] == "c"
    assert sorted(stopped[1:]) == ["a", "b"]


async def test_a_process_that_ends_is_started_again_on_its_port(
    supervisor: Supervisor, said: Said, tmp_path: Path
) -> None:
    member = process("a", tmp_path)
    await supervisor.start([member])
    first = member.pid

    member.kill()

    async def restarted() -> bool:
        return said.about("ready") == ["a", "a"]

    await eventually(restarted)
    assert member.pid != first
    assert member.is_running
    assert supervisor.restarts == {"a": 1}
    assert said.about("ended; starting it again") == ["a"]


async def test_what_is_held_down_stays_down_until_it_is_wanted_again(
    supervisor: Supervisor, said: Said, tmp_path: Path
) -> None:
    held, other = process("held", tmp_path), process("other", tmp_path)
    await supervisor.start([held, other])

    async with supervisor.without("held"):
        assert not held.is_running
        other.kill()

        async def other_restarted() -> bool:
            return said.about("ready").count("other") == 2

        await eventually(other_restarted)
        assert not held.is_running
    assert held.is_running


async def test_a_process_that_ends_again_and_again_is_given_up(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = process("a", tmp_path)
    await supervisor.start([member])

    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken").touch()
    member.kill()
    error = await supervisor.failed

    assert str(error) == f"a ended {MOST_RESTARTS} times in a row and is not started again"
    assert supervisor.restarts == {"a": MOST_RESTARTS}
    assert not member.is_running


async def test_a_process_that_cannot_start_is_named_with_its_last_words_and_others_are_stopped(
    said: Said, tmp_path: Path
) -> None:
    supervisor = Supervisor(said)
    good, bad = process("good", tmp_path), process("bad", tmp_path, "raise SystemExit('no database')")

    with pytest.raises(
        ServerStartError, match=r"bad did not start: it ended: no database; its log is .*bad\.log"
    ):
        await supervisor.start([good, bad])
    pid = good.pid
    await supervisor.stop()

    assert not psutil.pid_exists(pid)
