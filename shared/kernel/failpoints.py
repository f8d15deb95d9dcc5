"""Named places where a crash would hurt, so that tests can crash exactly there.

A module declares its failpoints at import and calls `hit(name)` at the place. With
`CARELOOP_FAILPOINT=name` or `name:3` in the environment, the process kills itself with SIGKILL at the
first or third hit: no handler runs, nothing is flushed, as when the machine is lost. Without it a hit is
one dictionary look-up.
"""

import os
import signal

_declared: dict[str, str] = {}
_remaining: dict[str, int] = {}


class UnknownFailpointError(Exception):
    """This failpoint was never declared."""


def _armed_by_environment() -> dict[str, int]:
    setting = os.environ.get("CARELOOP_FAILPOINT", "")
    if not setting:
        return {}
    name, _, nth = setting.partition(":")
    return {name: int(nth or 1)}


_remaining.update(_armed_by_environment())


def declare(name: str, why: str) -> str:
    """Register a failpoint and what a crash there would leave behind; returns the name."""
    _declared[name] = why
    return name


def declared() -> dict[str, str]:
    """All failpoints of the modules imported so far, with what a crash there leaves behind."""
    return dict(_declared)


def hit(name: str) -> None:
    """Die here if armed. Raises `UnknownFailpointError` for a name that was not declared."""
    if not _remaining:
        return
    if name not in _declared:
        raise UnknownFailpointError(name)
    if name in _remaining:
        _remaining[name] -= 1
        if _remaining[name] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
