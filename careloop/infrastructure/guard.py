"""A small process that stands between a holder and one server, so that the server dies with its holder.

Run by path as ``python -I -S guard.py SPEC`` (standard library only, it must work from any directory). The
guard starts the server, reports ``{"pid": …}`` on stdout and waits. It stops the server when its stdin ends,
when it is no longer the holder's child (``kill -9`` of the holder does both), or when it is itself told to
end. Should the guard be killed, the kernel signals the server (Linux). Exit status: the server's own, or
128 + signal.

SPEC is a JSON object: argv, cwd, user and group (ids or null), stop_signal, orphan_signal, grace_seconds,
holder (pid), keep_fds (descriptors that the server inherits, such as the lock of its directory).
"""

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

PR_SET_PDEATHSIG = 1
LOOK_SECONDS = 0.5


def signal_when_orphaned(number: int) -> Callable[[], None] | None:
    """What the server's process runs before it becomes that: ask for a signal when we die."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    guard = os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != guard:
            os._exit(1)

    return ask


def launch(spec: dict[str, Any]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - the holder's own command line
        spec["argv"],
        cwd=spec["cwd"],
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        stderr=sys.stderr,
        user=spec["user"],
        group=spec["group"],
        extra_groups=None if spec["user"] is None else [],
        pass_fds=spec["keep_fds"],
        process_group=0,
        # After the change of user, because that change forgets the request; the guard has a single thread.
        preexec_fn=signal_when_orphaned(spec["orphan_signal"]),
    )


def stop(server: subprocess.Popen[bytes], number: int, grace_seconds: float) -> None:
    """Ask, wait for a bounded time, then kill the whole process group."""
    if server.poll() is None:
        server.send_signal(number)
        try:
            server.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
    try:
        os.killpg(server.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def wait_for_end(server: subprocess.Popen[bytes], holder: int, wakeup: int) -> None:
    """Return when the server ended, the holder ended or let go, or this process was told to end."""
    while server.poll() is None:
        ready, _, _ = select.select([0, wakeup], [], [], LOOK_SECONDS)
        if os.getppid() != holder:
            return
        if 0 in ready and not os.read(0, 64):
            return
        if wakeup in ready and signal.SIGTERM in os.read(wakeup, 64):
            return


def report(answer: dict[str, Any]) -> None:
    """Tell the holder, who reads this one line."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> int:
    spec = json.loads(sys.argv[1])
    wakeup, signals = os.pipe()
    os.set_blocking(signals, False)
    signal.set_wakeup_fd(signals)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        server = launch(spec)
    except (OSError, subprocess.SubprocessError) as error:
        report({"error": str(error)})
        return 126
    report({"pid": server.pid})
    wait_for_end(server, spec["holder"], wakeup)
    stop(server, spec["stop_signal"], spec["grace_seconds"])
    status = server.returncode
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
