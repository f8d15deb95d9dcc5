"""One stage of workshop and office as a process of its own, so that it can be killed for good.

    python -m shared.testing.workshop_process '{"stage": "relay", …}'

stage      `write`, `relay`, `consume` or `replay`; each ends by itself when nothing is left to do
workshop   URL of the workshop's database, `office` of the office's, `log` of the PostgreSQL transport
kafka      bootstrap servers; used instead of `log` when given
group      the office's consumer group
things     ids that happen in turn, `count` times in all; the first one's third event has the fault `fault`
mended     whether that fault is repaired by now
"""

import asyncio
import json
import sys
from typing import Any
from uuid import UUID

from shared.db.database import Database
from shared.events.consumer import Consumer
from shared.events.relay import Relay
from shared.events.transport import Transport
from shared.events.transport.kafka import KafkaTransport
from shared.events.transport.postgres import PostgresTransport
from shared.testing import workshop as w

SMALL_BATCH = 4
IDLE_ROUNDS = 5
PAUSE_SECONDS = 0.05


def transport_of(spec: dict[str, Any]) -> Transport:
    """The transport that the specification names."""
    return KafkaTransport(spec["kafka"]) if spec.get("kafka") else PostgresTransport(spec["log"])


async def write(database: Database, spec: dict[str, Any]) -> None:
    """Let things happen, one command after another."""
    things = [UUID(thing) for thing in spec["things"]]
    for number in range(spec["count"]):
        thing = things[number % len(things)]
        faulty = number == 2 * len(things)
        await w.happen(database, thing, number, fault=spec["fault"] if faulty else None)


async def relay(database: Database, transport: Transport) -> None:
    """Publish until the outbox is empty."""
    worker = Relay(w.WORKSHOP, database, transport, batch=SMALL_BATCH)
    await until_idle(worker)
    await worker.close()


def consumer_of(database: Database, transport: Transport, spec: dict[str, Any]) -> Consumer:
    return Consumer(spec["group"], database, transport, w.subscriptions(), batch=SMALL_BATCH)


async def consume(consumer: Consumer) -> None:
    """Consume until nothing is left."""
    await until_idle(consumer)
    await consumer.close()


async def replay(database: Database, consumer: Consumer) -> None:
    """Replay what is open, and go on with what an earlier replay left behind."""
    async with database.session() as session:
        letters = await consumer.dead_letters.page(session)
    for letter in letters:
        await consumer.dead_letters.replay(letter.id, w.SOMEBODY)
    await consumer.dead_letters.release_abandoned()


async def until_idle(loop: Relay | Consumer) -> None:
    """Run until several looks in a row found nothing: what a killed process owned is free a moment later."""
    idle = 0
    while idle < IDLE_ROUNDS:
        loop.wake.set()
        if await loop.run_once():
            idle = 0
        else:
            idle += 1
            await asyncio.sleep(PAUSE_SECONDS)


async def run(spec: dict[str, Any]) -> None:
    """Do the stage."""
    if spec["mended"]:
        w.MENDED.add(spec["fault"])
    transport = transport_of(spec)
    workshop = await w.open_database(spec["workshop"], w.WORKSHOP)
    office = await w.open_database(spec["office"], w.OFFICE)
    try:
        match spec["stage"]:
            case "write":
                await write(workshop, spec)
            case "relay":
                await relay(workshop, transport)
            case "consume":
                await consume(consumer_of(office, transport, spec))
            case "replay":
                await replay(office, consumer_of(office, transport, spec))
            case unknown:
                raise ValueError(f"there is no stage {unknown}")
    finally:
        await transport.close()
        await workshop.close()
        await office.close()


if __name__ == "__main__":
    asyncio.run(run(json.loads(sys.argv[1])))
