"""Every customer scored by the job of a refit: rows a second, and the memory it takes at two sizes.

Runs the very step of the worker's loop, a transaction a batch, on customers who were never scored and then once more on
the same ones. Memory is the largest resident size of the process that scores; it must not follow their number.

    python -m bench.score_customers [--sizes 100000,1000000]
"""

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path

import asyncpg

from bench.machine import machine
from bench.value_world import add_customers, promote
from careloop.infrastructure.postgres import PostgresServer
from services.valuation import service as valuation
from services.valuation.messaging.outbound import OUTBOUND
from services.valuation.persistence import refit_jobs
from services.valuation.usecases.refit_models import new_job
from services.valuation.usecases.score_customers import score_next
from shared.db.database import Database
from shared.db.migrations import upgrade
from shared.db.work import Work
from shared.events.outbox import OutboxWriter
from shared.kernel.clock import SystemClock
from shared.kernel.context import Actor

ACTOR = Actor("system", "bench")
LEAST_ROWS = 10_000
MOST_GROWTH_MB = 50


async def score_all(url: str) -> None:
    """Two jobs of scoring, one after the other; prints what each took."""
    settings = valuation.Settings(database_url=url, events_database_url=url, jwks="unused")
    rules = valuation.valuation_of(settings, SystemClock())
    database = Database(url, clock=SystemClock(), name="valuation")
    OutboxWriter("valuation", OUTBOUND).attach(database)
    await database.open()
    for kind in ("first", "again"):

        async def ask(work: Work) -> None:
            await refit_jobs.add(work, await new_job(work, rules, "rollback"))

        await database.run(ask, actor=ACTOR)
        started, cpu, done = time.perf_counter(), time.process_time(), 0
        while batch := await database.run(lambda work: score_next(work, rules), actor=ACTOR):
            done += batch
        took, own = time.perf_counter() - started, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{kind} {done} {done / took:.0f} {own / done * 1e6:.1f} {peak:.0f}", flush=True)
    await database.close()


async def measure(sizes: list[int]) -> bool:
    """Whether the slowest run and the growth of memory keep their bars."""
    slowest, peaks = float("inf"), []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder, PostgresServer(Path(folder), durable=False) as postgres:
            url = postgres.url("valuation")
            await upgrade(valuation.HISTORY, url)
            connection = await asyncpg.connect(url)
            await add_customers(connection, size)
            await promote(connection)
            await connection.close()
            worker = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bench.score_customers", "--score", url, stdout=asyncio.subprocess.PIPE
            )
            told, _ = await worker.communicate()
            peak = 0.0
            for line in told.decode().splitlines():
                kind, done, rate, own, size_mb = line.split()
                slowest, peak = min(slowest, float(rate)), float(size_mb)
                print(
                    f"  {int(done):>9,} customers, {kind}: {rate} /s, {own} µs of own CPU each, peak {size_mb} MB"
                )
            peaks.append(peak)
    growth = peaks[-1] - peaks[0]
    print(
        f"slowest {slowest:.0f} customers/s (bar {LEAST_ROWS}); memory grows by {growth:.0f} MB from the smallest"
    )
    return slowest >= LEAST_ROWS and growth <= MOST_GROWTH_MB


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default="100000,1000000")
    parser.add_argument("--score", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.score:
        asyncio.run(score_all(given.score))
        return 0
    print(f"every customer scored ({machine()})")
    return 0 if asyncio.run(measure([int(size) for size in given.sizes.split(",")])) else 1


if __name__ == "__main__":
    sys.exit(main())
