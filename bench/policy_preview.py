"""Preview: a draft policy that concerns every one of 100,000 open clocks; bar 10 s, with the worker's memory flat.

Half the tickets were assigned, a quarter waited for their customer and went on; a tenth waits now.
"""

import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import uvloop

from bench.machine import machine
from bench.timers_world import POLICY, add_promises, make_schema, promise
from careloop.infrastructure.postgres import PostgresServer
from services.sla.domain.preview import Assumption
from services.sla.persistence.catalogue_store import Catalogues
from services.sla.usecases.preview_change import draft_policy, preview_change
from shared.db.database import Database
from shared.kernel.clock import SystemClock

CLOCKS = 100_000
ROUNDS = 3
BAR_SECONDS = 10.0
_LINES = """
INSERT INTO ledger (id, subject_id, kind, occurred_at, recorded_at, source, sequence, event_id, data)
SELECT uuidv7(), l.subject_id, $1, l.occurred_at + $2::interval, l.occurred_at + $2::interval, 'ticketing', $3,
    gen_random_uuid(), $4::jsonb
FROM ledger AS l JOIN subjects AS s ON s.id = l.subject_id
WHERE l.kind = 'opened' AND substr(s.number, 3)::bigint % 20 < $5
"""
# Of twenty tickets so many have such a line, so long after their opening.
HISTORY: tuple[tuple[str, int, int, str, int], ...] = (
    ("assigned", 5, 2, '{"queue": "first"}', 10),
    ("waiting", 10, 3, '{"waiting_on": "customer"}', 7),
    ("resumed", 20, 4, "{}", 5),
)


async def fill(url: str, database: Database) -> None:
    now = SystemClock().now()
    version = await promise(database, now - timedelta(days=30))
    connection = await asyncpg.connect(url)
    try:
        await add_promises(connection, CLOCKS, now - timedelta(hours=1), timedelta(milliseconds=100), version)
        for kind, minutes, sequence, data, of_twenty in HISTORY:
            after = timedelta(minutes=minutes)
            await connection.execute(_LINES, kind, after, sequence, data, of_twenty, timeout=600)
        await connection.execute("VACUUM ANALYZE", timeout=600)
    finally:
        await connection.close()


async def measure(database: Database) -> tuple[float, float, Any]:
    """Seconds for the whole, seconds to the first progress, and the result."""
    async with database.session() as session:
        catalogue = await Catalogues().newest(session)
    (before,) = [version for version in catalogue.policy_versions() if version.name == "all tickets"]
    shorter = {**POLICY, "targets": [{**POLICY["targets"][0], "duration": 2, "notice": 0}]}  # type: ignore[index]
    now = SystemClock().now()
    draft = draft_policy(shorter, before.policy_id, catalogue, now)
    started = time.perf_counter()
    first = 0.0
    result = None
    async for progress in preview_change(draft, Assumption.APPLIED_NOW, now, database.session):
        first = first or time.perf_counter() - started
        result = progress.tally
    return time.perf_counter() - started, first, result


async def run(url: str) -> int:
    await make_schema(url)
    database = Database(url, clock=SystemClock(), name="bench", command_timeout_seconds=600)
    await database.open()
    try:
        await fill(url, database)
        process = psutil.Process()
        best = float("inf")
        print(f"policy preview over {CLOCKS:,} open clocks; {machine()}")
        for _ in range(ROUNDS):
            before = process.memory_info().rss
            seconds, first, tally = await measure(database)
            grown = (process.memory_info().rss - before) / 1024**2
            best = min(best, seconds)
            print(
                f"  {seconds:.2f} s ({tally.clocks / seconds:,.0f} clocks/s), first progress after "
                f"{first:.2f} s, memory {grown:+.0f} MB, {tally.clocks:,} clocks, "
                f"{tally.newly_breached:,} newly breached, load {psutil.getloadavg()[0]:.1f}"
            )
        print(f"  best {best:.2f} s, bar {BAR_SECONDS:.0f} s: {'met' if best <= BAR_SECONDS else 'MISSED'}")
    finally:
        await database.close()
    return 0 if best <= BAR_SECONDS else 1


def main() -> int:
    with tempfile.TemporaryDirectory() as name, PostgresServer(Path(name), databases=("sla",)) as postgres:
        return uvloop.run(run(postgres.url("sla")))


if __name__ == "__main__":
    raise SystemExit(main())
