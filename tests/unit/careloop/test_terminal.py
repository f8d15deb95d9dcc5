"""What people see of the logs of many processes."""

import asyncio
import contextlib
import io
from pathlib import Path

import pytest

from careloop.infrastructure.terminal import Terminal, readable

WARNING = (
    '{"event":"slow","level":"warning","timestamp":"2026-01-01","service":"sla","seconds":2,"request_id":"r"}'
)
INFO = '{"event":"request","level":"info"}'


@pytest.mark.parametrize(
    ("line", "verbose", "shown"),
    [
        (WARNING, False, "warning slow seconds=2 request_id=r"),
        (INFO, False, None),
        (INFO, True, "info    request"),
        ("Traceback (most recent call last):", False, "Traceback (most recent call last):"),
        ("", False, None),
        ("{not json", False, "{not json"),
    ],
)
def test_a_line_is_shown_when_it_deserves_attention(line: str, verbose: bool, shown: str | None) -> None:
    assert readable(line, verbose) == shown


class Output(io.StringIO):
    """Tells when a text was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = asyncio.Event()

    def write(self, text: str) -> int:
        count = super().write(text)
        if "last" in text:
            self.written.set()
        return count


async def test_what_is_appended_is_shown_with_its_name_and_whole_lines_only(tmp_path: Path) -> None:
    log = tmp_path / "sla-worker.log"
    log.write_text("before\n")
    output = Output()
    terminal = Terminal(output)
    terminal.name("sla-worker", "kafka")
    following = asyncio.create_task(terminal.follow({"sla-worker": log, "kafka": tmp_path / "missing"}))
    await asyncio.sleep(0)

    with log.open("a") as file:
        file.write(f"{INFO}\n{WARNING}\nlast\nhalf a li")
        file.flush()
        await output.written.wait()

    following.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await following
    lines = [line.partition(" ")[2] for line in output.getvalue().splitlines()]
    assert lines == ["sla-worker | warning slow seconds=2 request_id=r", "sla-worker | last"]
