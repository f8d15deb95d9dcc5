"""Consumer: Kafka → inbox → a handler with a one-row effect → commit → position, in one process; bar 3,000 events/s.

The reference of the ratio is a bare aiokafka loop that inserts the same row, one transaction a poll, without
inbox, envelope, contract and parking.
"""

import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer

from bench.machine import machine
from careloop.infrastructure.kafka import KafkaServer
from careloop.infrastructure.postgres import PostgresServer
from shared.contracts.ticketing import TicketPrioritisedV1
from shared.db.database import Database
from shared.db.statements import Statement
from shared.db.work import Work
from shared.events.consumer import Consumer, Subscription
from shared.events.envelope import Envelope, to_headers
from shared.events.schema import statements
from shared.events.transport import OutgoingRecord
from shared.events.transport.kafka import KafkaTransport
from shared.kernel.clock import SystemClock
from shared.kernel.ids import new_id

EVENTS = 12_000
KEYS = 500
ROUNDS = 3
BAR = 3_000
TOPIC = "ticketing.events"
EFFECT = "INSERT INTO effects (event_id, ticket_id, priority) VALUES ($1, $2, $3)"
_EFFECT = Statement(EFFECT, ("event_id", "ticket_id", "priority"), {})


async def handle(work: Work, envelope: Envelope, payload: TicketPrioritisedV1) -> None:
    await work.execute(_EFFECT, event_id=envelope.id, ticket_id=payload.ticket_id, priority=payload.priority)


def records() -> list[OutgoingRecord]:
    """One round's events."""
    clock = SystemClock()
    keys = [uuid4() for _ in range(KEYS)]
    return [record(keys[number % KEYS], number // KEYS + 1, clock) for number in range(EVENTS)]


def record(key: UUID, sequence: int, clock: SystemClock) -> OutgoingRecord:
    envelope = Envelope(
        id=new_id(),
        source="ticketing",
        type=TicketPrioritisedV1.TYPE,
        key=key,
        sequence=sequence,
        occurred_at=clock.now(),
        correlation_id=new_id(),
    )
    payload = TicketPrioritisedV1(ticket_id=key, priority="high", previous="low")
    return OutgoingRecord(TOPIC, str(key), to_headers(envelope), payload.model_dump_json().encode())


async def publish(transport: KafkaTransport) -> None:
    waiting = records()
    for start in range(0, EVENTS, 1000):
        await transport.publish(waiting[start : start + 1000])


async def bare(bootstrap_servers: str, database: Database, group: str) -> float:
    """Events a second without any of the guarantees."""
    consumer = AIOKafkaConsumer(
        TOPIC,
        bootstrap_servers=bootstrap_servers,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    count, started = 0, None
    while count < EVENTS:
        data: dict[Any, Any] = await consumer.getmany(timeout_ms=250, max_records=500)
        started = started or time.perf_counter()
        for messages in data.values():
            async with database.transaction() as transaction:
                for _message in messages:
                    await transaction.connection.execute(EFFECT, uuid4(), uuid4(), "high")
            count += len(messages)
        await consumer.commit()
    seconds = time.perf_counter() - (started or 0.0)
    await consumer.stop()
    return EVENTS / seconds


async def consumed(transport: KafkaTransport, database: Database, group: str) -> float:
    """Events a second through the consumer."""
    consumer = Consumer(group, database, transport, [Subscription(TicketPrioritisedV1, handle)])
    count = 0
    while not count:
        # Joining the group is no part of the rate.
        started = time.perf_counter()
        count = await consumer.run_once()
    while count < EVENTS:
        count += await consumer.run_once()
    seconds = time.perf_counter() - started
    await consumer.close()
    return EVENTS / seconds


async def run(directory: Path) -> None:
    """Start the servers in a throw-away directory, measure, print."""
    async with PostgresServer(directory, databases=("sla",)) as postgres, KafkaServer(directory) as kafka:
        connection = await asyncpg.connect(postgres.url("sla"))
        for sql in statements():
            await connection.execute(sql)
        await connection.execute(
            "CREATE TABLE effects (event_id uuid PRIMARY KEY, ticket_id uuid NOT NULL, priority text NOT NULL)"
        )
        await connection.close()
        database = Database(postgres.url("sla"), clock=SystemClock(), name="bench")
        await database.open()
        print(f"consumer from Kafka, {EVENTS:,} events a round, {KEYS:,} keys; {machine()}")
        rates = []
        for number in range(1, ROUNDS + 1):
            transport = KafkaTransport(kafka.bootstrap_servers)
            await transport.create_topics([TOPIC])
            group = f"bench-{number}"
            for name in (group, f"bare-{group}"):
                await skip_to_end(kafka.bootstrap_servers, name)
            await publish(transport)
            rate = await consumed(transport, database, group)
            reference = await bare(kafka.bootstrap_servers, database, f"bare-{group}")
            rates.append(rate)
            ratio = rate / reference
            print(
                f"round {number}: consumer {rate:>7,.0f} /s   bare {reference:>7,.0f} /s   ratio {ratio:.2f}"
            )
            await transport.close()
        await database.close()
        best = max(rates)
        print(f"best {best:,.0f} /s, bar {BAR:,} /s: {'met' if best >= BAR else 'short'}")


async def skip_to_end(bootstrap_servers: str, group: str) -> None:
    """Let a group begin after what earlier rounds published."""
    consumer = AIOKafkaConsumer(
        TOPIC, bootstrap_servers=bootstrap_servers, group_id=group, enable_auto_commit=False
    )
    await consumer.start()
    ends = await consumer.end_offsets(list(consumer.assignment()))
    await consumer.commit(ends)
    await consumer.stop()


def main() -> None:
    """Print a line a round and whether the bar is met."""
    with tempfile.TemporaryDirectory(prefix="careloop-bench-", ignore_cleanup_errors=True) as directory:
        uvloop.run(run(Path(directory)))


if __name__ == "__main__":
    main()
