"""A ticketing service on a database of its own, reached as its callers reach it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from services.ticketing import service as ticketing
from shared.contracts.base import Contract
from shared.events.consumer import Consumer
from shared.events.envelope import Envelope, to_headers, topic_of
from shared.events.transport.base import OutgoingRecord
from shared.events.transport.postgres import PostgresTransport
from shared.kernel.clock import SimulatedClock
from shared.kernel.ids import new_id
from shared.operations.service import Service
from shared.testing.plugin import MakeDatabase
from shared.testing.tokens import AUDIENCE, ISSUER, TestIssuer

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
CUSTOMER_ID = "0197a3c1-0000-7000-8000-000000000001"
ACTIONS: dict[str, dict[str, Any] | None] = {
    "classification": {"category": "login"},
    "priority": {"priority": "high"},
    "customer": {"customer_id": CUSTOMER_ID},
    "assignment": {"assignee_id": "agent-9"},
    "transfer": {"queue": "second-line"},
    "work-start": None,
    "messages": {"visibility": "public", "text": "We are on it."},
    "customer-messages": {"text": "Any news?"},
    "wait": {"waiting_on": "customer"},
    "resumption": None,
    "escalations": {},
    "commitment": {"committed_at": "2026-03-09T01:00:00Z"},
    "resolution": {"resolution_code": "fixed"},
    "reopening": {"reason": "not_fixed"},
    "closure": None,
    "follow-up": {"csat": 4},
    "cancellation": {"reason": "withdrawn"},
}


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(START)


@pytest_asyncio.fixture
async def transport(make_database: MakeDatabase) -> AsyncIterator[PostgresTransport]:
    log = PostgresTransport(await make_database(None))
    await log.migrate()
    yield log
    await log.close()


@pytest_asyncio.fixture
async def service(
    make_database: MakeDatabase, issuer: TestIssuer, clock: SimulatedClock, transport: PostgresTransport
) -> AsyncIterator[Service]:
    url = await make_database(ticketing.HISTORY)
    settings = ticketing.Settings(
        database_url=url,
        events_database_url=url,
        jwks=str(issuer.jwks_path),
        issuer=ISSUER,
        audience=AUDIENCE,
        access_log=False,
    )
    built = ticketing.build(settings, clock=clock, transport=transport)
    await built.open()
    yield built
    for loop in built.loops:
        await loop.close()
    await built.close()


@pytest_asyncio.fixture
async def http(service: Service, issuer: TestIssuer) -> AsyncIterator[httpx.AsyncClient]:
    """Calls as an agent unless a call says otherwise."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=service.app),
        base_url="http://ticketing.test/ticketing/v1",
        headers=issuer.headers("agent", "agent-7"),
    ) as client:
        yield client


@dataclass
class Desk:
    """What a desk does all day, in one word each."""

    http: httpx.AsyncClient
    issuer: TestIssuer

    def of(self, role: str, subject: str | None = None, customer_id: str | None = None) -> dict[str, str]:
        """Headers of another principal; systems get all scopes."""
        scopes = "ticketing:*" if role == "system" else ""
        account = customer_id or (CUSTOMER_ID if role == "customer" else None)
        return self.issuer.headers(role, subject, customer_id=account, scopes=scopes)

    async def open(self, **facts: Any) -> dict[str, Any]:
        body = {"customer_id": CUSTOMER_ID, "channel": "phone", "subject": "VPN 登录失败", **facts}
        answer = await self.http.post("/tickets", json=body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def get(self, ticket: dict[str, Any], headers: dict[str, str] | None = None) -> dict[str, Any]:
        answer = await self.http.get(f"/tickets/{ticket['id']}", headers=headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def attempt(
        self,
        ticket: dict[str, Any],
        action: str,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """One action on the ticket as it was last seen."""
        sent = {"If-Match": f'"{ticket["version"]}"', **(headers or {})}
        content = ACTIONS.get(action) if body is None else body
        return await self.http.post(f"/tickets/{ticket['id']}/{action}", json=content, headers=sent)

    async def do(self, ticket: dict[str, Any], *actions: str | tuple[str, dict[str, Any]]) -> dict[str, Any]:
        """Actions one after the other, each of which must work; the ticket afterwards."""
        for action in actions:
            name, body = action if isinstance(action, tuple) else (action, None)
            answer = await self.attempt(ticket, name, body)
            assert answer.status_code == 200, answer.text
            ticket = answer.json()
        return ticket

    async def steps(
        self, ticket: dict[str, Any], headers: dict[str, str] | None = None
    ) -> list[dict[str, Any]]:
        answer = await self.http.get(f"/tickets/{ticket['id']}/timeline?limit=200", headers=headers)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    async def find(self, headers: dict[str, str] | None = None, **filters: Any) -> list[str]:
        """Numbers of the tickets that a list shows."""
        answer = await self.http.get("/tickets", params=filters, headers=headers)
        assert answer.status_code == 200, answer.text
        return [ticket["number"] for ticket in answer.json()["items"]]


@pytest.fixture
def desk(http: httpx.AsyncClient, issuer: TestIssuer) -> Desk:
    return Desk(http, issuer)


@dataclass
class Neighbours:
    """Other services, as far as ticketing hears of them."""

    transport: PostgresTransport
    service: Service

    def record(
        self, contract: Contract, key: UUID, sequence: int, event_id: UUID | None = None
    ) -> OutgoingRecord:
        envelope = Envelope(
            id=event_id or new_id(),
            source=contract.producer(),
            type=contract.TYPE,
            key=key,
            sequence=sequence,
            occurred_at=START + timedelta(minutes=sequence),
            correlation_id=new_id(),
        )
        body = contract.model_dump_json().encode()
        return OutgoingRecord(topic_of(contract.producer()), str(key), to_headers(envelope), body)

    async def tell(self, *records: OutgoingRecord) -> None:
        """Publish, and let ticketing consume all of it."""
        await self.transport.publish(records)
        (consumer,) = (loop for loop in self.service.loops if isinstance(loop, Consumer))
        consumer.wake.set()
        while await consumer.run_once():
            consumer.wake.set()


@pytest.fixture
def neighbours(transport: PostgresTransport, service: Service) -> Neighbours:
    return Neighbours(transport, service)


@dataclass
class Stored:
    """What is really stored."""

    service: Service

    async def rows(self, sql: str, *arguments: Any) -> list[Any]:
        async with self.service.database.session() as session:
            found: list[Any] = await session.connection.fetch(sql, *arguments)
            return found

    async def state(self) -> dict[str, list[Any]]:
        """Everything that a refused command must leave as it was."""
        names = ("tickets", "timeline", "follow_ups", "outbox", "ticket_clocks", "customers")
        return {name: await self.rows(f"SELECT * FROM {name} ORDER BY 1, 2") for name in names}


@pytest.fixture
def stored(service: Service) -> Stored:
    return Stored(service)
