"""A customer's score over HTTP, one process, 32 clients: the service against a bare handler that reads one row.

The service verifies the token, reads the standing, computes the score as of today by the version in force,
and logs the request. The bare handler is FastAPI with one raw asyncpg statement that reads the same row by its key and
checks nothing. Each client asks for other customers all the time.

    python -m bench.value_score [--seconds 5] [--rounds 3] [--customers 20000]
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import psutil
import uvloop
from fastapi import FastAPI

from bench.http_load import get_bytes, load
from bench.machine import machine
from bench.value_world import MODEL, add_customers, promote
from careloop.infrastructure.postgres import EVENT_LOG, PostgresServer
from careloop.issuer import issue_token, jwks_path
from services.valuation import service as valuation
from services.valuation.domain.serving.scoring import Bought, ScoreRules, ValueModel, score
from shared.db.migrations import upgrade
from shared.events.transport.postgres import PostgresTransport
from shared.kernel.clock import SystemClock
from shared.operations.http_server import HttpServer
from shared.telemetry import logs

CLIENTS, POOL = 32, 10
BAR = 0.60
MOST_MILLISECONDS = 1.0
BARE = "SELECT * FROM standings WHERE customer_id = $1"


def bare_app(pool: Any) -> FastAPI:
    app = FastAPI()

    @app.get("/valuation/v1/customers/{customer_id}/score")
    async def get_score(customer_id: UUID) -> dict[str, Any]:
        return dict(await pool.fetchrow(BARE, customer_id))

    return app


async def serve(kind: str, url: str, events_url: str, jwks: str) -> None:
    """Serve until stdin ends; prints the port."""
    logs.configure(service="bench", stream=sys.stderr)
    if kind == "bare":
        pool = await asyncpg.create_pool(url, min_size=POOL, max_size=POOL)
        app = bare_app(pool)
    else:
        settings = valuation.Settings(
            database_url=url,
            events_database_url=events_url,
            jwks=jwks,
            pool_min_size=POOL,
            pool_max_size=POOL,
        )
        service = valuation.build(settings, clock=SystemClock(), transport=PostgresTransport(events_url))
        await service.open()
        app = service.app
    server = HttpServer(app, host="127.0.0.1", port=0)
    await server.start()
    print(server.port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.stop()


def own_time(model: ValueModel) -> float:
    """Milliseconds of computing one score, each of a history not asked for before."""
    rules, rounds = ScoreRules(), 2000
    started = time.perf_counter()
    for place in range(rounds):
        days = 1 + place % 40
        score(model, Bought(days, days * 5, 300 + place % 300, 5000 * days, 4000, 1500 * days), rules)
    return (time.perf_counter() - started) / rounds * 1e3


async def measure(
    seconds: float, rounds: int, customers: int, state: Path, postgres: PostgresServer
) -> float:
    """The median ratio of the throughputs, service to bare."""
    url, events_url = postgres.url("valuation"), postgres.url(EVENT_LOG)
    await upgrade(valuation.HISTORY, url)
    connection = await asyncpg.connect(url)
    ids = await add_customers(connection, customers)
    await promote(connection)
    await connection.close()
    token = issue_token(state, "agent", "bench")
    requests = [get_bytes(f"/valuation/v1/customers/{one}/score", token) for one in ids]
    servers: dict[str, Any] = {}
    rates: dict[str, list[float]] = {"bare": [], "careloop": []}
    try:
        for kind in rates:
            arguments = ["-m", "bench.value_score", "--serve", kind, url, events_url, str(jwks_path(state))]
            servers[kind] = await asyncio.create_subprocess_exec(
                sys.executable,
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        ports = {kind: int(await server.stdout.readline()) for kind, server in servers.items()}
        for kind in rates:
            await load(ports[kind], requests, clients=CLIENTS, seconds=1, status=200)
        for _ in range(rounds):
            for kind, found in rates.items():
                process = psutil.Process(servers[kind].pid)
                before = sum(process.cpu_times()[:2])
                rate = await load(ports[kind], requests, clients=CLIENTS, seconds=seconds, status=200)
                cpu = (sum(process.cpu_times()[:2]) - before) / (rate * seconds)
                found.append(rate)
                print(f"  {kind:9}{rate:7.0f} scores/s, {cpu * 1e6:5.0f} µs of the server's CPU each")
    finally:
        for server in servers.values():
            server.stdin.close()
            await server.wait()
    return statistics.median(
        careloop / bare for bare, careloop in zip(rates["bare"], rates["careloop"], strict=True)
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--serve", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        uvloop.run(serve(*given.serve))
        return 0
    print(f"a customer's score over HTTP, {given.customers:,} customers ({machine()})")
    print(f"  own time of one score: {own_time(MODEL):.3f} ms (bar {MOST_MILLISECONDS:.0f} ms)")
    with tempfile.TemporaryDirectory() as folder, PostgresServer(Path(folder), durable=False) as postgres:
        ratio = uvloop.run(measure(given.seconds, given.rounds, given.customers, Path(folder), postgres))
    print(f"careloop / bare: {ratio:.2f} of the throughput (bar {BAR})")
    return 0 if ratio >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
