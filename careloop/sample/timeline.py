"""Replaying commands at their own instants under the simulated clock."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import merge
from typing import Protocol

from shared.kernel.clock import Clock, SimulatedClock

Progress = Callable[[int], None]

AT_ONCE = timedelta(0)


@dataclass(frozen=True, slots=True, order=True)
class Action:
    """Something to do at an instant.

    place           keeps the order of a log within one instant
    steps           what it counts for in the progress
    settles_within  how long its consequences may lie before they are drained: shorter than the time to the first
                    timer that they can set, so that every timer still fires at its own instant
    """

    at: datetime
    place: int
    run: Callable[[], Awaitable[None]] = field(compare=False)
    settles_within: timedelta = field(default=AT_ONCE, compare=False)
    steps: int = field(default=1, compare=False)


class Stepped(Protocol):
    """What a log is replayed on: a suite under a simulated clock."""

    @property
    def clock(self) -> Clock: ...

    async def drain(self) -> int: ...

    async def advance(self, to: datetime) -> int: ...

    async def next_due_at(self) -> datetime | None: ...


async def play(suite: Stepped, *timelines: Iterable[Action], progress: Progress) -> int:
    """Run several timelines, each in order of time, as one; how often what they set off was drained.

    Timers that are due between two actions fire in between, each at its own instant. All actions of one instant,
    and those of the short while that each of them allows, are given before what they set off is drained. An
    action earlier than the clock's reading runs at that reading.
    """
    clock = suite.clock
    if not isinstance(clock, SimulatedClock):
        raise TypeError("only a suite under a simulated clock replays a log")
    drains = 1
    await suite.drain()
    next_due_at = await suite.next_due_at()
    settle_by: datetime | None = None
    for action in merge(*timelines):
        if action.at > clock.now():
            first = min((at for at in (next_due_at, settle_by) if at is not None), default=None)
            if first is not None and first <= action.at:
                await suite.advance(action.at)
                next_due_at = await suite.next_due_at()
                settle_by = None
                drains += 1
            else:
                clock.set(action.at)
        await action.run()
        progress(action.steps)
        settle = clock.now() + action.settles_within
        settle_by = settle if settle_by is None else min(settle_by, settle)
    await suite.drain()
    return drains + 1
