"""`careloop demo` as people run it: its options, its exit codes, and what it leaves behind, which is nothing."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from careloop.cli import app
from careloop.sample.readers import COMPLAINT_COLUMNS, INCIDENT_COLUMNS

pytestmark = pytest.mark.e2e

LONGEST_SECONDS = 120
OPENED = datetime(2016, 2, 29, 9, 0)


@pytest.fixture
def logs(tmp_path: Path) -> list[str]:
    """Options that name three small logs."""
    incidents, complaints, orders = (
        tmp_path / "incidents.csv",
        tmp_path / "complaints.csv",
        tmp_path / "orders.txt",
    )
    with incidents.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(INCIDENT_COLUMNS)
        for number in range(1, 5):
            for minutes, state in ((5, "New"), (40, "Active"), (600 * number, "Resolved"), (9000, "Closed")):
                at = OPENED + timedelta(minutes=minutes)
                opened, updated = (f"{one:%d-%m-%Y %H:%M}" for one in (OPENED, at))
                row = (
                    f"INC{number}",
                    state,
                    f"Caller {number}",
                    opened,
                    updated,
                    "Phone",
                    "c",
                    "3 - Moderate",
                    "g",
                    "?",
                )
                writer.writerow(row)
    with complaints.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COMPLAINT_COLUMNS)
        for day in range(1, 5):
            writer.writerow((f"7/{day}/2013", "Mortgage", "i", "Web", "Closed with explanation", "Yes", "No"))
    orders.write_text("".join(f" {n:05d} {n:04d} 199701{n:02d}  1   99.50\n" for n in range(1, 9)))
    return ["--incidents", str(incidents), "--complaints", str(complaints), "--orders", str(orders)]


class Demo:
    """The command in a process of its own, with a directory for what is temporary."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.temporary = directory
        self.process = subprocess.Popen(
            [sys.executable, "-m", "careloop", "demo", *options],
            env={**os.environ, "TMPDIR": str(directory), "COLUMNS": "200", "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = ""

    def until(self, words: str) -> None:
        """Read on until a line holds these words."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if words in line:
                return
        raise AssertionError(f"ended without saying {words!r}:\n{self.said}")

    def interrupted(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.ended()

    def ended(self) -> int:
        rest, _ = self.process.communicate(timeout=LONGEST_SECONDS)
        self.said += rest
        return self.process.returncode

    def left_behind(self) -> list[str]:
        """Files, and processes that work in the directory."""
        files = [str(path) for path in self.temporary.iterdir()]
        return files + [where for where in _working_directories() if where.startswith(str(self.temporary))]


def _working_directories() -> Iterator[str]:
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                yield os.readlink(process / "cwd")
            except OSError:
                continue


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    directory = tmp_path / "temporary"
    directory.mkdir()
    return directory


def test_the_command_replays_reports_and_leaves_nothing_behind(
    logs: list[str], tmp_path: Path, temporary: Path
) -> None:
    report, clocks = tmp_path / "report.json", tmp_path / "clocks.csv"
    demo = Demo(temporary, *logs, "--exit", "--report", str(report), "--clocks", str(clocks))
    assert demo.ended() == 0, demo.said
    figures = json.loads(report.read_text())
    assert figures["tickets"]["by_state"] == {"closed": 4}
    assert figures["complaints"]["closed"] == 4
    assert figures["dead_letters"] == 0
    assert set(figures["calendars"]) == {"office hours", "around the clock"}
    assert len(clocks.read_text().splitlines()) == 1 + 2 * 4 + 4
    assert "Attainment" in demo.said
    assert demo.left_behind() == []


def test_ctrl_c_in_the_midst_of_it_leaves_nothing_behind(logs: list[str], temporary: Path) -> None:
    demo = Demo(temporary, *logs)
    demo.until("Starting")
    deadline = time.monotonic() + LONGEST_SECONDS
    while not list(temporary.glob("*/postgres/data")) and time.monotonic() < deadline:
        os.sched_yield()
    assert demo.interrupted() == 130
    assert "Traceback" not in demo.said
    assert demo.left_behind() == []


def test_without_exit_the_suite_stays_up_to_be_explored_until_ctrl_c(
    logs: list[str], temporary: Path
) -> None:
    demo = Demo(temporary, *logs)
    demo.until("Ctrl-C ends it")
    url = re.search(r"(http://127\.0\.0\.1:\d+)/docs", demo.said)
    token = re.search(r"TOKEN=(\S+)", demo.said)
    assert url is not None
    assert token is not None
    headers = {"Authorization": f"Bearer {token[1]}"}
    tickets = httpx.get(f"{url[1]}/ticketing/v1/tickets", headers=headers).json()["items"]
    assert {ticket["external_number"] for ticket in tickets} == {"INC1", "INC2", "INC3", "INC4"}
    assert demo.interrupted() == 0
    assert demo.left_behind() == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--incidents", "nowhere.csv"], "nowhere.csv cannot be read"),
        (["--incidents", "{here}"], "lacks the columns number, incident_state"),
        (["--complaints", "{here}"], "lacks the columns Date received"),
        (["--orders", "{here}"], "line 1"),
        (["--report", "no/such/directory/report.json"], "cannot be written"),
        (["--clocks", "{directory}"], "cannot be written"),
    ],
)
def test_a_file_that_cannot_be_used_ends_it_before_anything_starts(
    options: list[str], said: str, tmp_path: Path
) -> None:
    here = tmp_path / "other.csv"
    here.write_text("one,two,three words\n1,2,3\n")
    given = [option.format(here=here, directory=tmp_path) for option in options]
    result = CliRunner().invoke(app, ["demo", *given, "--exit"])
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output
