"""Processes that cannot outlive their holder, ports, and the lock of a state directory."""

import asyncio
import fcntl
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from careloop.infrastructure.errors import InfrastructureError, ServerStartError, StateDirectoryInUseError

T = TypeVar("T")

LOOPBACK = "127.0.0.1"
GUARD = Path(__file__).with_name("guard.py")
LOOK_SECONDS = 0.02
GUARD_MARGIN_SECONDS = 5.0
PORT_ATTEMPTS = 100
LOWEST_PORT = 12_000
EPHEMERAL_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
IANA_EPHEMERAL_PORT = 49_152
KEPT_LOG_BYTES = 10 * 1024 * 1024


def free_port() -> int:
    """A TCP port on the loopback address that was free a moment ago.

    It lies below those that the system gives to outgoing connections: one of these could take it before its
    server does, or while the server is being restarted.
    """
    for _ in range(PORT_ATTEMPTS):
        port = random.randrange(LOWEST_PORT, _lowest_ephemeral_port())  # noqa: S311 - no secret
        with socket.socket() as listener:
            try:
                listener.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise InfrastructureError(f"no free port was found on {LOOPBACK} in {PORT_ATTEMPTS} attempts")


def _lowest_ephemeral_port() -> int:
    try:
        return int(EPHEMERAL_PORTS.read_text().split()[0])
    except OSError:
        return IANA_EPHEMERAL_PORT


class DirectoryLock:
    """An exclusive lock on a directory, held as long as any process that inherited it lives.

    The server inherits the descriptor, so the lock outlives a killed holder for as long as its server is
    still stopping, and whoever gets the lock knows that nothing of an earlier run is left.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self.fd: int | None = None

    def acquire(self) -> int:
        """Take the lock and return its descriptor; `StateDirectoryInUseError` when somebody has it.

        Taking it again tells whether what inherited it earlier has ended.
        """
        self.release()
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            raise StateDirectoryInUseError(self.directory) from None
        os.truncate(fd, 0)
        os.write(fd, str(os.getpid()).encode())
        self.fd = fd
        return fd

    def acquire_within(self, wait_seconds: float) -> int:
        """`acquire`, but give what a dead holder left behind so long to finish."""
        until = time.monotonic() + wait_seconds
        while True:
            try:
                return self.acquire()
            except StateDirectoryInUseError:
                if time.monotonic() >= until or self._holder_lives():
                    raise
            time.sleep(LOOK_SECONDS)

    def _holder_lives(self) -> bool:
        written = (self.directory / "lock").read_text()
        if not written:
            return False
        try:
            os.kill(int(written), 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return not _has_ended(int(written))

    @property
    def held_fd(self) -> int:
        if self.fd is None:
            raise RuntimeError(f"the lock of {self.directory} is not held")
        return self.fd

    def release(self) -> None:
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None


class GuardedProcess:
    """One server under a guard (see `guard`): it ends when this process ends, however that happens.

    name            for messages
    argv            the server's command line
    env             its whole environment; None takes this process's
    log             file that receives stdout and stderr (appended); None inherits stderr
    user, group     numeric ids to run as; None stays
    stop_signal     what asks the server to end in good order; after grace_seconds it is killed
    orphan_signal   what the kernel sends should even the guard be killed
    keep_fds        descriptors that guard and server inherit
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        log: Path | None = None,
        user: int | None = None,
        group: int | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        orphan_signal: signal.Signals = signal.SIGKILL,
        grace_seconds: float = 20.0,
        keep_fds: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.log = log
        self._argv = list(argv)
        self._env = dict(env) if env is not None else None
        self._keep_fds = list(keep_fds)
        self._grace_seconds = grace_seconds
        self._spec = {
            "argv": self._argv,
            "cwd": str(cwd) if cwd else None,
            "user": user,
            "group": group,
            "stop_signal": int(stop_signal),
            "orphan_signal": int(orphan_signal),
            "grace_seconds": grace_seconds,
            "keep_fds": self._keep_fds,
        }
        self._guard: subprocess.Popen[bytes] | None = None
        self._pid: int | None = None

    @property
    def pid(self) -> int:
        """The server's own process id, not its guard's."""
        if self._pid is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._pid

    def start(self) -> None:
        """Start guard and server; `ServerStartError` when the command cannot be run at all."""
        sink = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if self.log else None
        try:
            self._guard = subprocess.Popen(  # noqa: S603 - our own command lines
                [sys.executable, "-I", "-S", str(GUARD), json.dumps({**self._spec, "holder": os.getpid()})],
                env=self._env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=sink,
                pass_fds=self._keep_fds,
                # Ctrl-C in a terminal reaches the holder alone, which then stops its servers in order.
                start_new_session=True,
            )
        finally:
            if sink is not None:
                os.close(sink)
        assert self._guard.stdout is not None
        report = self._guard.stdout.readline()
        self._guard.stdout.close()
        answer = json.loads(report) if report else {"error": "its guard ended at once"}
        if "error" in answer:
            self._let_go()
            raise ServerStartError(self.name, answer["error"], self.log)
        self._pid = int(answer["pid"])

    def poll(self) -> int | None:
        """The exit status once the server has ended (128 + signal when a signal ended it), else None."""
        if self._guard is None:
            return None
        status = self._guard.poll()
        if status is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
        return status

    @property
    def is_running(self) -> bool:
        return self._pid is not None and self.poll() is None

    def wait(self, timeout_seconds: float) -> int:
        """The exit status, waiting for it at most so long (`subprocess.TimeoutExpired`)."""
        if self._guard is None:
            raise RuntimeError(f"{self.name} was not started")
        self._guard.wait(timeout_seconds)
        status = self.poll()
        assert status is not None
        return status

    def send_signal(self, number: signal.Signals) -> None:
        if self.is_running:
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        self.send_signal(signal.SIGKILL)
        self._let_go()

    def begin_stop(self) -> None:
        """Ask the server to end in good order without waiting for it."""
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            # A forked child of ours may still hold the other end of that pipe open.
            self._guard.terminate()

    def stop(self) -> int | None:
        """End the server in good order, by force after its time of grace; returns its exit status."""
        if self._guard is None:
            return None
        return self._let_go()

    def _let_go(self) -> int:
        assert self._guard is not None
        self.begin_stop()
        return self._guard.wait(self._grace_seconds + GUARD_MARGIN_SECONDS)


def _has_ended(pid: int) -> bool:
    """Whether a process has ended and only waits to be noticed by its parent (told on Linux only)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state == "Z"


async def in_thread(function: Callable[[], T]) -> T:
    """Run a blocking start or stop in a thread. A cancelled caller still waits for it: a server half started
    behind its owner's back could not be stopped."""
    running = asyncio.ensure_future(asyncio.to_thread(function))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


def run_to_end(
    argv: Sequence[str],
    *,
    timeout_seconds: float,
    env: Mapping[str, str],
    cwd: Path | None = None,
    user: int | None = None,
    group: int | None = None,
    text: str | None = None,
    keep_fds: Sequence[int] = (),
) -> subprocess.CompletedProcess[str]:
    """Run a program with `text` on its stdin and return what it said; the caller looks at its exit status."""
    return subprocess.run(  # noqa: S603 - our own command lines
        list(argv),
        input=text or "",
        cwd=cwd,
        env=dict(env),
        user=user,
        group=group,
        extra_groups=None if user is None else [],
        pass_fds=keep_fds,
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
        check=False,
    )


def turn_over(log: Path, kept_bytes: int = KEPT_LOG_BYTES) -> None:
    """Move a log that has grown past its bound aside, so that two files at most are kept."""
    if log.exists() and log.stat().st_size > kept_bytes:
        log.replace(log.with_name(log.name + ".1"))
