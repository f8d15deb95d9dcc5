"""A ticket over HTTP, one process, 32 clients: the whole service against a bare handler on the same database.

The service verifies the token, validates, writes ticket, timeline and outbox, and logs the request. The bare handler
is FastAPI with one raw asyncpg statement that does the same three inserts, into the same tables, and checks nothing.

    python -m bench.create_ticket [--seconds 5] [--rounds 3]
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import psutil
import uvloop
from fastapi import FastAPI
from pydantic import BaseModel

from bench.http_load import load, request_bytes
from bench.machine import machine
from careloop.infrastructure.postgres import EVENT_LOG, PostgresServer
from careloop.issuer import issue_token, jwks_path
from services.ticketing import service as ticketing
from services.ticketing.domain.search_terms import search_vector
from shared.db.migrations import upgrade
from shared.events.transport.postgres import PostgresTransport
from shared.kernel.clock import SystemClock
from shared.kernel.ids import new_id
from shared.operations.http_server import HttpServer
from shared.telemetry import logs

CLIENTS, POOL = 32, 10
BAR = 0.55
# The same three rows as the service writes, in one statement; columns that it leaves out have defaults.
BARE = """
WITH ticket AS (
  INSERT INTO tickets (id, version, sequence, last_occurred_at, customer_id, kind, channel, priority, status, subject,
    description, escalation_level, reopen_count, opened_at, opened_by)
  VALUES ($1, 1, 1, now(), $2, 'request', $3, $4, 'new', $5, $6, 0, 0, now(), 'agent:bench')
  RETURNING serial, opened_at
), entry AS (
  INSERT INTO timeline (ticket_id, step, audience, occurred_at, actor_role, actor_id, details, terms)
  VALUES ($1, 'opened', 'public', now(), 'agent', 'bench', '{}', $10::text::tsvector)
), event AS (
  INSERT INTO outbox (event_id, shard, key, sequence, type, occurred_at, correlation_id, depth, payload)
  VALUES ($7, 1, $1, 1, 'ticketing.ticket_opened.v1', now(), $8, 0, $9)
)
SELECT serial, opened_at FROM ticket
"""
SUBJECT = "Router does not start"
DESCRIPTION = "It was fine yesterday, today all its lights stay dark. " * 4
# The bare handler gets the search terms for nothing; the service makes them from the text.
TERMS = search_vector(f"{SUBJECT}\n{DESCRIPTION}")
PAYLOAD = json.dumps(
    {
        "ticket_id": "0197a3c1-0000-7000-8000-000000000001",
        "number": "T-000001",
        "customer_id": "0197a3c1-0000-7000-8000-000000000001",
        "kind": "request",
        "channel": "web",
        "priority": "high",
        "state": "new",
        "opened_at": "2026-03-02T01:00:00Z",
    }
)


class BareTicket(BaseModel):
    """What the bare handler reads."""

    customer_id: UUID
    subject: str
    description: str
    channel: str
    priority: str


def bare_app(pool: Any) -> FastAPI:
    app = FastAPI()

    @app.post("/ticketing/v1/tickets", status_code=201)
    async def add_ticket(body: BareTicket) -> dict[str, Any]:
        row = await pool.fetchrow(
            BARE,
            new_id(),
            body.customer_id,
            body.channel,
            body.priority,
            body.subject,
            body.description,
            new_id(),
            new_id(),
            PAYLOAD,
            TERMS,
        )
        return dict(row)

    return app


async def serve(kind: str, url: str, events_url: str, jwks: str) -> None:
    """Serve until stdin ends; prints the port."""
    logs.configure(service="bench", stream=sys.stderr)
    if kind == "bare":
        pool = await asyncpg.create_pool(url, min_size=POOL, max_size=POOL)
        app = bare_app(pool)
    else:
        settings = ticketing.Settings(
            database_url=url,
            events_database_url=events_url,
            jwks=jwks,
            pool_min_size=POOL,
            pool_max_size=POOL,
        )
        service = ticketing.build(settings, clock=SystemClock(), transport=PostgresTransport(events_url))
        await service.open()
        app = service.app
    server = HttpServer(app, host="127.0.0.1", port=0)
    await server.start()
    print(server.port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.stop()


async def measure(seconds: float, rounds: int, state: Path, postgres: PostgresServer) -> float:
    """The median ratio of the throughputs, service to bare."""
    url, events_url = postgres.url("ticketing"), postgres.url(EVENT_LOG)
    await upgrade(ticketing.HISTORY, url)
    token = issue_token(state, "agent", "bench")
    body = {
        "customer_id": str(new_id()),
        "subject": SUBJECT,
        "description": DESCRIPTION,
        "channel": "web",
        "priority": "high",
    }
    request = request_bytes("/ticketing/v1/tickets", token, json.dumps(body).encode())
    servers: dict[str, Any] = {}
    rates: dict[str, list[float]] = {"bare": [], "careloop": []}
    try:
        for kind in rates:
            arguments = ["-m", "bench.create_ticket", "--serve", kind, url, events_url, str(jwks_path(state))]
            servers[kind] = await asyncio.create_subprocess_exec(
                sys.executable,
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        ports = {kind: int(await server.stdout.readline()) for kind, server in servers.items()}
        for kind in rates:
            await load(ports[kind], request, clients=CLIENTS, seconds=1)
        for _ in range(rounds):
            for kind, found in rates.items():
                process = psutil.Process(servers[kind].pid)
                before = sum(process.cpu_times()[:2])
                rate = await load(ports[kind], request, clients=CLIENTS, seconds=seconds)
                cpu = (sum(process.cpu_times()[:2]) - before) / (rate * seconds)
                found.append(rate)
                print(f"  {kind:9}{rate:7.0f} tickets/s, {cpu * 1e6:5.0f} µs of the server's CPU each")
    finally:
        for server in servers.values():
            server.stdin.close()
            await server.wait()
    return statistics.median(
        careloop / bare for bare, careloop in zip(rates["bare"], rates["careloop"], strict=True)
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        uvloop.run(serve(*given.serve))
        return
    print(f"create a ticket over HTTP ({machine()})")
    with tempfile.TemporaryDirectory() as folder, PostgresServer(Path(folder), durable=False) as postgres:
        ratio = uvloop.run(measure(given.seconds, given.rounds, Path(folder), postgres))
    print(f"careloop / bare: {ratio:.2f} of the throughput (bar {BAR})")


if __name__ == "__main__":
    main()
