"""What the HTTP edge costs: three inserts over HTTP with token, validation, timeline and outbox, one process,
32 clients, against a bare FastAPI handler that does the same inserts in one raw asyncpg statement.

    python -m bench.http_edge [--seconds 5] [--rounds 3] [--keys]
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import psutil
import sqlalchemy as sa
import uvloop
from fastapi import APIRouter, Depends, FastAPI
from pydantic import BaseModel, Field

from careloop.infrastructure.postgres import PostgresServer
from shared.contracts.ticketing import TicketOpenedV1
from shared.db.database import Database
from shared.db.migrations import frozen_sql
from shared.db.statements import insert, statement
from shared.db.work import Work
from shared.events.outbox import OutboxWriter
from shared.kernel.aggregates import Aggregate, DomainEvent
from shared.kernel.clock import SystemClock
from shared.kernel.ids import new_id
from shared.operations.http_server import HttpServer
from shared.telemetry import logs
from shared.web.app import create_app
from shared.web.authentication import TokenVerifier
from shared.web.commands import CommandEdge, command
from shared.web.keys import StaticKeys
from shared.web.models import ApiModel
from shared.web.signing import SigningKey

CLIENTS = 32
POOL = 10
TABLES = """
CREATE TABLE tickets (id uuid PRIMARY KEY, number text NOT NULL, customer_id uuid NOT NULL, subject text NOT NULL,
  description text NOT NULL, channel text NOT NULL, priority text NOT NULL, state text NOT NULL,
  version integer NOT NULL, opened_at timestamptz NOT NULL);
CREATE TABLE timeline (id uuid PRIMARY KEY, ticket_id uuid NOT NULL, kind text NOT NULL, actor text NOT NULL,
  occurred_at timestamptz NOT NULL);
CREATE INDEX ON timeline (ticket_id, occurred_at);
CREATE SEQUENCE ticket_numbers;
"""
metadata = sa.MetaData()
AT = sa.DateTime(timezone=True)
tickets = sa.Table(
    "tickets",
    metadata,
    sa.Column("id", sa.Uuid),
    *(sa.Column(name, sa.Text) for name in ("number",)),
    sa.Column("customer_id", sa.Uuid),
    *(sa.Column(name, sa.Text) for name in ("subject", "description", "channel", "priority", "state")),
    sa.Column("version", sa.Integer),
    sa.Column("opened_at", AT),
)
timeline = sa.Table(
    "timeline",
    metadata,
    sa.Column("id", sa.Uuid),
    sa.Column("ticket_id", sa.Uuid),
    sa.Column("kind", sa.Text),
    sa.Column("actor", sa.Text),
    sa.Column("occurred_at", AT),
)
COLUMNS = [column.name for column in tickets.columns if column.name != "version"]
NUMBER = statement(sa.text("SELECT nextval('ticket_numbers')"))
ADD = statement(insert(tickets))
ADD_ENTRY = statement(insert(timeline))
BARE = """
WITH t AS (INSERT INTO tickets VALUES ($1, 'T-' || nextval('ticket_numbers'), $2, $3, $4, $5, $6, 'new', 1, now())
           RETURNING *),
 e AS (INSERT INTO timeline SELECT $7, t.id, 'opened', 'agent:anna', t.opened_at FROM t),
 o AS (INSERT INTO outbox (event_id, shard, key, sequence, type, occurred_at, correlation_id, depth, payload)
       SELECT $8, 3, t.id, 1, 'ticketing.ticket_opened.v1', t.opened_at, $9, 0, $10 FROM t)
SELECT * FROM t
"""


@dataclass(frozen=True, kw_only=True)
class TicketOpened(DomainEvent):
    ticket: "Ticket"


@dataclass(kw_only=True)
class Ticket(Aggregate):
    number: str
    customer_id: UUID
    subject: str
    description: str
    channel: Any
    priority: Any
    state: str
    opened_at: datetime


class TicketIn(ApiModel):
    customer_id: UUID
    subject: str = Field(min_length=1, max_length=200)
    description: str = Field(max_length=10_000)
    channel: str = Field(pattern="^(phone|web|chat|email)$")
    priority: str = Field(pattern="^(critical|high|moderate|low)$")


class TicketOut(ApiModel):
    id: UUID
    number: str
    customer_id: UUID
    subject: str
    description: str
    channel: str
    priority: str
    state: str
    version: int
    opened_at: datetime

    @classmethod
    def of(cls, ticket: Ticket) -> "TicketOut":
        return cls.model_validate(ticket)


class BareTicket(BaseModel):
    customer_id: UUID
    subject: str
    description: str
    channel: str
    priority: str


async def open_ticket(body: TicketIn, work: Work) -> Ticket:
    number = await work.fetch_value(NUMBER)
    ticket = Ticket(id=new_id(), number=f"T-{number:06d}", state="new", opened_at=work.now, **dict(body))
    ticket.happened(TicketOpened, work.now, ticket=ticket)
    await work.execute(
        ADD,
        version=1,
        **{name: getattr(ticket, name) for name in COLUMNS},
    )
    await work.execute(
        ADD_ENTRY,
        id=new_id(),
        ticket_id=ticket.id,
        kind="opened",
        actor=str(work.actor),
        occurred_at=work.now,
    )
    work.record(*ticket.take_events())
    return ticket


router = APIRouter()


@router.post("/tickets", status_code=201, response_model=TicketOut)
async def add_ticket(body: TicketIn, edge: Annotated[CommandEdge, Depends(command("add_ticket"))]) -> Any:
    return await edge.run(
        lambda work: open_ticket(body, work),
        present=TicketOut.of,
        status=201,
        location=lambda ticket: f"/ticketing/v1/tickets/{ticket.id}",
    )


def published(event: TicketOpened) -> TicketOpenedV1:
    ticket = event.ticket
    return TicketOpenedV1(
        ticket_id=ticket.id,
        number=ticket.number,
        customer_id=ticket.customer_id,
        kind="request",
        channel=ticket.channel,
        priority=ticket.priority,
        state="new",
        opened_at=ticket.opened_at,
    )


def edge_app(url: str, jwks: dict[str, Any], access_log: bool) -> tuple[Any, Database]:
    database = Database(url, clock=SystemClock(), name="ticketing", min_size=POOL, max_size=POOL)
    OutboxWriter("ticketing", {TicketOpened: published}).attach(database)
    app = create_app(
        "ticketing",
        title="Bench",
        summary="Bench",
        version="1",
        routers=[router],
        permissions={"add_ticket": frozenset({"agent"})},
        database=database,
        verifier=TokenVerifier(issuer="bench", audience="careloop", keys=StaticKeys(jwks)),
        access_log=access_log,
    )
    return app, database


def bare_app(url: str) -> tuple[FastAPI, list[Any]]:
    app, pool = FastAPI(), []

    @app.post("/ticketing/v1/tickets", status_code=201)
    async def add_ticket(body: BareTicket) -> dict[str, Any]:
        row = await pool[0].fetchrow(
            BARE,
            new_id(),
            body.customer_id,
            body.subject,
            body.description,
            body.channel,
            body.priority,
            new_id(),
            new_id(),
            new_id(),
            '{"ticket_id": "x", "number": "T-000001", "channel": "phone", "priority": "low", "state": "new"}',
        )
        return dict(row)

    return app, pool


async def serve(kind: str, url: str, jwks: dict[str, Any], access_log: bool) -> None:
    logs.configure(service="bench", stream=sys.stderr)
    if kind == "bare":
        app, pool = bare_app(url)
        pool.append(await asyncpg.create_pool(url, min_size=POOL, max_size=POOL))
    else:
        app, database = edge_app(url, jwks, access_log)
        await database.open()
    server = HttpServer(app, host="127.0.0.1", port=0)
    await server.start()
    print(server.port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.stop()


class Client(asyncio.Protocol):
    """Sends the same request again as soon as it is answered."""

    def __init__(self, request: bytes, keyed: bool, until: float) -> None:
        self._request, self._keyed, self._until = request, keyed, until
        self.answered, self._buffer = 0, b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        request = self._request
        if self._keyed:
            request = request.replace(
                b"\r\n\r\n", b"\r\nIdempotency-Key: " + new_id().hex.encode() + b"\r\n\r\n", 1
            )
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        if len(body) < length:
            return
        if b" 201 " not in head[:20]:
            self.done.set_exception(RuntimeError(self._buffer.decode()))
            return
        self._buffer, self.answered = b"", self.answered + 1
        if time.perf_counter() < self._until:
            self._send()
        else:
            self._transport.close()
            self.done.set_result(None)


async def load(port: int, token: str, seconds: float, keyed: bool) -> float:
    """Requests a second."""
    body = json.dumps(
        {
            "customer_id": str(new_id()),
            "subject": "Router does not start",
            "description": "It was fine yesterday, today all its lights stay dark. " * 4,
            "channel": "web",
            "priority": "high",
        }
    ).encode()
    request = (
        f"POST /ticketing/v1/tickets HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    loop, started = asyncio.get_running_loop(), time.perf_counter()
    clients = [Client(request, keyed, started + seconds) for _ in range(CLIENTS)]
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)
    await asyncio.gather(*(client.done for client in clients))
    return sum(client.answered for client in clients) / (time.perf_counter() - started)


async def measure(arguments: argparse.Namespace, url: str) -> None:
    key = SigningKey.generate()
    token = key.token(issuer="bench", audience="careloop", role="agent", subject="anna")
    results: dict[str, list[tuple[float, float]]] = {"bare": [], "edge": []}
    servers = {}
    try:
        for kind in results:
            child = [sys.executable, "-m", "bench.http_edge", "--serve", kind, "--database", url]
            child += ["--jwks", json.dumps(key.jwks)] + (["--no-log"] if arguments.no_log else [])
            servers[kind] = await asyncio.create_subprocess_exec(
                *child,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        ports = {kind: int(await one.stdout.readline()) for kind, one in servers.items()}
        for kind in results:
            await load(ports[kind], token, 1, False)
        for _ in range(arguments.rounds):
            for kind in results:
                process = psutil.Process(servers[kind].pid)
                before = sum(process.cpu_times()[:2])
                rate = await load(ports[kind], token, arguments.seconds, arguments.keys and kind == "edge")
                cpu = (sum(process.cpu_times()[:2]) - before) / (rate * arguments.seconds)
                results[kind].append((rate, cpu))
                print(f"{kind}: {rate:7.0f} req/s, {cpu * 1e6:5.0f} us of the server's CPU a request")
    finally:
        for one in servers.values():
            one.stdin.close()
            await one.wait()
    ratios = sorted(edge[0] / bare[0] for bare, edge in zip(results["bare"], results["edge"], strict=True))
    print(f"edge / bare: {ratios[len(ratios) // 2]:.2f} of the throughput (bar 0.55), rounds {ratios}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keys", action="store_true", help="every write carries an Idempotency-Key")
    parser.add_argument("--no-log", action="store_true")
    parser.add_argument("--serve")
    parser.add_argument("--database")
    parser.add_argument("--jwks")
    arguments = parser.parse_args()
    if arguments.serve:
        jwks = json.loads(arguments.jwks)
        uvloop.run(serve(arguments.serve, arguments.database, jwks, not arguments.no_log))
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        PostgresServer(Path(folder), durable=False, databases=("ticketing",)) as postgres,
    ):
        url = postgres.url("ticketing")
        uvloop.run(prepared(arguments, url))


async def prepared(arguments: argparse.Namespace, url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(TABLES)
        await connection.execute(frozen_sql("shared.events", "0001"))
        await connection.execute(frozen_sql("shared.web", "0001"))
    finally:
        await connection.close()
    await measure(arguments, url)


if __name__ == "__main__":
    main()
