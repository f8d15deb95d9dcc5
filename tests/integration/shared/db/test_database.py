"""Transactions, retries and statements on a real PostgreSQL."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from shared.db.database import Database, DatabaseUnavailableError, TransactionAbortedError
from shared.db.statements import insert, statement, update
from shared.db.work import Transaction, Work
from shared.kernel.aggregates import Aggregate, DomainEvent
from shared.kernel.clock import SystemClock
from shared.kernel.context import Actor
from shared.testing.plugin import MakeDatabase

metadata = sa.MetaData()
rows = sa.Table(
    "rows",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("n", sa.Integer),
    sa.Column("facts", JSONB),
)
ADD = statement(insert(rows))
READ = statement(sa.select(rows.c.n, rows.c.facts).where(rows.c.id == sa.bindparam("id")))
LOCK = statement(sa.select(rows.c.n).where(rows.c.id == sa.bindparam("id")).with_for_update())
SET = statement(update(rows, "n").where(rows.c.id == sa.bindparam("row_id")))
COUNT = statement(sa.select(sa.func.count()).select_from(rows))
ACTOR = Actor("agent", "a-1")


@dataclass(frozen=True, kw_only=True)
class Counted(DomainEvent):
    n: int


@pytest_asyncio.fixture
async def database(make_database: MakeDatabase) -> AsyncIterator[Database]:
    url = await make_database(None)
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE rows (id integer PRIMARY KEY, n integer, facts jsonb)")
    await connection.close()
    database = Database(url, clock=SystemClock(), name="test", max_size=4)
    await database.open()
    yield database
    await database.close()


async def test_json_goes_in_and_comes_out_as_it_was(database: Database) -> None:
    facts = {"a": [1, None, "工单"]}
    await database.run(lambda work: work.execute(ADD, id=1, n=0, facts=facts), actor=ACTOR)
    async with database.session() as session:
        row = await session.fetch_one(READ, id=1)
    assert row is not None
    assert row["facts"] == facts


async def test_a_command_that_raises_leaves_nothing(database: Database) -> None:
    async def half(work: Work) -> None:
        await work.execute(ADD, id=1, n=0, facts=None)
        raise LookupError("half way")

    with pytest.raises(LookupError):
        await database.run(half, actor=ACTOR)
    async with database.session() as session:
        assert await session.fetch_value(COUNT) == 0


async def test_events_reach_the_outbox_hook_before_commit_and_listeners_after(database: Database) -> None:
    seen: list[str] = []

    async def hook(transaction: Transaction) -> None:
        seen.append(f"hook {[recorded.event.sequence for recorded in transaction.recorded]}")

    database.before_commit = hook
    database.on_commit.append(lambda: seen.append("committed"))
    counter = Aggregate(id=uuid4())

    async def twice(work: Work) -> None:
        counter.happened(Counted, work.now, n=1)
        counter.happened(Counted, work.now - timedelta(hours=1), n=2)
        first, second = counter.take_events()
        assert second.occurred_at == first.occurred_at, "an aggregate's time never runs backwards"
        work.record(first, second)

    await database.run(twice, actor=ACTOR)
    await database.run(lambda work: work.execute(ADD, id=1, n=0, facts=None), actor=ACTOR)
    assert seen == ["hook [1, 2]", "committed"], "a transaction without events bothers nobody"


async def test_a_block_that_swallows_a_failed_statement_is_not_taken_for_committed(
    database: Database,
) -> None:
    async def careless(work: Work) -> None:
        await work.execute(ADD, id=1, n=0, facts=None)
        with contextlib.suppress(asyncpg.UniqueViolationError):
            await work.execute(ADD, id=1, n=0, facts=None)

    with pytest.raises(TransactionAbortedError):
        await database.run(careless, actor=ACTOR)
    async with database.session() as session:
        assert await session.fetch_value(COUNT) == 0


async def test_connections_are_given_back_whatever_happens(database: Database) -> None:
    async def fails(work: Work) -> None:
        raise LookupError("again and again")

    async def is_cut_off(work: Work) -> None:
        asyncio.current_task().cancel()  # type: ignore[union-attr]
        await work.fetch_value(COUNT)

    for command, error in ((fails, LookupError), (is_cut_off, asyncio.CancelledError)):
        for _ in range(10):
            with pytest.raises(error):
                await asyncio.create_task(database.run(command, actor=ACTOR))  # type: ignore[arg-type]
    await database.run(lambda work: work.execute(ADD, id=1, n=0, facts=None), actor=ACTOR)


async def test_a_hook_that_fails_rolls_the_effect_back(database: Database) -> None:
    async def hook(transaction: Transaction) -> None:
        raise RuntimeError("no outbox")

    database.before_commit = hook

    async def command(work: Work) -> None:
        await work.execute(ADD, id=1, n=0, facts=None)
        aggregate = Aggregate(id=uuid4())
        work.record(aggregate.happened(Counted, work.now, n=1))

    with pytest.raises(RuntimeError):
        await database.run(command, actor=ACTOR)
    async with database.session() as session:
        assert await session.fetch_value(COUNT) == 0


async def test_the_loser_of_a_deadlock_is_tried_again(database: Database) -> None:
    for row in (1, 2):
        await database.run(lambda work, row=row: work.execute(ADD, id=row, n=0, facts=None), actor=ACTOR)  # type: ignore[misc]
    both_hold_one = asyncio.Barrier(2)
    attempts = 0

    async def cross(work: Work, first: int, second: int, meet: list[bool]) -> None:
        nonlocal attempts
        attempts += 1
        await work.fetch_one(LOCK, id=first)
        if meet.pop():
            await both_hold_one.wait()
        await work.fetch_one(LOCK, id=second)
        await work.execute(SET, n=first, row_id=second)

    def run(first: int, second: int) -> Any:
        meet = [False, False, True]
        return database.run(lambda work: cross(work, first, second, meet), actor=ACTOR)

    await asyncio.gather(run(1, 2), run(2, 1))
    assert attempts == 3, "one of the two was chosen as victim and done again"


async def test_a_statement_cached_before_alter_type_is_prepared_again(database: Database) -> None:
    await database.run(lambda work: work.execute(ADD, id=1, n=7, facts=None), actor=ACTOR)
    await database.run(lambda work: work.fetch_one(READ, id=1), actor=ACTOR)
    other = await asyncpg.connect(database.url)
    await other.execute("ALTER TABLE rows ALTER COLUMN n TYPE bigint")
    await other.close()
    row = await database.run(lambda work: work.fetch_one(READ, id=1), actor=ACTOR)
    assert row is not None
    assert row["n"] == 7


async def test_the_clock_follows_the_database(database: Database) -> None:
    offset = await database.measure_clock()
    assert abs(offset) < timedelta(seconds=5)
    assert isinstance(database.clock, SystemClock)
    assert database.clock.offset == offset


async def test_a_closed_database_says_so(database: Database) -> None:
    await database.close()
    with pytest.raises(DatabaseUnavailableError):
        async with database.session():
            pass
