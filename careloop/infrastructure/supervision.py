"""Keeping a set of processes running: started in order, watched, restarted with growing pauses, stopped in reverse."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Protocol

from careloop.infrastructure.errors import InfrastructureError

LOOK_SECONDS = 0.2
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0
STEADY_SECONDS = 60.0
MOST_RESTARTS = 8

Say = Callable[[str, str], None]
"""Tells people: the member's name, and a line about it."""


class Member(Protocol):
    """What is supervised: a server, or a process of a service. `astart` returns when it is ready."""

    @property
    def name(self) -> str: ...

    @property
    def is_running(self) -> bool: ...

    async def astart(self) -> object: ...

    async def astop(self) -> None: ...

    def kill(self) -> None: ...


class RestartsExhaustedError(InfrastructureError):
    """A process ended again and again."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} ended {MOST_RESTARTS} times in a row and is not started again")
        self.name = name


class Supervisor:
    """Runs members stage by stage: those of one stage start together.

    A member that ends by itself is started again after a pause that doubles up to `LONGEST_PAUSE_SECONDS`;
    after `MOST_RESTARTS` without `STEADY_SECONDS` of peace `failed` is set and nothing more is tried.
    """

    def __init__(self, say: Say, *, first_pause_seconds: float = FIRST_PAUSE_SECONDS) -> None:
        self._stages: list[list[Member]] = []
        self._say = say
        self._first_pause_seconds = first_pause_seconds
        self._watches: list[asyncio.Task[None]] = []
        self._held: set[str] = set()
        self.failed: asyncio.Future[RestartsExhaustedError] = asyncio.get_running_loop().create_future()
        self.restarts: dict[str, int] = {}

    async def start(self, members: Collection[Member]) -> None:
        """Start a further stage and watch it once all are ready; the first failure is raised after all ended."""
        stage = list(members)
        self._stages.append(stage)
        outcomes = await asyncio.gather(*(self._begin(member) for member in stage), return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome
        self._watches += [
            asyncio.create_task(self._watch(member), name=f"watch {member.name}") for member in stage
        ]

    async def stop(self) -> None:
        """Stop watching, then the stages in reverse, the members of one stage together."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        self._watches.clear()
        for stage in reversed(self._stages):
            await asyncio.gather(*(self._end(member) for member in stage))

    @asynccontextmanager
    async def without(self, name: str) -> AsyncIterator[None]:
        """Kill a member and keep it down while the block runs; ready again afterwards."""
        member = self.member(name)
        self._held.add(name)
        try:
            await asyncio.to_thread(member.kill)
            yield
            await member.astart()
        finally:
            self._held.discard(name)

    def member(self, name: str) -> Member:
        return next(member for stage in self._stages for member in stage if member.name == name)

    async def _begin(self, member: Member) -> None:
        began_at = time.monotonic()
        await member.astart()
        self._say(member.name, f"ready after {time.monotonic() - began_at:.1f} s")

    async def _end(self, member: Member) -> None:
        if member.is_running:
            await member.astop()
            self._say(member.name, "stopped")
        else:
            await member.astop()

    async def _watch(self, member: Member) -> None:
        pause_seconds = self._first_pause_seconds
        in_a_row = 0
        running_since = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if member.is_running or member.name in self._held:
                continue
            if time.monotonic() - running_since >= STEADY_SECONDS:
                pause_seconds, in_a_row = self._first_pause_seconds, 0
            in_a_row += 1
            if in_a_row > MOST_RESTARTS:
                self._give_up(member)
                return
            self._say(member.name, f"ended; starting it again in {pause_seconds:.1f} s")
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(pause_seconds * 2, LONGEST_PAUSE_SECONDS)
            self.restarts[member.name] = self.restarts.get(member.name, 0) + 1
            try:
                await self._begin(member)
            except InfrastructureError as error:
                self._say(member.name, str(error))
            running_since = time.monotonic()

    def _give_up(self, member: Member) -> None:
        error = RestartsExhaustedError(member.name)
        self._say(member.name, str(error))
        if not self.failed.done():
            self.failed.set_result(error)
