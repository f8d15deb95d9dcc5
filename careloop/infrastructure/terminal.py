"""What people see of many processes: one line each, with a coloured name before it, of what deserves attention."""

import asyncio
import json
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from careloop.infrastructure.errors import MissingExtraError
from careloop.infrastructure.processes import KEPT_LOG_BYTES

LOOK_SECONDS = 0.25
MOST_BYTES_A_LOOK = 256 * 1024
QUIET_LEVELS = frozenset({"debug", "info"})
HIDDEN_FIELDS = frozenset({"event", "level", "timestamp", "service"})


class Terminal:
    """Prints prefixed lines (honcho's printer), and follows the logs of processes.

    Without `verbose`, entries of level info and below stay in the files.
    """

    def __init__(self, output: IO[str] | None = None, *, verbose: bool = False) -> None:
        try:
            from honcho.colour import get_colours
            from honcho.printer import Message, Printer
        except ImportError:
            raise MissingExtraError("honcho", "stack") from None
        self._message = Message
        self._printer = Printer(output or sys.stdout)
        self._colours = get_colours()
        self._colour_of: dict[str, str] = {}
        self._verbose = verbose

    def name(self, *names: str) -> None:
        """Make room for names and give each its colour."""
        for name in names:
            self._colour_of[name] = next(self._colours)
            self._printer.width = max(self._printer.width, len(name))

    def say(self, name: str, line: str) -> None:
        now = datetime.now().astimezone()
        self._printer.write(self._message("line", line, now, name, self._colour_of.get(name)))

    async def follow(self, logs: Mapping[str, Path]) -> None:
        """Show what is appended to the logs from now on, until cancelled; also keeps them within their bound."""
        positions = {name: _size(path) for name, path in logs.items()}
        while True:
            for name, path in logs.items():
                positions[name] = self._show_new(name, path, positions[name])
            await asyncio.sleep(LOOK_SECONDS)

    def _show_new(self, name: str, path: Path, position: int) -> int:
        size = _size(path)
        if size < position:
            position = 0
        if size > position:
            with path.open("rb") as file:
                file.seek(position)
                chunk = file.read(MOST_BYTES_A_LOOK)
            complete = chunk.rpartition(b"\n")[0]
            position += len(complete) + 1 if complete else 0
            if not complete and len(chunk) == MOST_BYTES_A_LOOK:
                position += len(chunk)
            for line in complete.decode(errors="replace").splitlines():
                shown = readable(line, self._verbose)
                if shown is not None:
                    self.say(name, shown)
        if position > KEPT_LOG_BYTES:
            _cut(path)
            position = 0
        return position


def readable(line: str, verbose: bool) -> str | None:
    """A log line for people; None when it only belongs into the file."""
    if not line.startswith("{"):
        return line or None
    try:
        entry: dict[str, Any] = json.loads(line)
    except ValueError:
        return line
    level = str(entry.get("level", "info"))
    if level in QUIET_LEVELS and not verbose:
        return None
    rest = " ".join(f"{name}={value}" for name, value in entry.items() if name not in HIDDEN_FIELDS)
    return f"{level:<7} {entry.get('event', '')} {rest}".rstrip()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _cut(path: Path) -> None:
    """Move the contents aside; the writer appends, so it goes on at the beginning of the emptied file."""
    path.with_name(path.name + ".1").write_bytes(path.read_bytes())
    with path.open("r+b") as file:
        file.truncate(0)
