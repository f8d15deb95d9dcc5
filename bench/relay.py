"""Relay: outbox → Kafka → acknowledged → moved, in events a second; the bar is 15,000.

The reference of the ratio is the same broker fed by a bare aiokafka producer with the same batches, in the same
run: what the outbox (read, move) and the CloudEvents headers cost.
"""

import asyncio
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import asyncpg
import uvloop
from aiokafka import AIOKafkaProducer

from bench.machine import machine
from careloop.infrastructure.kafka import KafkaServer
from careloop.infrastructure.postgres import PostgresServer
from shared.db.database import Database
from shared.events.relay import Relay
from shared.events.schema import statements
from shared.events.transport.kafka import KafkaTransport
from shared.kernel.clock import SystemClock

EVENTS = 60_000
KEYS = 2_000
ROUNDS = 3
BAR = 15_000
PAYLOAD = (
    '{"ticket_id":"0198f0a2-7c1e-7000-8000-1234567890ab","number":"T-000123","state":"open","filling":"%s"}'
    % ("x" * 200)
)

FILL = """
INSERT INTO outbox (event_id, shard, key, sequence, type, occurred_at, correlation_id, depth, payload)
SELECT uuidv7(), k % 16, ('00000000-0000-7000-8000-' || lpad(to_hex(k), 12, '0'))::uuid, n / $2 + 1,
       'ticketing.ticket_opened.v1', clock_timestamp(), gen_random_uuid(), 0, $3
FROM (SELECT n, n % $2 AS k FROM generate_series(0, $1 - 1) AS n) AS s
"""


async def bare(bootstrap_servers: str) -> float:
    """Events a second of a bare producer: batches of 1,000 by hand, one outstanding batch a partition."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap_servers, acks="all", enable_idempotence=True, max_batch_size=512 * 1024
    )
    await producer.start()
    try:
        partitions = sorted(await producer.partitions_for("ticketing.events"))
        value, key = PAYLOAD.encode(), str(uuid4()).encode()
        started = time.perf_counter()
        for _ in range(EVENTS // 1000):
            sent = []
            for partition in partitions:
                batch = producer.create_batch()
                for _ in range(1000 // len(partitions)):
                    batch.append(timestamp=None, key=key, value=value)
                sent.append(await producer.send_batch(batch, "ticketing.events", partition=partition))
            await asyncio.gather(*sent)
        return EVENTS / (time.perf_counter() - started)
    finally:
        await producer.stop()


async def relayed(database: Database, transport: KafkaTransport) -> float:
    """Events a second through the relay, from a full outbox to an empty one."""
    async with database.session() as session:
        await session.connection.execute(FILL, EVENTS, KEYS, PAYLOAD)
        await session.connection.execute("ANALYZE outbox")
    relay = Relay("ticketing", database, transport)
    try:
        started = time.perf_counter()
        while await relay.run_once():
            pass
        seconds = time.perf_counter() - started
    finally:
        await relay.close()
    async with database.session() as session:
        assert await session.connection.fetchval("SELECT count(*) FROM outbox") == 0
    return EVENTS / seconds


async def run(directory: Path) -> None:
    """Start the servers in a throw-away directory, measure, print."""
    async with (
        PostgresServer(directory, databases=("ticketing",)) as postgres,
        KafkaServer(directory) as kafka,
    ):
        connection = await asyncpg.connect(postgres.url("ticketing"))
        for sql in statements():
            await connection.execute(sql)
        await connection.close()
        database = Database(postgres.url("ticketing"), clock=SystemClock(), name="bench")
        await database.open()
        transport = KafkaTransport(kafka.bootstrap_servers)
        try:
            print(f"relay to Kafka, {EVENTS:,} events of {len(PAYLOAD)} bytes, {KEYS:,} keys; {machine()}")
            rates = []
            for number in range(1, ROUNDS + 1):
                reference = await bare(kafka.bootstrap_servers)
                rate = await relayed(database, transport)
                rates.append(rate)
                ratio = rate / reference
                print(
                    f"round {number}: relay {rate:>7,.0f} /s   bare {reference:>7,.0f} /s   ratio {ratio:.2f}"
                )
            best = max(rates)
            print(f"best {best:,.0f} /s, bar {BAR:,} /s: {'met' if best >= BAR else 'short'}")
        finally:
            await transport.close()
            await database.close()


def main() -> None:
    """Print a line a round and whether the bar is met."""
    with tempfile.TemporaryDirectory(prefix="careloop-bench-", ignore_cleanup_errors=True) as directory:
        uvloop.run(run(Path(directory)))


if __name__ == "__main__":
    main()
