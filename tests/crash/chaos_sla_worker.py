"""A worker of sla to be killed: the timers, digests and relay of the real service, in the loops that serve runs.

The consumer is left out: after each start it holds the timers for as long as a broker may need to settle, which would
be most of a worker's short life here. What changes clocks is done by the harness meanwhile.

Variants are broken on purpose, to show that the checks see it:

* `hasty` deletes timers before it fires them;
* `unlocked` fires without locks, for a journal without its key.
"""

import asyncio
import sys
from collections.abc import Callable
from datetime import datetime

import uvloop

from services.sla.persistence import firing_store, timer_store
from services.sla.persistence.timer_store import ClaimedTimer
from services.sla.service import Settings, build
from services.sla.usecases.fire_timers import Fired, FireTimers, fire_claimed
from services.sla.workers import timers
from shared.db.database import Database
from shared.db.statements import Statement
from shared.db.work import Work
from shared.events.transport.postgres import PostgresTransport
from shared.kernel.clock import SystemClock
from shared.operations.loops import run_loop

LOOPS = ("sla.timers", "sla.digests", "sla.relay")
READY = "ready"
OVERLAP_SECONDS = 0.2


_DUE = Statement(
    "SELECT * FROM timers WHERE parked_at IS NULL AND due_at <= $1 ORDER BY due_at, id LIMIT $2",
    ("up_to", "limit"),
    {},
)
_DELETE = Statement("DELETE FROM timers WHERE id = ANY ($1::bigint[])", ("ids",), {})


def break_as_hasty(database: Database) -> None:
    """The timers are gone before their thresholds are safe."""

    async def fire(command: FireTimers, work: Work, works: Callable[[], Work]) -> Fired:
        async with database.session() as apart:
            rows = await apart.fetch_all(_DUE, up_to=work.now, limit=command.limit)
            await apart.execute(_DELETE, ids=[row["id"] for row in rows])
        return await fire_claimed(command, [timer_store.claimed_of(row) for row in rows], work, works)

    timers.fire_timers = fire  # type: ignore[attr-defined]


def break_as_unlocked(database: Database) -> None:
    """Two workers see the same timers, and nothing but the journal's key could tell them apart."""

    async def claim(work: Work, up_to: datetime, *, limit: int, sweeps: bool) -> list[ClaimedTimer]:
        rows = await work.fetch_all(_DUE, up_to=up_to, limit=limit)
        await asyncio.sleep(OVERLAP_SECONDS)
        return [timer_store.claimed_of(row) for row in rows]

    timer_store.claim = claim
    locking = firing_store._LOCK_FREE
    firing_store._LOCK_FREE = Statement(locking.sql.replace(" FOR UPDATE SKIP LOCKED", ""), ("ids",), {})


BREAKS: dict[str, Callable[[Database], None]] = {"hasty": break_as_hasty, "unlocked": break_as_unlocked}


async def main(variant: str) -> None:
    """Run until standard input ends (whoever started this is gone), or somebody kills us."""
    settings = Settings()
    assert settings.events_database_url is not None
    transport = PostgresTransport(settings.events_database_url)
    service = build(settings, clock=SystemClock(), transport=transport)
    if variant:
        BREAKS[variant](service.database)
    await service.open()
    stop = asyncio.Event()
    running = [asyncio.create_task(run_loop(loop, stop)) for loop in service.loops if loop.name in LOOPS]
    assert len(running) == len(LOOPS)
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    stop.set()
    await asyncio.gather(*running)
    await service.close()
    await transport.close()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1] if len(sys.argv) > 1 else ""))
