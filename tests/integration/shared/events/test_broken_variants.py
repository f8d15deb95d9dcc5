"""Deliberately broken variants: the checks that the other tests rely on catch each of them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import pytest

from shared.db.database import Database
from shared.db.statements import Statement
from shared.db.work import Session, Transaction
from shared.events.consumer import Consumer
from shared.events.delivery import Applied, Delivery
from shared.events.intake import Arrival
from shared.events.relay import AS_TEXT, Relay, outgoing
from shared.events.transport import GroupReader, PartitionBatch, PartitionState, TopicPartition
from shared.events.transport.postgres import PostgresTransport
from shared.testing import workshop as w

_AFTER = Statement(f"SELECT id, {AS_TEXT} FROM outbox WHERE id > $1 ORDER BY id", ("cursor",), {})


class CursorRelay:
    """Broken: remembers the last id instead of emptying a queue."""

    def __init__(self, database: Database, transport: PostgresTransport) -> None:
        self._database = database
        self._transport = transport
        self._cursor = 0

    async def run_once(self) -> int:
        async with self._database.session() as session:
            rows = await session.fetch_all(_AFTER, cursor=self._cursor)
        await self._transport.publish([outgoing(w.WORKSHOP, row) for row in rows])
        self._cursor = max([self._cursor, *(row["id"] for row in rows)])
        return len(rows)


@pytest.mark.parametrize("broken", [True, False])
async def test_a_cursor_over_ids_loses_what_commits_late(
    workshop: Database,
    office: Database,
    postgres_transport: PostgresTransport,
    consumer: Consumer,
    broken: bool,
) -> None:
    relay: Any = (CursorRelay if broken else _queue)(workshop, postgres_transport)
    slow, quick = uuid4(), uuid4()
    async with workshop.transaction() as late:
        await w.step(late.work(w.SOMEBODY), slow, 1)
        # The slow command has its id and commits after the quick one was published.
        await workshop.before_commit(late)
        late.recorded.clear()
        await w.happen(workshop, quick, 2)
        await relay.run_once()
    for _ in range(3):
        if not broken:
            relay.wake.set()
        await relay.run_once()
    await w.drain(consumer)
    await consumer.close()
    wrong = w.faults_of(await w.notes(office), {slow: 1, quick: 1})
    assert wrong == ([f"lost: {slow}"] if broken else [])
    if not broken:
        await relay.close()


def _queue(database: Database, transport: PostgresTransport) -> Relay:
    return Relay(w.WORKSHOP, database, transport)


@pytest.mark.parametrize("cache", [1, 32])
async def test_hoarded_identities_break_the_order_of_a_key(
    workshop: Database, office: Database, relay: Relay, consumer: Consumer, cache: int
) -> None:
    other = await w.open_database(workshop.url, "other", max_size=1)
    one = await w.open_database(workshop.url, "one", max_size=1)
    async with workshop.session() as session:
        await session.connection.execute(f"ALTER TABLE outbox ALTER COLUMN id SET CACHE {cache}")
    thing = uuid4()
    for database in (one, other, one, other):
        await w.happen(database, thing)
    await w.drain(relay, consumer)
    wrong = w.faults_of(await w.notes(office), {thing: 4})
    assert wrong == ([f"out of order: {thing}"] if cache > 1 else [])
    for closing in (relay, consumer, one, other):
        await closing.close()


class HastyConsumer(Consumer):
    """Broken: commits positions before the database has committed."""

    async def _take_all(
        self,
        reader: GroupReader,
        batches: Sequence[PartitionBatch],
        states: Mapping[TopicPartition, PartitionState],
    ) -> None:
        await reader.commit({batch.partition: batch.records[-1].position + 1 for batch in batches})
        await super()._take_all(reader, batches, states)


class MachineLostError(BaseException):
    """Nothing runs any more from here on."""


@pytest.mark.parametrize("kind", [HastyConsumer, Consumer])
async def test_positions_committed_before_the_effect_lose_it_in_a_crash(
    workshop: Database,
    office: Database,
    relay: Relay,
    postgres_transport: PostgresTransport,
    kind: type[Consumer],
) -> None:
    thing = uuid4()
    await w.happen(workshop, thing)
    await w.drain(relay)
    doomed = kind(w.OFFICE, office, postgres_transport, w.subscriptions())

    async def crash(transaction: Transaction, arrivals: Sequence[Arrival]) -> Applied:
        raise MachineLostError

    doomed._delivery.apply = crash  # type: ignore[method-assign]
    with pytest.raises(MachineLostError):
        await doomed.run_once()
    await doomed.close()
    await w.happen(workshop, thing)
    heir = Consumer(w.OFFICE, office, postgres_transport, w.subscriptions())
    await w.drain(relay, heir)
    wrong = w.faults_of(await w.notes(office), {thing: 2})
    assert wrong == ([f"lost: {thing}"] if kind is HastyConsumer else [])
    for closing in (relay, heir):
        await closing.close()


class ForgetfulDelivery(Delivery):
    """Broken: no inbox."""

    async def apply(self, transaction: Transaction, arrivals: Sequence[Arrival]) -> Applied:
        await self.handle(transaction, arrivals)
        return Applied(handled=list(arrivals))


@pytest.mark.parametrize("broken", [True, False])
async def test_without_an_inbox_a_redelivered_event_takes_effect_twice(
    workshop: Database,
    office: Database,
    relay: Relay,
    postgres_transport: PostgresTransport,
    broken: bool,
) -> None:
    thing = uuid4()
    for number in range(3):
        await w.happen(workshop, thing, number)
    await w.drain(relay)
    for _ in range(2):
        consumer = Consumer(w.OFFICE, office, postgres_transport, w.subscriptions())
        if broken:
            delivery = consumer._delivery
            consumer._delivery = ForgetfulDelivery(delivery.group, delivery.database, delivery.intake)
        await w.drain(consumer)
        await consumer.close()
        await lose_positions(postgres_transport)
    wrong = w.faults_of(await w.notes(office), {thing: 3})
    assert (f"doubled: {thing}" in wrong) is broken
    assert (wrong == []) is not broken
    await relay.close()


async def lose_positions(transport: PostgresTransport) -> None:
    """As after a crash between commit and position: everything comes again."""
    async with transport._connection() as connection:
        await Session(connection).execute(Statement("DELETE FROM committed_positions", (), {}))
