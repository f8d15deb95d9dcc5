"""The relay publishes in order, forgets only what was acknowledged, and holds back only keys that failed."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.db.database import Database
from shared.events.consumer import Consumer
from shared.events.relay import Relay
from shared.events.shards import Shards
from shared.events.tables import SHARDS
from shared.events.transport import BrokerUnavailableError, Failed, Outcome, OutgoingRecord
from shared.events.transport.postgres import PostgresTransport
from shared.testing import workshop as w


class FaultyNetwork(PostgresTransport):
    """The real transport, on whose way to the broker records of some keys get lost."""

    lost: frozenset[str] = frozenset()

    async def publish(self, records: Sequence[OutgoingRecord]) -> list[Outcome]:
        outcomes = iter(await super().publish([r for r in records if r.key not in self.lost]))
        return [Failed("lost on the way") if r.key in self.lost else next(outcomes) for r in records]


async def rows(database: Database, table: str) -> list[Any]:
    order = "outbox_id" if table == "published_events" else "id"
    async with database.session() as session:
        return await session.connection.fetch(f"SELECT * FROM {table} ORDER BY {order}")


def numbers(found: Sequence[Any]) -> list[int]:
    return [json.loads(row["payload"])["number"] for row in found]


async def test_acknowledged_events_move_to_the_published_ones(workshop: Database, relay: Relay) -> None:
    things = [uuid4() for _ in range(4)]
    for number in range(10):
        await w.happen(workshop, things[number % 4], number)
    before = await rows(workshop, "outbox")
    assert await relay.run_once() == 10
    await relay.close()
    published = await rows(workshop, "published_events")
    assert await rows(workshop, "outbox") == []
    assert numbers(published) == list(range(10))
    assert [row["event_id"] for row in published] == [row["event_id"] for row in before]


async def test_a_backlog_is_published_in_batches(
    workshop: Database, postgres_transport: PostgresTransport
) -> None:
    relay = Relay(w.WORKSHOP, workshop, postgres_transport, batch=3)
    thing = uuid4()
    for number in range(20):
        await w.happen(workshop, thing, number)
    await w.drain(relay)
    await relay.close()
    assert numbers(await rows(workshop, "published_events")) == list(range(20))


async def test_only_the_owner_of_a_shard_publishes_and_another_takes_over(
    workshop: Database, relay: Relay, postgres_transport: PostgresTransport
) -> None:
    second = Relay(w.WORKSHOP, workshop, postgres_transport)
    await w.happen(workshop, uuid4())
    assert await relay.run_once() == 1
    await w.happen(workshop, uuid4())
    assert await second.run_once() == 0
    await relay.close()
    third = Relay(w.WORKSHOP, workshop, postgres_transport)
    assert await third.run_once() == 1
    await third.close()
    await second.close()


async def test_shards_are_shared_between_owners(workshop: Database) -> None:
    first, second = Shards(workshop), Shards(workshop)
    assert sorted(await first.claim()) == list(range(SHARDS))
    assert await second.claim() == []
    await first.release()
    await second.release()
    assert sorted(await second.claim()) == list(range(SHARDS))
    await second.release()


async def test_a_failed_key_holds_back_its_own_later_events_only(
    workshop: Database, postgres_transport: PostgresTransport
) -> None:
    network = FaultyNetwork(postgres_transport.url)
    relay = Relay(w.WORKSHOP, workshop, network, batch=4)
    unlucky, lucky = uuid4(), uuid4()
    network.lost = frozenset({str(unlucky)})
    for number in range(8):
        await w.happen(workshop, unlucky if number % 2 else lucky, number)
    for _ in range(4):
        relay.wake.set()
        await relay.run_once()
    assert numbers(await rows(workshop, "published_events")) == [0, 2, 4, 6]
    assert numbers(await rows(workshop, "outbox")) == [1, 3, 5, 7]
    network.lost = frozenset()
    relay._held_back.clear()
    await w.drain(relay)
    assert numbers(await rows(workshop, "published_events")) == list(range(8))
    await relay.close()
    await network.close()


async def test_a_relay_without_a_broker_says_so_and_keeps_everything(workshop: Database) -> None:
    nowhere = PostgresTransport("postgresql://nobody:x@127.0.0.1:9/nothing")
    relay = Relay(w.WORKSHOP, workshop, nowhere)
    await w.happen(workshop, uuid4(), 1)
    with pytest.raises(BrokerUnavailableError):
        await relay.run_once()
    assert numbers(await rows(workshop, "outbox")) == [1]
    await relay.close()


async def test_a_relay_finds_what_another_process_committed(
    workshop: Database, office: Database, relay: Relay, consumer: Consumer
) -> None:
    elsewhere = await w.open_database(workshop.url, "elsewhere")
    thing = uuid4()
    async with w.running(relay, consumer):
        await w.happen(elsewhere, thing)
        await w.until_noted(office, {thing: 1})
    await elsewhere.close()


async def test_an_idle_relay_leaves_the_database_alone_until_it_is_woken(
    workshop: Database, relay: Relay
) -> None:
    assert await relay.run_once() == 0
    await relay._shards.connection.close()
    assert await relay.run_once() == 0
    assert relay._shards.connection.is_closed()
    await w.happen(workshop, uuid4())
    assert await relay.run_once() == 1
    await relay.close()


async def test_a_lost_connection_gives_the_shards_up_and_nothing_is_lost(
    workshop: Database, relay: Relay
) -> None:
    await relay.run_once()
    thing: UUID = uuid4()
    await w.happen(workshop, thing, 1)
    pid = relay._shards.connection.get_server_pid()
    async with workshop.session() as session:
        await session.connection.execute("SELECT pg_terminate_backend($1, 5000)", pid)
    await w.drain(relay)
    assert numbers(await rows(workshop, "published_events")) == [1]
    await relay.close()
