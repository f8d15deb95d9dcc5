"""Two tiny services for tests of the event plumbing: a workshop where things happen, an office that notes them.

The workshop counts each thing's events under its row lock, as every service does; the office writes one row an
event, without a unique constraint, so that anything lost, doubled or out of order can be read off the rows.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from shared.contracts.base import Contract
from shared.db.database import Database
from shared.db.statements import Statement
from shared.db.work import Work
from shared.events.consumer import Subscription
from shared.events.envelope import Envelope
from shared.events.outbox import OutboxWriter
from shared.events.schema import statements
from shared.kernel.aggregates import DomainEvent
from shared.kernel.clock import Clock, SystemClock
from shared.kernel.context import Actor
from shared.kernel.errors import ConflictError
from shared.operations.loops import Loop, run_loop
from shared.testing.waiting import eventually

WORKSHOP = "workshop"
OFFICE = "office"
TOPIC = "workshop.events"
SOMEBODY = Actor("system", "test")

TABLES = (
    "CREATE TABLE things (id uuid PRIMARY KEY, sequence bigint NOT NULL)",
    "CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event_id uuid NOT NULL, "
    "thing_id uuid NOT NULL, sequence bigint NOT NULL, number integer NOT NULL)",
)
_STEP = Statement(
    "INSERT INTO things AS t (id, sequence) VALUES ($1, 1) "
    "ON CONFLICT (id) DO UPDATE SET sequence = t.sequence + 1 RETURNING sequence",
    ("id",),
    {},
)
_NOTE = Statement(
    "INSERT INTO notes (event_id, thing_id, sequence, number) VALUES ($1, $2, $3, $4)",
    ("event_id", "thing_id", "sequence", "number"),
    {},
)


class ThingHappenedV1(Contract):
    """Something happened in the workshop; `fault` tells the office to fail."""

    TYPE = "workshop.thing_happened.v1"

    thing_id: UUID
    number: int
    fault: str | None = None
    filling: str = ""


@dataclass(frozen=True, kw_only=True)
class ThingHappened(DomainEvent):
    number: int
    fault: str | None = None
    filling: str = ""


@dataclass(frozen=True, kw_only=True)
class ThingPondered(DomainEvent):
    """Stays inside the workshop."""


class NoteRefusedError(ConflictError):
    """The office does not take this note."""


def published(event: ThingHappened) -> ThingHappenedV1:
    return ThingHappenedV1(
        thing_id=event.aggregate_id, number=event.number, fault=event.fault, filling=event.filling
    )


def writer() -> OutboxWriter:
    return OutboxWriter(WORKSHOP, {ThingHappened: published, ThingPondered: lambda event: None})


async def make_tables(url: str) -> None:
    """Plumbing and tables of workshop and office, in one empty database."""
    connection = await asyncpg.connect(url)
    try:
        for sql in (*statements(), *TABLES):
            await connection.execute(sql)
    finally:
        await connection.close()


async def open_database(url: str, name: str, *, clock: Clock | None = None, max_size: int = 4) -> Database:
    """A database whose outbox writer is the workshop's."""
    database = Database(url, clock=clock or SystemClock(), name=name, max_size=max_size)
    writer().attach(database)
    await database.open()
    return database


async def step(
    work: Work, thing_id: UUID, number: int, *, fault: str | None = None, filling: str = ""
) -> int:
    """One command of the workshop: locks the thing, counts, records the event; returns its sequence."""
    sequence: int = await work.fetch_value(_STEP, id=thing_id)
    work.record(
        ThingHappened(
            aggregate_id=thing_id,
            sequence=sequence,
            occurred_at=work.now,
            number=number,
            fault=fault,
            filling=filling,
        )
    )
    return sequence


async def happen(
    database: Database, thing_id: UUID, number: int = 0, *, fault: str | None = None, filling: str = ""
) -> int:
    """The same in a transaction of its own."""
    return await database.run(
        lambda work: step(work, thing_id, number, fault=fault, filling=filling), actor=SOMEBODY
    )


async def note(work: Work, envelope: Envelope, payload: ThingHappenedV1) -> None:
    """The office's handler: one row an event; fails as the event says."""
    await work.execute(
        _NOTE,
        event_id=envelope.id,
        thing_id=payload.thing_id,
        sequence=envelope.sequence,
        number=payload.number,
    )
    if payload.fault is not None and payload.fault not in MENDED:
        raise NoteRefusedError(f"fault {payload.fault}")


# Faults that somebody has repaired since.
MENDED: set[str] = set()


def subscriptions() -> list[Subscription]:
    return [Subscription(ThingHappenedV1, note)]


async def notes(database: Database) -> list[Any]:
    """All notes in the order in which they were written."""
    async with database.session() as session:
        return await session.fetch_all(
            Statement("SELECT event_id, thing_id, sequence, number FROM notes ORDER BY id", (), {})
        )


def faults_of(rows: Iterable[Any], expected: dict[UUID, int]) -> list[str]:
    """What is wrong with these notes: doubled, out of order, or lost, given how often each thing happened.

    Things that are not expected belong to other tests on the same broker and are left out. An empty list is
    the proof that each event took effect once and each key kept its order.
    """
    wrong = []
    seen: dict[UUID, list[int]] = {thing: [] for thing in expected}
    for row in rows:
        if row["thing_id"] in seen:
            seen[row["thing_id"]].append(row["sequence"])
    for thing, sequences in seen.items():
        if len(set(sequences)) < len(sequences):
            wrong.append(f"doubled: {thing}")
        if sequences != sorted(sequences):
            wrong.append(f"out of order: {thing}")
        if set(sequences) != set(range(1, expected.get(thing, 0) + 1)):
            wrong.append(f"lost: {thing}")
    return wrong


@asynccontextmanager
async def running(*loops: Loop) -> AsyncIterator[None]:
    """These loops run as a worker runs them, until the block ends."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(run_loop(loop, stop)) for loop in loops]
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(60):
            await asyncio.gather(*tasks)


async def until_noted(
    database: Database, expected: dict[UUID, int], *, timeout_seconds: float = 90.0
) -> list[Any]:
    """All notes, once there are as many of these things as expected."""
    wanted = sum(expected.values())

    async def look() -> list[Any] | None:
        found = await notes(database)
        return found if sum(row["thing_id"] in expected for row in found) >= wanted else None

    return await eventually(look, timeout_seconds=timeout_seconds)


async def drain(*loops: Loop, rounds: int = 200) -> None:
    """Run these loops in turn until none has work; raises what they raise."""
    for _ in range(rounds):
        for loop in loops:
            loop.wake.set()
        if sum([await loop.run_once() for loop in loops]) == 0:
            return
    raise TimeoutError(f"still working after {rounds} rounds")
