"""The ledger of value: own time of a state update, events a second from Kafka, rows a second and memory of imports.

Bars: 50 µs of processor time for what one purchase changes, apart from the database; 2,000 reported transactions a
second through the consumer of one process; 20,000 rows a second of an import, in memory that does not grow with it.
The reference of the imports is COPY of the same rows into a bare copy of the table, indexes included, in the same run.

    python -m bench.ledger [--only update|events|imports] [--rows 100000,1000000]
"""

import argparse
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import uvloop

from bench.ledger_imports import measure_import
from bench.ledger_world import Ledger, opened_ledger, reports
from bench.machine import machine
from careloop.infrastructure.kafka import KafkaServer
from services.valuation.domain.days import ReviewCalendar
from services.valuation.domain.ledger import Entry, LedgerRules, Transaction
from services.valuation.domain.standing import Standing
from services.valuation.domain.tiers import Tier, TierRules
from services.valuation.service import build
from shared.events.consumer import Consumer
from shared.events.transport.kafka import KafkaTransport
from shared.kernel.clock import SystemClock
from shared.kernel.ids import new_id

UPDATE_BAR_MICROSECONDS = 50
EVENTS_BAR = 2_000
ROWS_BAR = 20_000
PURCHASES, CUSTOMERS, EVENTS, ROUNDS = 50_000, 2_000, 30_000, 3
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RULES = LedgerRules("USD", ReviewCalendar("Europe/Berlin"), Decimal("0.30"))
TIERS = TierRules(
    version=1,
    tiers=(Tier("standard", 0), Tier("silver", 100_000), Tier("gold", 300_000)),
    window_days=364,
    band=Decimal("0.1"),
    grace_days=56,
    tenure_days=84,
    effective_from=datetime(1970, 1, 1, tzinfo=UTC),
)


def update_microseconds() -> float:
    """Processor time of one purchase: checked, priced, added to its customer's standing, and the tier judged."""
    standings = [Standing.open(uuid4(), None, at=NOW, tiers=TIERS, ledger=RULES) for _ in range(CUSTOMERS)]
    entries = [
        Entry(f"t{n}", "purchase", 100 + n % 5000, "USD", NOW - timedelta(minutes=PURCHASES - n))
        for n in range(PURCHASES)
    ]
    started = time.process_time()
    for place, entry in enumerate(entries):
        standing = standings[place * 7919 % CUSTOMERS]
        RULES.check(entry, NOW)
        margin = RULES.margin_of(entry, {})
        transaction = Transaction(new_id(), standing.id, entry, margin, None, NOW)
        standing.bring_up_to(NOW, TIERS, RULES)
        standing.record(transaction, NOW, RULES)
        standing.judge(NOW, TIERS, RULES)
        standing.take_events()
        standing.take_changes()
    return (time.process_time() - started) / PURCHASES * 1e6


async def events_a_second(ledger: Ledger, kafka: KafkaServer, customers: list[UUID]) -> tuple[float, float]:
    """Reported transactions a second through the service's own consumer, and its processor time for one in µs."""
    transport = KafkaTransport(kafka.bootstrap_servers)
    service = build(ledger.settings, clock=SystemClock(), transport=transport)
    await service.open()
    consumer = next(loop for loop in service.loops if isinstance(loop, Consumer))
    try:
        # Joining the group is no part of the rate.
        while not await consumer.run_once():
            await transport.publish(reports(customers, 1))
        waiting = reports(customers, EVENTS)
        for start in range(0, EVENTS, 1000):
            await transport.publish(waiting[start : start + 1000])
        before = await ledger.value("SELECT count(*) FROM transactions")
        wall, own = time.perf_counter(), time.process_time()
        taken = 0
        while taken < EVENTS:
            taken += await consumer.run_once()
        wall, own = time.perf_counter() - wall, time.process_time() - own
        booked = await ledger.value("SELECT count(*) FROM transactions") - before
        assert booked >= EVENTS - len(customers), f"{booked} were booked"
        assert await ledger.value("SELECT count(*) FROM dead_letters") == 0
    finally:
        for loop in service.loops:
            await loop.close()
        await service.close()
        await transport.close()
    return taken / wall, own / taken * 1e6


async def measure_events(directory: Path) -> None:
    """A line a round."""
    async with opened_ledger(directory) as ledger, KafkaServer(directory) as kafka:
        customers = await ledger.register(CUSTOMERS)
        rates = []
        for number in range(1, ROUNDS + 1):
            rate, own = await events_a_second(ledger, kafka, customers)
            rates.append(rate)
            print(f"  round {number}: {rate:>7,.0f} events/s from Kafka, {own:.0f} µs of own time each")
    print(f"  best {max(rates):,.0f} /s, bar {EVENTS_BAR:,} /s: {said(max(rates) >= EVENTS_BAR)}")


def said(met: bool) -> str:
    return "met" if met else "short"


def main() -> None:
    """Print what was asked for; each import runs in a process of its own, so that its peak of memory is its own."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--only", choices=("update", "events", "imports"))
    arguments.add_argument("--rows", default="100000,1000000")
    arguments.add_argument("--import-of", type=int, help=argparse.SUPPRESS)
    wanted = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="careloop-bench-", ignore_cleanup_errors=True) as directory:
        if wanted.import_of:
            uvloop.run(measure_import(Path(directory), wanted.import_of, ROWS_BAR))
            return
        print(f"ledger of value; {machine()}")
        if wanted.only in (None, "update"):
            took = min(update_microseconds() for _ in range(ROUNDS))
            met = said(took <= UPDATE_BAR_MICROSECONDS)
            print(f"  state update: {took:.1f} µs a purchase, bar {UPDATE_BAR_MICROSECONDS} µs: {met}")
        if wanted.only in (None, "events"):
            uvloop.run(measure_events(Path(directory)))
    if wanted.only in (None, "imports"):
        for rows in wanted.rows.split(","):
            subprocess.run([sys.executable, "-m", "bench.ledger", "--import-of", rows], check=True)


if __name__ == "__main__":
    main()
