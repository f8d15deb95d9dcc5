"""Ticket created → its SLA clock readable, on the real stack: 100 tickets a second through the gateway and Kafka.

Every ticket is opened at its own moment; how long until its clock is in the sla service's database is told by that
database itself: when the row became visible to a reader that looks every few milliseconds. As a reference, the same
run measures one ticket at a time on the idle stack.

    python -m bench.clock_latency [--seconds 20] [--rate 100]
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import uvloop

from bench.machine import machine
from careloop.issuer import issue_token
from careloop.stack import running_stack

LOOK_SECONDS = 0.002
P50_BAR_MS, P99_BAR_MS = 60, 250
LONGEST_WAIT_SECONDS = 30.0
ONE_AT_A_TIME = 50
ALWAYS = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
SEEN = "SELECT subject_id FROM clocks WHERE subject_id = ANY($1::uuid[])"


class Watch:
    """Looks for clocks in the sla database and notes when each was first seen."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.waiting: dict[Any, float] = {}
        self.seconds: list[float] = []
        self.seen = asyncio.Event()

    async def look(self, stop: asyncio.Event) -> None:
        while not (stop.is_set() and not self.waiting):
            if self.waiting:
                rows = await self._connection.fetch(SEEN, list(self.waiting))
                now = time.perf_counter()
                for row in rows:
                    began = self.waiting.pop(row["subject_id"], None)
                    if began is not None:
                        self.seconds.append(now - began)
                        self.seen.set()
                if self.waiting and now - min(self.waiting.values()) > LONGEST_WAIT_SECONDS:
                    raise RuntimeError(
                        f"{len(self.waiting)} tickets have no clock after {LONGEST_WAIT_SECONDS} s"
                    )
            await asyncio.sleep(LOOK_SECONDS)


async def measure(seconds: float, rate: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with (
            running_stack(Path(folder)) as stack,
            httpx.AsyncClient(base_url=stack.gateway_url) as http,
        ):
            token = issue_token(folder, "admin", "bench", minutes=60)
            http.headers["Authorization"] = f"Bearer {token}"
            await _policy(http)
            connection = await asyncpg.connect(stack.postgres.url("sla"))
            alone = await _one_at_a_time(http, Watch(connection))
            loaded = await _at_rate(http, Watch(connection), seconds, rate)
            await connection.close()
    _print("one at a time", alone)
    _print(f"{rate:.0f}/s for {seconds:.0f} s", loaded)
    print(f"p50 under load / alone: {statistics.median(loaded) / statistics.median(alone):.2f}")
    print(f"bars: p50 ≤ {P50_BAR_MS} ms, p99 ≤ {P99_BAR_MS} ms under load")


async def _policy(http: httpx.AsyncClient) -> None:
    calendar = await http.post(
        "/sla/v1/calendars", json={"name": "always", "timezone": "UTC", "weekly": ALWAYS}
    )
    calendar.raise_for_status()
    target = {"metric": "resolution", "duration": 8, "unit": "business_hours", "warn_at": [0.5]}
    policy = {
        "name": "bench",
        "agreement": "sla",
        "match": {"subject_kind": "ticket"},
        "calendar_id": calendar.json()["id"],
        "targets": [target],
    }
    (await http.post("/sla/v1/policies", json=policy)).raise_for_status()


async def _open(http: httpx.AsyncClient, watch: Watch) -> None:
    began = time.perf_counter()
    body = {"customer_id": str(uuid4()), "channel": "web", "subject": "bench", "priority": "high"}
    answer = await http.post("/ticketing/v1/tickets", json=body)
    answer.raise_for_status()
    watch.waiting[_id(answer)] = began


def _id(answer: httpx.Response) -> Any:
    return UUID(json.loads(answer.content)["id"])


async def _one_at_a_time(http: httpx.AsyncClient, watch: Watch) -> list[float]:
    stop = asyncio.Event()
    looking = asyncio.create_task(watch.look(stop))
    for _ in range(ONE_AT_A_TIME):
        watch.seen.clear()
        await _open(http, watch)
        async with asyncio.timeout(LONGEST_WAIT_SECONDS):
            await watch.seen.wait()
    stop.set()
    await looking
    return watch.seconds


async def _at_rate(http: httpx.AsyncClient, watch: Watch, seconds: float, rate: float) -> list[float]:
    stop = asyncio.Event()
    looking = asyncio.create_task(watch.look(stop))
    async with asyncio.TaskGroup() as opening:
        began = time.perf_counter()
        for number in range(round(seconds * rate)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            opening.create_task(_open(http, watch))
    stop.set()
    await looking
    return watch.seconds


def _print(what: str, seconds: list[float]) -> None:
    at = statistics.quantiles(seconds, n=100)
    print(
        f"  {what:18} {len(seconds):5} tickets: p50 {at[49] * 1000:6.1f} ms, p95 {at[94] * 1000:6.1f} ms, "
        f"p99 {at[98] * 1000:6.1f} ms, max {max(seconds) * 1000:6.1f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=float, default=100)
    given = parser.parse_args()
    print(f"ticket created → clock readable, on the stack ({machine()})")
    uvloop.run(measure(given.seconds, given.rate))


if __name__ == "__main__":
    main()
