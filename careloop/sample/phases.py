"""The demo's phases on the terminal: a bar each, with rate and remaining time, and what each took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


@dataclass(slots=True)
class PhaseTime:
    """What one phase did and took; `cpu_seconds` is this process's own, without the database's."""

    name: str
    done: int
    wall_seconds: float
    cpu_seconds: float


class _Rate(ProgressColumn):
    """So many a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s", style="progress.data.speed")


class Phases:
    """Shows the phases as they run and remembers their times. Use it as a context manager."""

    def __init__(self, console: Console) -> None:
        self.times: list[PhaseTime] = []
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=18),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[clock]}"),
            console=console,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._bars.stop()

    @contextmanager
    def phase(self, name: str, total: int) -> Iterator[Callable[[int], None]]:
        """A phase of `total` steps; call what it gives with how many were done."""
        task = self._bars.add_task(name, total=total, clock="left")
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            self._bars.advance(task, count)

        wall, cpu = time.monotonic(), time.process_time()
        try:
            yield advance
        finally:
            self._bars.update(task, clock="taken")
            self.times.append(PhaseTime(name, done, time.monotonic() - wall, time.process_time() - cpu))
