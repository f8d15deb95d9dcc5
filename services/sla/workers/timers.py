"""The timer worker: fires what is due, batch after batch, and knows when the next one will be."""

import asyncio
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from services.sla.domain.thresholds import ThresholdKind
from services.sla.persistence import timer_store
from services.sla.usecases.fire_timers import Fired, FireTimers, fire_claimed, fire_timers
from services.sla.usecases.park_timer import ParkTimer, park_timer
from services.sla.workers.horizon_hold import HorizonHold
from shared.db.database import RETRIED, TRANSIENT, Database
from shared.db.work import Work
from shared.kernel import failpoints
from shared.kernel.clock import SystemClock
from shared.kernel.context import Actor
from shared.kernel.signals import Signal
from shared.telemetry.metrics import counter, histogram

log = structlog.get_logger(__name__)

AFTER_COMMIT = failpoints.declare("timers.after_commit", "the thresholds are written, nobody was woken")

# With a backlog one lane computes while the database works for another; each goes on from batch to batch, so that
# neither waits for the other, but not for ever: what else the loop does has its turn.
LANES = 3
BATCHES_A_LANE = 8
LONGEST_POLL_SECONDS = 0.1
SHORTEST_POLL_SECONDS = 0.005
LATENESS_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 60.0, 3600.0)
ACTOR = Actor("system", "sla.timers")

_lateness = histogram(
    "careloop_sla_threshold_lateness_seconds",
    "How long after its instant a threshold took effect",
    "kind",
    buckets=LATENESS_SECONDS,
)
_lateness_of = {kind: _lateness.labels(kind) for kind in ThresholdKind}
_parked = counter("careloop_sla_timers_parked_total", "Timers that failed alone and were parked")


@dataclass(frozen=True, slots=True)
class Upkeep:
    """sweep_seconds  how often a batch looks below the low-water mark, where a late commit may have left a timer
    mark_seconds      how often the mark is raised
    mark_lag          how far it stays behind, for transactions that commit late
    longest_hold_seconds  how long timers wait for a consumer that makes no progress
    catch_up_per_second   so many timers at most while an outage is caught up with
    """

    sweep_seconds: float
    mark_seconds: float
    mark_lag: timedelta
    longest_hold_seconds: float
    catch_up_per_second: float


class TimerWorker:
    """A `Loop`. Any number may run: they skip each other's timers."""

    def __init__(self, database: Database, command: FireTimers, upkeep: Upkeep) -> None:
        self.name = "sla.timers"
        self.wake = Signal()
        self.poll_seconds = LONGEST_POLL_SECONDS
        self._database = database
        self._command = command
        self._upkeep = upkeep
        self._hold = HorizonHold(upkeep.longest_hold_seconds)
        self._swept_at = self._marked_at = float("-inf")
        self._has_backlog = False

    async def run_once(self) -> int:
        """One batch; how many timers were dealt with. Raises only what passes by itself (database away)."""
        now = time.monotonic()
        sweeps = now - self._swept_at >= self._upkeep.sweep_seconds
        # Most looks find nothing, and asking when the next is due costs a third of claiming what is.
        if not sweeps and not await self._is_anything_due():
            self._hold.saw(None, self._database.clock.now(), now)
            return 0
        command = replace(self._command, sweeps=sweeps, ignores_horizon=self._hold.is_over(now))
        try:
            fired = await self._fire_lanes(command)
        except (*TRANSIENT, *RETRIED):
            raise
        except Exception:
            log.exception("timer_batch_failed", worker=self.name)
            return await self._one_by_one()
        self._has_backlog = fired.timers >= command.limit
        self._hold.saw(fired.horizon, self._database.clock.now(), now)
        if sweeps and fired.timers < command.limit:
            self._swept_at = now
        elif fired.first_due_at is not None and now - self._marked_at >= self._upkeep.mark_seconds:
            await self._raise_mark(fired.first_due_at - self._upkeep.mark_lag)
            self._marked_at = now
        if fired.timers == 0:
            self._plan_next_poll(await self.next_due_at())
        return fired.timers

    async def next_due_at(self) -> datetime | None:
        async with self._database.session() as session:
            return await timer_store.next_due_at(session)

    async def close(self) -> None:
        """Holds nothing between batches."""

    async def _fire_lanes(self, command: FireTimers) -> Fired:
        """One batch, or lanes where there is a backlog; raises what one of them raised, when all are over."""
        is_alone = not self._has_backlog or not isinstance(self._database.clock, SystemClock)
        if is_alone:
            return await self._fire_lane(command, batches=1, lanes=1)
        others = replace(command, sweeps=False)
        lanes = [
            self._fire_lane(one, batches=BATCHES_A_LANE, lanes=LANES)
            for one in (command, *[others] * (LANES - 1))
        ]
        together = Fired()
        for outcome in await asyncio.gather(*lanes, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
            together.add(outcome)
        return together

    async def _fire_lane(self, command: FireTimers, *, batches: int, lanes: int) -> Fired:
        """Batch after batch, as long as they are full."""
        together = Fired()
        for _ in range(batches):
            begun = time.monotonic()
            fired = await self._fire(command)
            together.add(fired)
            if fired.is_catching_up:
                # Those who hear of it all at once shall not break down under it.
                least_seconds = lanes * fired.timers / self._upkeep.catch_up_per_second
                await asyncio.sleep(max(0.0, least_seconds - (time.monotonic() - begun)))
            if fired.timers < command.limit:
                break
            command = replace(command, sweeps=False)
        return together

    async def _fire(self, command: FireTimers, timer_id: int | None = None) -> Fired:
        async with self._database.transaction() as transaction:
            work = transaction.work(ACTOR)

            def works() -> Work:
                return transaction.work(ACTOR)

            if timer_id is None:
                fired = await fire_timers(command, work, works)
            else:
                claimed = await timer_store.claim_one(work, timer_id)
                fired = await fire_claimed(command, claimed, work, works)
        failpoints.hit(AFTER_COMMIT)
        for threshold in fired.thresholds:
            _lateness_of[threshold.kind].observe(max(0.0, (work.now - threshold.at).total_seconds()))
        return fired

    async def _one_by_one(self) -> int:
        """A batch failed: each of its timers alone, and what fails then is parked out of the others' way."""
        now = self._database.clock.now()
        async with self._database.session() as session:
            due = await timer_store.due_ids(session, now, self._command.limit)
        done = 0
        for timer_id in due:
            try:
                done += (await self._fire(self._command, timer_id)).timers
            except (*TRANSIENT, *RETRIED):
                raise
            except Exception as error:
                log.exception("timer_parked", timer_id=timer_id)
                await self._park(ParkTimer(timer_id, f"{type(error).__name__}: {error}"))
                done += 1
        return done

    async def _park(self, command: ParkTimer) -> None:
        async def park(work: Work) -> None:
            await park_timer(command, work)

        await self._database.run(park, actor=ACTOR)
        _parked.inc()

    async def _raise_mark(self, mark: datetime) -> None:
        # In a transaction of its own: other workers would wait for the row until a whole batch commits.
        async def raise_mark(work: Work) -> None:
            await timer_store.raise_mark(work, mark)

        await self._database.run(raise_mark, actor=ACTOR)

    async def _is_anything_due(self) -> bool:
        due_at = await self.next_due_at()
        self._plan_next_poll(due_at)
        return due_at is not None and due_at <= self._database.clock.now()

    def _plan_next_poll(self, due_at: datetime | None) -> None:
        if not isinstance(self._database.clock, SystemClock):
            return  # whoever steps the clock asks for the next due instant himself
        seconds = LONGEST_POLL_SECONDS
        if due_at is not None:
            seconds = (due_at - self._database.clock.now()) / timedelta(seconds=1)
        self.poll_seconds = min(max(seconds, SHORTEST_POLL_SECONDS), LONGEST_POLL_SECONDS)
