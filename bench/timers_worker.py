"""One process of a timer bench: works on a database as told and prints what it took, as JSON.

    python -m bench.timers_worker fire URL BATCH CATCH_UP_PER_SECOND IDLE_SECONDS
    python -m bench.timers_worker refold URL BATCH COUNT

The collector is set as `careloop serve` sets it.
"""

import asyncio
import gc
import json
import resource
import sys
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import uvloop

from services.sla.domain.metrics import SubjectKind
from services.sla.domain.storm_caps import StormCaps
from services.sla.messaging.outbound import OUTBOUND
from services.sla.persistence import subject_store
from services.sla.persistence.catalogue_store import Catalogues
from services.sla.usecases.fire_timers import FireTimers
from services.sla.workers.timers import TimerWorker, Upkeep
from shared.db.database import Database
from shared.db.statements import Statement
from shared.db.work import Work
from shared.events.outbox import OutboxWriter
from shared.kernel.clock import SystemClock
from shared.kernel.context import Actor
from shared.operations.running import COLLECTOR_THRESHOLDS

_NEXT_SUBJECTS = Statement(
    "SELECT id, kind FROM subjects WHERE id > $1 ORDER BY id LIMIT $2", ("after", "limit"), {}
)
ACTOR = Actor("system", "bench")
STARTED = "started"


async def fire(database: Database, batch: int, catch_up: float, idle_seconds: float) -> dict[str, Any]:
    """Fire what is due until nothing has been for `idle_seconds`."""
    command = FireTimers(limit=batch, caps=StormCaps(), hold=timedelta(seconds=30))
    upkeep = Upkeep(
        sweep_seconds=30.0,
        mark_seconds=5.0,
        mark_lag=timedelta(seconds=60),
        longest_hold_seconds=900.0,
        catch_up_per_second=catch_up,
    )
    worker = TimerWorker(database, command, upkeep)
    fired, first_at, last_at = 0, 0.0, time.time()
    while time.time() - last_at < idle_seconds:
        begun_at = time.time()
        done = await worker.run_once()
        if done:
            first_at, last_at = first_at or begun_at, time.time()
            fired += done
        else:
            await asyncio.sleep(worker.poll_seconds)
    return {"fired": fired, "first_at": first_at, "last_at": last_at}


async def refold(database: Database, batch: int, count: int) -> dict[str, Any]:
    """Recalculate the clocks of `count` subjects from their ledgers, `batch` of them at once."""
    catalogues = Catalogues()
    done, moved, after = 0, 0, UUID(int=0)
    begun_at = time.time()
    while done < count:
        async with database.session() as session:
            rows = await session.fetch_all(_NEXT_SUBJECTS, after=after, limit=min(batch, count - done))
        if not rows:
            break
        ids = {row["id"]: SubjectKind(row["kind"]) for row in rows}
        after = rows[-1]["id"]

        async def recalculate(work: Work, ids: dict[UUID, SubjectKind] = ids) -> int:
            subjects = await subject_store.lock_or_add(work, ids)
            differ = 0
            for subject in subjects.values():
                folded = subject.folded(await catalogues.at(work, subject.revision))
                for clock in folded.started():
                    stored = subject.clocks.get((clock.key, clock.cycle))
                    differ += stored is None or stored.due_at != clock.due_at
            return differ

        moved += await database.run(recalculate, actor=ACTOR)
        done += len(rows)
    return {"recalculated": done, "moved": moved, "first_at": begun_at, "last_at": time.time()}


async def main(what: str, url: str, *numbers: str) -> None:
    """Do it and print a line."""
    database = Database(url, clock=SystemClock(), name="bench")
    OutboxWriter("sla", OUTBOUND).attach(database)
    await database.open()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    sys.stdout.write(f"{STARTED}\n")
    sys.stdout.flush()
    before = time.process_time()
    if what == "fire":
        batch, catch_up, idle_seconds = numbers
        took = await fire(database, int(batch), float(catch_up), float(idle_seconds))
    else:
        batch, count = numbers
        took = await refold(database, int(batch), int(count))
    took["cpu_seconds"] = time.process_time() - before
    took["peak_megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    await database.close()
    sys.stdout.write(json.dumps(took) + "\n")


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
