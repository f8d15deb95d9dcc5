"""Timers at scale: what claims, polls, firing and ticket events cost with millions of timers and clocks around.

Two databases on one throw-away server, a small and a large one, are measured in turns, so that what the machine has to
do besides hits both. Firing is measured beside a bare delete-and-insert on the same database. `--quick` is a small
form of the same; what was run is printed with the figures.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import uvloop

from bench import timers_measures as measures
from bench import timers_world as world
from bench.machine import machine
from careloop.infrastructure.postgres import PostgresServer
from services.sla.messaging.outbound import OUTBOUND
from shared.db.database import Database
from shared.events.outbox import OutboxWriter
from shared.kernel.clock import SystemClock

RATIO_BAR = 1.5
POLL_BAR_MILLISECONDS = 1.0
CLAIM_BAR_MILLISECONDS = 5.0
FIRING_BAR = 5_000
BARE_BAR = 0.5
LATENESS_BAR_MILLISECONDS = 250.0
MEMORY_BAR = 1.2
PER_SECOND = 1_000
CATCH_UP_PER_SECOND = 5_000
TICKETS = 15
TICKET_ROUNDS = 10
SIZES = ("small", "large")
FAR_AHEAD = timedelta(days=1)
SPAN = timedelta(days=30)
FAR_CLOCKS = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Scale:
    """How many of everything; the small database has the first of each pair."""

    waiting: tuple[int, int] = (100_000, 10_000_000)
    clocks: tuple[int, int] = (10_000, 10_000_000)
    fired: int = 30_000
    outage: int = 100_000
    seconds: int = 20
    recalculated: tuple[int, int] = (100_000, 1_000_000)


QUICK = Scale((10_000, 200_000), (1_000, 20_000), 5_000, 10_000, 5, (2_000, 10_000))


@dataclass
class Databases:
    """The small and the large one, open."""

    urls: tuple[str, str]
    open: tuple[Database, Database]
    versions: tuple[UUID, UUID]


def say(claim: str, figures: str, verdict: bool | None = None) -> None:
    """One line, at once."""
    end = "" if verdict is None else "  met" if verdict else "  NOT MET"
    sys.stdout.write(f"{claim:<34} {figures}{end}\n")
    sys.stdout.flush()


async def build(postgres: PostgresServer, scale: Scale) -> Databases:
    """Both databases with their promises and what waits."""
    urls = (postgres.url(SIZES[0]), postgres.url(SIZES[1]))
    databases, versions = [], []
    for size, url, waiting, clocks in zip(SIZES, urls, scale.waiting, scale.clocks, strict=True):
        begun = time.perf_counter()
        await world.make_schema(url)
        database = Database(url, clock=SystemClock(), name="sla")
        OutboxWriter("sla", OUTBOUND).attach(database)
        await database.open()
        version = await world.promise(database, datetime.now(UTC) - timedelta(days=60))
        connection = await asyncpg.connect(url)
        now = datetime.now(UTC)
        await world.add_promises(connection, clocks, now + FAR_CLOCKS, SPAN / clocks, version)
        await world.add_waiting(connection, waiting, now + FAR_AHEAD, SPAN)
        await world.settle(connection)
        await connection.close()
        databases.append(database)
        versions.append(version)
        say(size, f"{waiting + clocks:,} pending timers, {clocks:,} open clocks: {seconds(begun)}")
    return Databases(urls, (databases[0], databases[1]), (versions[0], versions[1]))


def seconds(begun: float) -> str:
    return f"made in {time.perf_counter() - begun:.0f} s"


async def claims_and_polls(both: Databases) -> None:
    """With 1,000 due on each side."""
    for url in both.urls:
        connection = await asyncpg.connect(url)
        await world.clear_fired(connection)
        due_at = datetime.now(UTC) - timedelta(seconds=10)
        await world.add_waiting(connection, measures.DUE, due_at, timedelta(seconds=1))
        await world.settle(connection)
        await connection.close()
    small, large = await measures.alternated(measures.ROUNDS, *map(measures.claiming, both.open))
    ratio = large / small
    figures = f"{small * 1e3:.2f} ms and {large * 1e3:.2f} ms, ratio {ratio:.2f} (bar {RATIO_BAR})"
    say("claim of 1,000 due", figures, ratio <= RATIO_BAR)
    say("  of that at most 5 ms", f"{large * 1e3:.2f} ms", large * 1e3 <= CLAIM_BAR_MILLISECONDS)
    for url in both.urls:
        connection = await asyncpg.connect(url)
        await world.clear_fired(connection)
        await world.settle(connection)
        await connection.close()
    small, large = await measures.alternated(measures.POLLS, *map(measures.polling, both.open))
    ratio = large / small
    figures = f"{small * 1e3:.3f} ms and {large * 1e3:.3f} ms, ratio {ratio:.2f} (bar {RATIO_BAR})"
    say("idle poll", figures, ratio <= RATIO_BAR and large * 1e3 <= POLL_BAR_MILLISECONDS)


async def firing(both: Databases, scale: Scale, rounds: int) -> None:
    """On the large database: bare, the same rows without a decision, and real, in turns."""
    url, version = both.urls[1], both.versions[1]
    rates, references, floors = [], [], []
    for _ in range(rounds):
        references.append(await measures.bare(url, version, scale.fired))
        floors.append(await measures.same_rows(url, version, scale.fired))
        rate, results = await measures.drained(
            url,
            version,
            scale.fired,
            workers=1,
            overdue=timedelta(seconds=1),
            catch_up=measures.UNLIMITED,
        )
        rates.append(rate)
        cpu = sum(one["cpu_seconds"] for one in results) / scale.fired * 1e6
        say(
            "firing, one worker",
            f"{rate:,.0f} /s ({cpu:.0f} µs of its processor), bare {references[-1]:,.0f} /s, "
            f"the same rows by the server alone {floors[-1]:,.0f} /s",
        )
    best = max(range(rounds), key=lambda place: rates[place])
    say("  best round", f"{rates[best]:,.0f} /s (bar {FIRING_BAR:,})", rates[best] >= FIRING_BAR)
    ratio = max(rates) / max(references)
    say("  against bare, best of each", f"{ratio:.2f} (bar {BARE_BAR})", ratio >= BARE_BAR)
    say(
        "  against the same rows",
        f"{max(rates) / max(floors):.2f}, which are {max(floors) / max(references):.2f} of bare",
    )


async def sharing(both: Databases, scale: Scale) -> None:
    """1, 2 and 4 workers, and an outage with and without the limit on catching up."""
    url, version = both.urls[1], both.versions[1]
    for workers in (1, 2, 4):
        rate, results = await measures.drained(
            url,
            version,
            scale.fired,
            workers=workers,
            overdue=timedelta(seconds=1),
            catch_up=measures.UNLIMITED,
        )
        shares = ", ".join(f"{one['fired'] / scale.fired:.0%}" for one in results)
        say(f"{workers} workers", f"{rate:,.0f} /s, shares {shares}")
    for limit in (measures.UNLIMITED, CATCH_UP_PER_SECOND):
        rate, _ = await measures.drained(
            url, version, scale.outage, workers=1, overdue=timedelta(minutes=10), catch_up=limit
        )
        name = "no limit" if limit == measures.UNLIMITED else f"limit {limit:,.0f} /s"
        say(f"outage, {scale.outage:,} due at once", f"{rate:,.0f} /s ({name}), each exactly once")


async def late(both: Databases, scale: Scale) -> None:
    found, count = await measures.lateness(both.urls[1], both.versions[1], PER_SECOND, scale.seconds)
    p50, p99, most = (1e3 * one for one in found)
    assert count == PER_SECOND * scale.seconds
    figures = f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, most {most:.0f} ms (instant to commit, {scale.seconds} s)"
    say("lateness at 1,000 due a second", figures, p99 <= LATENESS_BAR_MILLISECONDS)


async def ticket_events(both: Databases) -> None:
    probes = [measures.ticket_events(database, TICKETS) for database in both.open]
    small, large = await measures.alternated(TICKET_ROUNDS, *probes)
    ratio = large / small
    figures = f"{small * 1e3:.2f} ms and {large * 1e3:.2f} ms, ratio {ratio:.2f} (bar {RATIO_BAR})"
    say("ticket event (start, pause, stop)", figures, ratio <= RATIO_BAR)


async def memory(both: Databases, scale: Scale) -> None:
    peaks = []
    for count in scale.recalculated:
        (took,) = await measures.in_processes(1, "refold", both.urls[1], measures.BATCH, count)
        rate = took["recalculated"] / (took["last_at"] - took["first_at"])
        peaks.append(took["peak_megabytes"])
        say(
            f"{took['recalculated']:,} clocks recalculated",
            f"peak {peaks[-1]:.0f} MB, {rate:,.0f} /s, {took['moved']} moved",
        )
    ratio = peaks[-1] / peaks[0]
    say("  memory", f"ratio {ratio:.2f} (bar {MEMORY_BAR})", ratio <= MEMORY_BAR)


async def run(directory: Path, scale: Scale, rounds: int) -> None:
    """Build, measure, print."""
    with PostgresServer(directory, databases=SIZES, durable=False) as postgres:
        connection = await asyncpg.connect(postgres.admin_url)
        await connection.execute("ALTER SYSTEM SET track_commit_timestamp = on")
        await connection.execute("ALTER SYSTEM SET max_wal_size = '8GB'")
        await connection.execute("ALTER SYSTEM SET shared_buffers = '1GB'")
        await connection.close()
        postgres.stop()
        postgres.start()
        say("machine", machine())
        both = await build(postgres, scale)
        try:
            await claims_and_polls(both)
            await ticket_events(both)
            await firing(both, scale, rounds)
            await late(both, scale)
            await sharing(both, scale)
            await memory(both, scale)
        finally:
            for database in both.open:
                await database.close()
        say("machine", machine())


def main() -> None:
    """Every claim with its bar."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--quick", action="store_true", help="a small form, in a minute")
    arguments.add_argument("--waiting", type=int, help="pending timers of the large database")
    arguments.add_argument("--clocks", type=int, help="open clocks of the large database")
    arguments.add_argument("--recalculate", type=int, help="clocks to recalculate for the peak of memory")
    arguments.add_argument("--rounds", type=int, default=3)
    given = arguments.parse_args()
    base = QUICK if given.quick else Scale()
    scale = Scale(
        (base.waiting[0], given.waiting or base.waiting[1]),
        (base.clocks[0], given.clocks or base.clocks[1]),
        base.fired,
        base.outage,
        base.seconds,
        (base.recalculated[0], given.recalculate or base.recalculated[1]),
    )
    with tempfile.TemporaryDirectory(prefix="careloop-bench-", ignore_cleanup_errors=True) as directory:
        uvloop.run(run(Path(directory), scale, given.rounds))


if __name__ == "__main__":
    main()
