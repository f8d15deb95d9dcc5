"""One import from its first byte to its last booked row, beside COPY of the same rows into a bare copy of the table."""

import gc
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from bench.ledger_world import Ledger, csv, opened_ledger
from services.valuation.service import build
from services.valuation.workers.imports import ImportLoop
from shared.events.transport.postgres import PostgresTransport
from shared.kernel.clock import SystemClock
from shared.operations.running import COLLECTOR_THRESHOLDS

ROWS_A_CUSTOMER = 10


async def measure_import(directory: Path, rows: int, bar: int) -> None:
    """A line: rows a second received and booked, the reference, and the peak of memory."""
    # As a served process is set.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    async with opened_ledger(directory) as ledger:
        before = _peak()
        received, booked, own = await _imported(ledger, rows)
        peak = _peak()
        copied = await _copied(ledger)
    rate = rows / (received + booked)
    print(
        f"  {rows:>9,} rows: {rate:>7,.0f} rows/s (received in {received:.1f} s, booked in {booked:.1f} s, {own:.0f} "
        f"µs of own time a row), bare COPY {rows / copied:,.0f} /s, peak {peak:.0f} MB ({before:.0f} MB before), "
        f"bar {bar:,} /s: {'met' if rate >= bar else 'short'}"
    )


async def _imported(ledger: Ledger, rows: int) -> tuple[float, float, float]:
    """Seconds until the body was received, seconds until all was booked, µs of processor time a row."""
    transport = PostgresTransport(str(ledger.settings.events_database_url))
    service = build(ledger.settings, clock=SystemClock(), transport=transport)
    await service.open()

    async def body() -> AsyncIterator[bytes]:
        for chunk in csv(rows, max(1, rows // ROWS_A_CUSTOMER)):
            yield chunk

    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(service.app),
        base_url="http://bench/valuation/v1",
        headers={"Authorization": f"Bearer {ledger.token}", "Content-Type": "text/csv"},
        timeout=None,
    )
    loop = next(loop for loop in service.loops if isinstance(loop, ImportLoop))
    try:
        started, own = time.perf_counter(), time.process_time()
        answer = await client.post(
            "/transaction-imports", content=body(), params={"register_customers": True}
        )
        received = time.perf_counter()
        while await loop.run_once():
            pass
        done, own = time.perf_counter(), time.process_time() - own
        job = (await client.get(answer.headers["location"].removeprefix("/valuation/v1"))).json()
    finally:
        await client.aclose()
        await service.close()
        await transport.close()
    assert (job["state"], job["accepted"]) == ("completed", rows), job
    return received - started, done - received, own / rows * 1e6


async def _copied(ledger: Ledger) -> float:
    """Seconds in which COPY writes the very same rows into a table like the ledger's, indexes included."""
    connection: Any = await asyncpg.connect(ledger.settings.database_url)
    try:
        await connection.execute("CREATE TABLE bare (LIKE transactions INCLUDING ALL)")
        dump = Path(ledger.settings.jwks or "").parent / "transactions.copy"
        await connection.copy_from_table("transactions", output=dump, format="binary")
        started = time.perf_counter()
        await connection.copy_to_table("bare", source=dump, format="binary")
        return time.perf_counter() - started
    finally:
        await connection.close()


def _peak() -> float:
    """Megabytes that this process held at most so far (Linux); `ru_maxrss` would count its parent's, too."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1024
