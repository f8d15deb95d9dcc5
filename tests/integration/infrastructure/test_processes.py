"""A guarded process ends when its holder does, however that happens."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from careloop.infrastructure.errors import ServerStartError, StateDirectoryInUseError
from careloop.infrastructure.processes import DirectoryLock, GuardedProcess, free_port, in_thread, turn_over

WAIT_SECONDS = 20
SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
]
HOLDER = """
import sys, time
from pathlib import Path
from careloop.infrastructure.processes import DirectoryLock, GuardedProcess
lock = DirectoryLock(Path(sys.argv[1]))
lock.acquire()
process = GuardedProcess("sleeper", ["sleep", "600"], keep_fds=[lock.held_fd], log=Path(sys.argv[1], "log"))
process.start()
print(process.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], psutil.Process]]:
    """A process that holds a sleeper, and the sleeper."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    try:
        yield process, psutil.Process(int(process.stdout.readline()))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def written(log: Path) -> None:
    """Await the first line of a log."""
    with log.open() as lines:
        while not lines.readline():
            os.sched_yield()


def test_the_server_ends_when_its_holder_is_killed(
    holder: tuple[subprocess.Popen[str], psutil.Process], tmp_path: Path
) -> None:
    process, server = holder
    with pytest.raises(StateDirectoryInUseError, match="in use by another careloop"):
        DirectoryLock(tmp_path).acquire()

    process.kill()
    process.wait()

    server.wait(WAIT_SECONDS)
    lock = DirectoryLock(tmp_path)
    lock.acquire_within(WAIT_SECONDS)
    lock.release()


def test_the_server_ends_when_its_guard_is_killed(
    holder: tuple[subprocess.Popen[str], psutil.Process],
) -> None:
    _, server = holder
    guard = server.parent()
    assert guard is not None

    guard.kill()

    server.wait(WAIT_SECONDS)


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(
    holder: tuple[subprocess.Popen[str], psutil.Process],
) -> None:
    process, server = holder

    assert os.getpgid(server.pid) != os.getpgid(process.pid)
    assert os.getsid(server.pid) != os.getsid(process.pid)


def test_stopping_asks_first(tmp_path: Path) -> None:
    process = GuardedProcess("sleeper", SLEEPER, log=tmp_path / "log")
    process.start()
    written(tmp_path / "log")

    assert process.stop() == 128 + signal.SIGTERM
    assert not psutil.pid_exists(process.pid)
    assert not process.is_running


def test_what_does_not_listen_is_killed_after_its_time_of_grace(tmp_path: Path) -> None:
    process = GuardedProcess("stubborn", STUBBORN, log=tmp_path / "log", grace_seconds=0.2)
    process.start()
    written(tmp_path / "log")

    assert process.stop() == 128 + signal.SIGKILL


def test_an_exit_status_is_told(tmp_path: Path) -> None:
    process = GuardedProcess("short", [sys.executable, "-c", "raise SystemExit(7)"], log=tmp_path / "log")
    process.start()

    assert process.wait(WAIT_SECONDS) == 7
    assert process.poll() == 7


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    process = GuardedProcess("ghost", [str(tmp_path / "ghost")], log=tmp_path / "log")

    with pytest.raises(ServerStartError, match=r"ghost did not start: .*No such file"):
        process.start()


async def test_a_cancelled_start_is_waited_for() -> None:
    started, finish, ended = asyncio.Event(), asyncio.Event(), []
    loop = asyncio.get_running_loop()

    def start() -> None:
        loop.call_soon_threadsafe(started.set)
        asyncio.run_coroutine_threadsafe(finish.wait(), loop).result(WAIT_SECONDS)
        ended.append(True)

    waiting = asyncio.create_task(in_thread(start))
    await started.wait()
    waiting.cancel()
    await asyncio.sleep(0)
    assert not waiting.done()
    finish.set()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended == [True]


def test_free_ports_are_not_those_of_outgoing_connections() -> None:
    ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])

    assert all(free_port() < ephemeral for _ in range(50))


def test_a_log_is_turned_over_when_it_is_large(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_bytes(b"x" * 100)
    turn_over(log, kept_bytes=100)
    assert log.exists()

    log.write_bytes(b"x" * 101)
    turn_over(log, kept_bytes=100)

    assert not log.exists()
    assert (tmp_path / "server.log.1").stat().st_size == 101
