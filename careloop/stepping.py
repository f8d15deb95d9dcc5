"""The suite under a simulated clock: time moves only when its owner says so, from one due instant to the next."""

from collections.abc import Sequence
from datetime import datetime

from shared.kernel.clock import SimulatedClock
from shared.kernel.errors import CareloopError
from shared.operations.loops import Loop
from shared.operations.service import Service

# Far above what a day of a large company sets off at one instant; a suite that feeds itself is stopped here.
MOST_BATCHES_A_DRAIN = 200_000


class SuiteNeverQuietError(CareloopError):
    """The suite keeps making work for itself at one instant."""


class Stepper:
    """Steps the loops of some services through simulated time.

    At one instant events go before timers, of whatever service: a timer must not overtake the event that would
    have stopped it. Loops without a due instant run when they are woken, so that idle ones cost nothing; loops
    with one run when it has come.
    """

    def __init__(self, services: Sequence[Service], clock: SimulatedClock) -> None:
        self._clock = clock
        self._services = services
        self._due: dict[str, tuple[int, datetime | None]] = {}
        self._busy: set[str] = set()
        self._timed: set[str] = set()

    async def drain(self) -> int:
        """Run what can be run now, without moving time; how many things were done."""
        done = 0
        for _ in range(MOST_BATCHES_A_DRAIN):
            batch = await self._run_woken()
            if batch == 0:
                batch = await self._run_due()
            if batch == 0:
                return done
            done += batch
        raise SuiteNeverQuietError(f"still busy after {MOST_BATCHES_A_DRAIN} batches at {self._clock.now()}")

    async def advance(self, to: datetime) -> int:
        """Drain, then step to each due instant up to `to` in turn, draining at each; how much was done."""
        done = await self.drain()
        while True:
            due = await self.next_due_at()
            if due is None or due > to:
                break
            self._clock.set(max(due, self._clock.now()))
            batch = await self.drain()
            if batch == 0:
                raise SuiteNeverQuietError(f"a timer due at {due} does not fire")
            done += batch
        self._clock.set(max(to, self._clock.now()))
        return done + await self.drain()

    async def next_due_at(self) -> datetime | None:
        """The earliest instant at which any loop has work for certain."""
        dues = [await self._loop_due(service, loop) for service in self._services for loop in service.loops]
        return min((due for due in dues if due is not None), default=None)

    async def _loop_due(self, service: Service, loop: Loop) -> datetime | None:
        # Timers are rows: nothing can have moved them since the service's last commit.
        known = self._due.get(loop.name)
        if known is None or known[0] != service.database.commits:
            known = self._due[loop.name] = (service.database.commits, await loop.next_due_at())
            if known[1] is not None:
                self._timed.add(loop.name)
        return known[1]

    async def _is_timed(self, service: Service, loop: Loop) -> bool:
        """Whether the loop ever named an instant at which it has work."""
        return loop.name in self._timed or await self._loop_due(service, loop) is not None

    async def _run_woken(self) -> int:
        done = 0
        for service in self._services:
            for loop in service.loops:
                if not loop.wake.is_set and loop.name not in self._busy:
                    continue
                loop.wake.clear()
                if await self._is_timed(service, loop):
                    # It knows when it has work; woken, it may only know better. Its turn comes after the events.
                    continue
                batch = await loop.run_once()
                # Whoever did something is asked once more, but not woken: a loop that knows that it has seen all
                # answers without a look.
                if batch:
                    self._busy.add(loop.name)
                else:
                    self._busy.discard(loop.name)
                done += batch
        return done

    async def _run_due(self) -> int:
        done = 0
        for service in self._services:
            for loop in service.loops:
                due = await self._loop_due(service, loop)
                if due is not None and due <= self._clock.now():
                    done += await loop.run_once()
        return done
