"""Ticket created → its SLA clock readable, on the real stack: 100 tickets a second through the gateway and Kafka.

Every ticket is opened at its own moment; how long until its clock is in the sla service's database is told by that
database itself: when the row became visible to a reader that looks every few milliseconds. As a reference, the same
run measures one ticket at a time on the idle stack.

    python -m bench.clock_latency [--seconds 20] [--rate 100] [--rounds 3]

Everything shares one machine, so a round in which its host gave the processors to somebody else ("stolen") tells
of the host: the share is printed beside each round.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import psutil
import uvloop

from bench.http_load import request_bytes
from bench.machine import machine
from careloop.issuer import issue_token
from careloop.stack import Stack, running_stack

LOOK_SECONDS = 0.005
P50_BAR_MS, P99_BAR_MS = 60, 250
LONGEST_WAIT_SECONDS = 30.0
ONE_AT_A_TIME = 50
WARM_UP_SECONDS = 30.0
CONNECTIONS = 16
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


async def measure(seconds: float, rate: float, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with (
            running_stack(Path(folder)) as stack,
            httpx.AsyncClient(base_url=stack.gateway_url) as http,
        ):
            token = issue_token(folder, "admin", "bench", minutes=60)
            http.headers["Authorization"] = f"Bearer {token}"
            await _policy(http)
            connection = await asyncpg.connect(stack.postgres.url("sla"))
            desk = Desk(stack.gateway.port, token)
            await desk.connect()
            # The broker's virtual machine compiles what is hot first; a company's broker has long done so.
            await _at_rate(desk, Watch(connection), WARM_UP_SECONDS, rate)
            alone = await _one_at_a_time(desk, Watch(connection))
            _print("one at a time", alone)
            for _ in range(rounds):
                before, stolen_before = _cpu(stack), psutil.cpu_times()
                loaded = await _at_rate(desk, Watch(connection), seconds, rate)
                spent = {name: (after - before[name]) / seconds for name, after in _cpu(stack).items()}
                _print(
                    f"{rate:.0f}/s for {seconds:.0f} s", loaded, _stolen(stolen_before, psutil.cpu_times())
                )
            desk.close()
            await connection.close()
    print(f"last round, p50 under load / alone: {statistics.median(loaded) / statistics.median(alone):.2f}")
    busy = ", ".join(f"{name} {share:.0%}" for name, share in sorted(spent.items(), key=lambda one: -one[1]))
    print(f"last round, processor time of one core: {busy}")
    print(f"bars: p50 ≤ {P50_BAR_MS} ms, p99 ≤ {P99_BAR_MS} ms under load")


def _cpu(stack: Stack) -> dict[str, float]:
    """Seconds of processor time so far, by process; `bench` is this one."""
    members = {name: process.pid for name, process in stack.processes.items()}
    members |= {"kafka": stack.kafka.pid, "gateway": stack.gateway.pid, "bench": os.getpid()}
    found = {name: sum(psutil.Process(pid).cpu_times()[:2]) for name, pid in members.items()}
    backends = psutil.Process(stack.postgres.pid).children()
    found["postgres"] = sum(sum(one.cpu_times()[:2]) for one in backends)
    return found


def _stolen(before: Any, after: Any) -> str:
    """The share of the machine's time that its host gave to others; nothing where the system does not tell."""
    if not hasattr(after, "steal"):
        return ""
    return f", stolen {(after.steal - before.steal) / (sum(after[:8]) - sum(before[:8])):.0%}"


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


class Desk:
    """Opens tickets over a few connections that stay open, at little cost to the machine that is measured."""

    def __init__(self, port: int, token: str) -> None:
        self._port, self._token = port, token
        self._idle: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    async def connect(self) -> None:
        for _ in range(CONNECTIONS):
            self._idle.put_nowait(await asyncio.open_connection("127.0.0.1", self._port))

    async def open(self, watch: Watch) -> None:
        began = time.perf_counter()
        body = {"customer_id": str(uuid4()), "channel": "web", "subject": "bench", "priority": "high"}
        request = request_bytes("/ticketing/v1/tickets", self._token, json.dumps(body).encode())
        connection = reader, writer = await self._idle.get()
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            answer = await reader.readexactly(length)
        finally:
            self._idle.put_nowait(connection)
        if b" 201 " not in head[:20]:
            raise RuntimeError((head + answer).decode())
        watch.waiting[UUID(json.loads(answer)["id"])] = began

    def close(self) -> None:
        while not self._idle.empty():
            self._idle.get_nowait()[1].close()


async def _one_at_a_time(desk: Desk, watch: Watch) -> list[float]:
    stop = asyncio.Event()
    looking = asyncio.create_task(watch.look(stop))
    for _ in range(ONE_AT_A_TIME):
        watch.seen.clear()
        await desk.open(watch)
        async with asyncio.timeout(LONGEST_WAIT_SECONDS):
            await watch.seen.wait()
    stop.set()
    await looking
    return watch.seconds


async def _at_rate(desk: Desk, watch: Watch, seconds: float, rate: float) -> list[float]:
    stop = asyncio.Event()
    looking = asyncio.create_task(watch.look(stop))
    async with asyncio.TaskGroup() as opening:
        began = time.perf_counter()
        for number in range(round(seconds * rate)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            opening.create_task(desk.open(watch))
    stop.set()
    await looking
    return watch.seconds


def _print(what: str, seconds: list[float], remark: str = "") -> None:
    at = statistics.quantiles(seconds, n=100)
    print(
        f"  {what:18} {len(seconds):5} tickets: p50 {at[49] * 1000:6.1f} ms, p95 {at[94] * 1000:6.1f} ms, "
        f"p99 {at[98] * 1000:6.1f} ms, max {max(seconds) * 1000:6.1f} ms{remark}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print(f"ticket created → clock readable, on the stack ({machine()})")
    uvloop.run(measure(given.seconds, given.rate, given.rounds))


if __name__ == "__main__":
    main()
