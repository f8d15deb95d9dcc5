"""The single measurements of the timer bench, each on databases that are ready."""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from bench import timers_world as world
from bench.timers_worker import STARTED
from services.sla.domain.ledger import Entry, EntryKind
from services.sla.domain.metrics import SubjectKind
from services.sla.persistence import subject_store, timer_store
from services.sla.persistence.catalogue_store import Catalogues
from shared.db.database import Database
from shared.db.work import Work
from shared.kernel.context import Actor
from shared.kernel.ids import new_id

ACTOR = Actor("system", "bench")
DUE = 1_000
ROUNDS = 25
POLLS = 200
UNLIMITED = 1e9
BATCH = 500
NO_MORE_SECONDS = 1.5
# Enough to make the promises and analyse the tables.
LEAD = timedelta(seconds=40)

# The least that any queue of timers in tables does: delete what is due, insert what it says.
_BARE = """
WITH due AS (
    SELECT id FROM timers WHERE parked_at IS NULL AND due_at <= now()
        AND due_at >= (SELECT low_water_at FROM timer_marks)
    ORDER BY due_at, id LIMIT $1 FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM timers WHERE id IN (SELECT id FROM due)
    RETURNING clock_id, cycle, subject_id, kind, level, due_at, generation, shard
), next AS (
    INSERT INTO timers (clock_id, cycle, subject_id, kind, level, due_at, generation, shard)
    SELECT clock_id, cycle, subject_id, 'escalation', 1, due_at + interval '1 hour', generation, shard FROM gone
)
INSERT INTO outbox (event_id, shard, key, sequence, type, occurred_at, correlation_id, depth, payload)
SELECT uuidv7(), shard, subject_id, 2, 'sla.clock_breached.v1', now(), gen_random_uuid(), 0,
    json_build_object('clock_id', clock_id, 'subject_id', subject_id, 'subject_kind', 'ticket', 'agreement', 'sla',
        'metric', 'resolution', 'cycle', cycle, 'policy_version_id', clock_id, 'due_at', due_at,
        'breached_at', due_at, 'fired_at', now())::text
FROM gone
"""
# The same rows that firing leaves behind, written by the server alone: nothing is read by anybody, nothing decided.
_SAME_ROWS = """
WITH due AS (
    SELECT id FROM timers WHERE parked_at IS NULL AND due_at <= now()
        AND due_at >= (SELECT low_water_at FROM timer_marks)
    ORDER BY due_at, id LIMIT $1 FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM timers WHERE id IN (SELECT id FROM due)
    RETURNING clock_id, cycle, subject_id, kind, level, due_at, generation, shard
), next AS (
    INSERT INTO timers (clock_id, cycle, subject_id, kind, level, due_at, generation, shard)
    SELECT clock_id, cycle, subject_id, 'escalation', 1, due_at + interval '1 hour', generation, shard FROM gone
), followed AS (
    UPDATE clocks AS c SET state = 'overdue', breached_at = g.due_at, detail = c.detail || jsonb_build_object(
        'published_breaches', jsonb_build_array(g.due_at),
        'fired', jsonb_build_array(jsonb_build_array('breach', 0, 0, 0)),
        'plan', jsonb_build_array(c.detail -> 'plan' -> 1))
    FROM gone AS g WHERE c.id = g.clock_id AND c.cycle = g.cycle
), journal AS (
    INSERT INTO firings (clock_id, cycle, kind, level, repeat, arming, subject_id, threshold_at, fired_at, target,
        is_digest)
    SELECT clock_id, cycle, kind, level, 0, 0, subject_id, due_at, now(), '', false FROM gone
), counted AS (
    UPDATE subjects AS s SET version = s.version + 1, sequence = s.sequence + 1, last_occurred_at = now()
    FROM gone AS g WHERE s.id = g.subject_id
)
INSERT INTO outbox (event_id, shard, key, sequence, type, occurred_at, correlation_id, depth, payload)
SELECT uuidv7(), shard, subject_id, 2, 'sla.clock_breached.v1', now(), gen_random_uuid(), 0,
    json_build_object('clock_id', clock_id, 'subject_id', subject_id, 'subject_kind', 'ticket', 'agreement', 'sla',
        'metric', 'resolution', 'cycle', cycle, 'policy_version_id', clock_id, 'due_at', due_at,
        'breached_at', due_at, 'fired_at', now())::text
FROM gone
"""
_LATENESS = """
SELECT percentile_cont(ARRAY[0.5, 0.99, 1.0]) WITHIN GROUP (
    ORDER BY extract(epoch FROM pg_xact_commit_timestamp(xmin) - threshold_at)
) FROM firings
"""
_ONCE = "SELECT count(*) AS events, count(DISTINCT key) AS subjects FROM outbox WHERE type = 'sla.clock_breached.v1'"


async def alternated(rounds: int, *probes: Callable[[], Awaitable[float]]) -> list[float]:
    """The median seconds of each probe, taken in turns so that neighbours hit all of them alike."""
    taken: list[list[float]] = [[] for _ in probes]
    for _ in range(rounds):
        for times, probe in zip(taken, probes, strict=True):
            times.append(await probe())
    return [statistics.median(times) for times in taken]


class RolledBackError(Exception):
    """Nothing of a probe shall stay."""


def claiming(database: Database) -> Callable[[], Awaitable[float]]:
    """Seconds that claiming 1,000 due timers takes."""

    async def probe() -> float:
        seconds = 0.0
        try:
            async with database.transaction() as transaction:
                work = transaction.work(ACTOR)
                begun = time.perf_counter()
                claimed = await timer_store.claim(work, work.now, limit=DUE, sweeps=False)
                seconds = time.perf_counter() - begun
                assert len(claimed) == DUE
                raise RolledBackError
        except RolledBackError:
            return seconds

    return probe


def polling(database: Database) -> Callable[[], Awaitable[float]]:
    """Seconds that a look at the next timer takes."""

    async def probe() -> float:
        async with database.session() as session:
            begun = time.perf_counter()
            await timer_store.next_due_at(session)
            return time.perf_counter() - begun

    return probe


def ticket_events(database: Database, events: int) -> Callable[[], Awaitable[float]]:
    """Seconds an event takes: tickets start, pause and stop their clock, one transaction an event."""
    catalogues = Catalogues()

    async def record(subject_id: UUID, *lines: Entry) -> None:
        async def run(work: Work) -> None:
            subject = (await subject_store.lock_or_add(work, {subject_id: SubjectKind.TICKET}))[subject_id]
            subject.record(lines, await catalogues.at(work, subject.revision), work.now)
            work.record(*subject.take_events())
            await subject_store.save(work, [subject])

        await database.run(run, actor=ACTOR)

    async def probe() -> float:
        begun = time.perf_counter()
        for _ in range(events):
            subject_id, now = new_id(), datetime.now(UTC)
            customer = {"customer_id": str(new_id()), "state": "new"}
            await record(subject_id, _line(EntryKind.OPENED, now, 1, customer))
            await record(subject_id, _line(EntryKind.WAITING, now, 2, {"waiting_on": "customer"}))
            await record(subject_id, _line(EntryKind.RESOLVED, now + timedelta(seconds=1), 3, {}))
        return (time.perf_counter() - begun) / (3 * events)

    return probe


def _line(kind: EntryKind, at: datetime, sequence: int, data: dict[str, str]) -> Entry:
    return Entry(new_id(), kind, at, at, "ticketing", sequence, new_id(), data=data)


class WorkerFailedError(Exception):
    """A worker process of the bench ended badly; what it said is on standard error."""


async def in_processes(count: int, *arguments: object) -> list[dict[str, Any]]:
    """What each of `count` worker processes says it took."""
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bench.timers_worker",
            *map(str, arguments),
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(count)
    ]
    try:
        outputs = await asyncio.gather(*(process.communicate() for process in processes))
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
    lines = [output.decode().splitlines() for output, _ in outputs]
    if not all(said[:1] == [STARTED] and len(said) > 1 for said in lines):
        raise WorkerFailedError
    return [json.loads(line[-1]) for line in lines]


def rate_of(results: list[dict[str, Any]]) -> float:
    """Timers a second over all workers, from the first batch to the last."""
    working = [one for one in results if one["fired"]]
    seconds = max(one["last_at"] for one in working) - min(one["first_at"] for one in working)
    return float(sum(one["fired"] for one in working) / seconds)


async def drained(
    url: str, version: UUID, count: int, *, workers: int, overdue: timedelta, catch_up: float
) -> tuple[float, list[dict[str, Any]]]:
    """The rate at which workers fire `count` breaches that all became due in one second, `overdue` ago."""
    connection = await asyncpg.connect(url)
    try:
        await world.clear_fired(connection)
        due_at = datetime.now(UTC) - overdue
        await world.add_promises(connection, count, due_at, timedelta(seconds=1) / count, version)
        await connection.execute("VACUUM ANALYZE timers, clocks, subjects", timeout=600)
        results = await in_processes(workers, "fire", url, BATCH, catch_up, NO_MORE_SECONDS)
        assert dict(await connection.fetchrow(_ONCE)) == {"events": count, "subjects": count}
        assert await connection.fetchval("SELECT count(*) FROM firings") == count
    finally:
        await connection.close()
    return rate_of(results), results


async def bare(url: str, version: UUID, count: int) -> float:
    """The rate of a bare delete-and-insert of as many timers, in batches of the same size."""
    return await _by_the_server(_BARE, url, version, count)


async def same_rows(url: str, version: UUID, count: int) -> float:
    """The rate at which the server alone writes the rows that firing as many timers leaves behind."""
    return await _by_the_server(_SAME_ROWS, url, version, count)


async def _by_the_server(statement: str, url: str, version: UUID, count: int) -> float:
    connection = await asyncpg.connect(url)
    try:
        await world.clear_fired(connection)
        due_at = datetime.now(UTC) - timedelta(seconds=5)
        await world.add_promises(connection, count, due_at, timedelta(seconds=1) / count, version)
        await connection.execute("VACUUM ANALYZE timers, clocks, subjects", timeout=600)
        done, begun = 0, time.perf_counter()
        while done < count:
            done += int((await connection.execute(statement, BATCH)).rpartition(" ")[2])
        return done / (time.perf_counter() - begun)
    finally:
        await connection.close()


async def lateness(url: str, version: UUID, per_second: int, seconds: int) -> tuple[list[float], int]:
    """Seconds from a threshold's instant to its commit (p50, p99, most), and how many thresholds there were."""
    connection = await asyncpg.connect(url)
    try:
        await world.clear_fired(connection)
        first_at = datetime.now(UTC) + LEAD
        count = per_second * seconds
        await world.add_promises(connection, count, first_at, timedelta(seconds=1) / per_second, version)
        await connection.execute("VACUUM ANALYZE timers, clocks, subjects", timeout=600)
        assert datetime.now(UTC) < first_at, "making the promises took longer than they had"
        left = (first_at - datetime.now(UTC)) / timedelta(seconds=1)
        await in_processes(1, "fire", url, BATCH, UNLIMITED, left + NO_MORE_SECONDS)
        found = await connection.fetchval(_LATENESS)
        return [float(one) for one in found], await connection.fetchval("SELECT count(*) FROM firings")
    finally:
        await connection.close()
