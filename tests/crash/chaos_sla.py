"""Chaos: workers of sla are killed again and again; each threshold must have taken effect exactly once.

`make chaos-sla` kills 100 times (`ARGS="--kills 20 --seed 7"`), at random moments and at every failpoint on a timer's
way; tests run a short form. What took effect is told by a journal outside the system (`chaos_sla_journal.py`), what had
to by the tickets that were fed (`chaos_sla_subjects.py`).
"""

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import asyncpg

from careloop.infrastructure.postgres import PostgresServer
from services.sla.messaging.outbound import OUTBOUND
from services.sla.persistence.tables import HISTORY
from services.sla.workers import digests, timers
from shared.db.database import Database
from shared.db.migrations import upgrade
from shared.events import outbox, relay
from shared.events.outbox import OutboxWriter
from shared.events.transport.base import TopicPartition
from shared.events.transport.postgres import PostgresTransport
from shared.kernel import failpoints
from shared.kernel.clock import SystemClock
from shared.kernel.signals import Signal
from tests.crash.chaos_sla_journal import Effect, Journal, faults
from tests.crash.chaos_sla_subjects import Feeder

WORKER = Path(__file__).with_name("chaos_sla_worker.py")
ROOT = WORKER.parents[2]
READY = b"ready\n"
RANDOM = "random"
OWNERS = ("timers.", "digests.", "relay.", "outbox.")
BATCH = 7
NTH = 4
WINDOW_SECONDS = 2
LONGEST_LIFE_SECONDS = 1.5
PATIENCE_SECONDS = 60.0
FEED_SECONDS = 0.25
FED_AT_ONCE = 6
MOST_WAITING = 400
LOOK_SECONDS = 0.05
MOST_SHOWN = 20
CAUGHT_UP = (
    "INSERT INTO consumer_progress (consumer_group, topic, partition, consumed_through_at, caught_up, checked_at, "
    "trusted_until) VALUES ('sla', 'ticketing.events', 0, now(), true, now(), NULL)"
)
LEFT = (
    "SELECT (SELECT count(*) FROM timers WHERE parked_at IS NULL AND due_at <= now()) "
    "+ (SELECT count(*) FROM digest_lines WHERE told_at IS NULL) + (SELECT count(*) FROM outbox)"
)
FIRINGS = "SELECT clock_id, kind, level, threshold_at FROM firings"
TOPIC = "sla.events"


class ChaosError(Exception):
    """The harness itself could not go on: a worker that does not start, or does not die where it should."""


def places() -> list[str]:
    """Every failpoint on the way from a due timer to a published event."""
    known = {timers.AFTER_COMMIT, digests.AFTER_COMMIT, outbox.BEFORE_COMMIT, relay.AFTER_READ}
    assert known <= failpoints.declared().keys()
    return sorted(name for name in failpoints.declared() if name.startswith(OWNERS))


def plan_of(kills: int, dice: random.Random) -> list[str]:
    """Half at random moments, half at the failpoints in turn: `random` or `name:nth`."""
    named = places()
    first = dice.randrange(len(named))
    return [
        f"{named[(first + place // 2) % len(named)]}:{dice.randint(1, NTH)}" if place % 2 else RANDOM
        for place in range(kills)
    ]


@dataclass
class Chaos:
    """One run on one database (sla's own, which also holds the event log).

    workers  so many at once, each killed in turn
    settings  of the workers, beside those that every run has
    variant  a worker broken on purpose, or ""
    """

    url: str
    directory: Path
    seed: int
    workers: int = 2
    variant: str = ""
    batch: int = BATCH
    talks: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    killed: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self._begun = time.monotonic()
        self._log_fd = 0

    async def run(self, plan: Sequence[str], limit_seconds: float) -> list[str]:
        """Kill as planned or until the time is over, let a last worker finish, and tell what is wrong."""
        async with self._surroundings() as (database, transport, journal):
            feeder = Feeder(database, self.dice)
            await feeder.promise()
            await feeder.feed(FED_AT_ONCE)
            fed, ended = asyncio.Event(), asyncio.Event()
            listening = asyncio.create_task(self._listen(transport, journal, ended))
            feeding = asyncio.create_task(self._feed(database, feeder, fed))
            waiting = deque(plan)
            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(min(self.workers, len(plan))):
                        group.create_task(self._kill_in_turn(waiting, len(plan), limit_seconds))
                # Not cut off: what was opened must be expected as well.
                fed.set()
                await feeding
                await self._finish(database, feeder)
            finally:
                fed.set()
                ended.set()
                await asyncio.gather(feeding, listening)
            seen, gaps = journal.effects(), journal.gaps()
            async with database.session() as session:
                rows = await session.connection.fetch(FIRINGS)
            journalled = Counter(Effect(*row) for row in rows)
            self._tell(f"{feeder.subjects} tickets, {seen.total()} thresholds took effect")
            return faults(seen, feeder.expected, journalled, gaps)

    @contextlib.asynccontextmanager
    async def _surroundings(self) -> AsyncIterator[tuple[Database, PostgresTransport, Journal]]:
        database = Database(self.url, clock=SystemClock(), name="chaos")
        OutboxWriter("sla", OUTBOUND).attach(database)
        transport = PostgresTransport(self.url)
        journal = Journal(self.directory / f"journal-{self.seed}.sqlite")
        await database.open()
        try:
            await transport.migrate()
            async with database.session() as session:
                await session.connection.execute(CAUGHT_UP)
            yield database, transport, journal
        finally:
            os.close(self._log())
            journal.close()
            await transport.close()
            await database.close()

    async def _listen(self, transport: PostgresTransport, journal: Journal, ended: asyncio.Event) -> None:
        """Note what is published, commit the position after that."""
        reader = await transport.subscribe("chaos", [TOPIC], Signal())
        while True:
            last_look = ended.is_set()
            batches = await reader.poll(500, 0.0)
            for batch in batches:
                journal.note(batch.records)
                position = batch.records[-1].position + 1
                await reader.commit({TopicPartition(TOPIC, batch.partition.partition): position})
            if last_look and not batches:
                break
            if not batches:
                await asyncio.sleep(LOOK_SECONDS)
        await reader.close()

    async def _feed(self, database: Database, feeder: Feeder, fed: asyncio.Event) -> None:
        """Go on opening tickets, as long as workers keep up."""
        while not fed.is_set():
            async with database.session() as session:
                left = await session.connection.fetchval(LEFT)
            if left < MOST_WAITING:
                await feeder.feed(FED_AT_ONCE)
            await asyncio.sleep(FEED_SECONDS)

    async def _kill_in_turn(self, waiting: deque[str], total: int, limit_seconds: float) -> None:
        while waiting and time.monotonic() - self._begun < limit_seconds:
            how = waiting.popleft()
            async with self._worker("" if how == RANDOM else how) as process:
                if how == RANDOM:
                    await asyncio.sleep(self.dice.random() * LONGEST_LIFE_SECONDS)
                    process.kill()
                async with asyncio.timeout(PATIENCE_SECONDS):
                    code = await process.wait()
            if code != -signal.SIGKILL:
                raise ChaosError(f"a worker to be killed at {how} ended with {code}")
            self.killed[how.partition(":")[0]] += 1
            self._tell(f"{self.killed.total():3d} of {total} killed: {how}")

    async def _finish(self, database: Database, feeder: Feeder) -> None:
        """Workers that nobody kills, until nothing is left."""
        until = time.monotonic() + PATIENCE_SECONDS
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(self.workers):
                await stack.enter_async_context(self._worker(""))
            while time.monotonic() < until:
                async with database.session() as session:
                    left = await session.connection.fetchval(LEFT)
                if left == 0 and database.clock.now() > feeder.last_at + timedelta(seconds=1):
                    return
                await asyncio.sleep(LOOK_SECONDS)

    @contextlib.asynccontextmanager
    async def _worker(self, failpoint: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """A worker that is ready, or dead already; it ends with its standard input."""
        environment = {
            **os.environ,
            "CARELOOP_FAILPOINT": failpoint,
            "SLA_DATABASE_URL": self.url,
            "SLA_EVENTS_DATABASE_URL": self.url,
            "SLA_JWKS": "/nowhere/jwks.json",
            "SLA_TIMER_BATCH": str(self.batch),
            "SLA_TIMER_SWEEP_SECONDS": "1",
            "SLA_TIMER_MARK_SECONDS": "0.5",
            "SLA_ESCALATION_WINDOW_SECONDS": str(WINDOW_SECONDS),
            "SLA_DIGEST_SETTLE_SECONDS": "0.3",
            "SLA_ESCALATIONS_PER_TARGET": "1000000",
            "SLA_ESCALATIONS_PER_SUBJECT": "1000000",
            "PYTHONPATH": str(ROOT),
            **self.settings,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(WORKER),
            self.variant,
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._log(),
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while await process.stdout.readline() not in (READY, b""):
                    continue  # its log comes this way too
            draining = asyncio.create_task(process.stdout.read())
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
        await draining

    def _log(self) -> int:
        """What workers say before they die, all of them in one file."""
        if not self._log_fd:
            self._log_fd = os.open(
                self.directory / "workers.log", os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600
            )
        return self._log_fd

    def _tell(self, words: str) -> None:
        if self.talks:
            sys.stdout.write(f"{time.monotonic() - self._begun:6.1f} s  {words}\n")
            sys.stdout.flush()


async def _main(kills: int, seed: int, workers: int, limit_seconds: float) -> int:
    with (
        tempfile.TemporaryDirectory(prefix="careloop-chaos-", ignore_cleanup_errors=True) as directory,
        PostgresServer(directory, databases=("sla",), durable=False) as postgres,
    ):
        url = postgres.url("sla")
        await upgrade(HISTORY, url)
        chaos = Chaos(url, Path(directory), seed, workers=workers, talks=True)
        wrong = await chaos.run(plan_of(kills, chaos.dice), limit_seconds)
        connection = await asyncpg.connect(url)
        parked = await connection.fetch("SELECT error FROM timers WHERE parked_at IS NOT NULL")
        await connection.close()
    for line in [*wrong[:MOST_SHOWN], *(f"parked: {row['error']}" for row in parked[:MOST_SHOWN])]:
        sys.stdout.write(f"{line}\n")
    for place, count in sorted(chaos.killed.items()):
        sys.stdout.write(f"  {count:3d} × {place}\n")
    killed = chaos.killed.total()
    verdict = "every threshold exactly once" if not wrong else f"{len(wrong)} faults"
    sys.stdout.write(f"{killed} of {kills} kills, {len(parked)} timers parked, seed {seed}: {verdict}\n")
    return 0 if not wrong and not parked and killed == kills else 1


def main() -> int:
    """Exit status 0: killed as often as wanted, and nothing is wrong."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--kills", type=int, default=100)
    arguments.add_argument("--seed", type=int, default=None, help="repeats the same plan")
    arguments.add_argument("--workers", type=int, default=2, help="at once")
    arguments.add_argument("--limit-seconds", type=float, default=1_800.0, help="no kill is begun after that")
    given = arguments.parse_args()
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    sys.stdout.write(f"{given.kills} kills, {given.workers} workers at once, seed {seed}\n")
    return asyncio.run(_main(given.kills, seed, given.workers, given.limit_seconds))


if __name__ == "__main__":
    sys.exit(main())
