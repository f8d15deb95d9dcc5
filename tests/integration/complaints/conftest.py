"""A complaints service on a database of its own, reached as its callers reach it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from services.complaints import service as complaints
from shared.events.transport.postgres import PostgresTransport
from shared.kernel.clock import SimulatedClock
from shared.operations.service import Service
from shared.testing.plugin import MakeDatabase
from shared.testing.tokens import AUDIENCE, ISSUER, TestIssuer

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(START)


@pytest.fixture
def chosen() -> dict[str, Any]:
    """Settings that a test module wants otherwise; override this fixture there."""
    return {}


@pytest_asyncio.fixture
async def service(
    make_database: MakeDatabase, issuer: TestIssuer, clock: SimulatedClock, chosen: dict[str, Any]
) -> AsyncIterator[Service]:
    url = await make_database(complaints.HISTORY)
    settings = complaints.Settings(
        database_url=url,
        events_database_url=url,
        jwks=str(issuer.jwks_path),
        issuer=ISSUER,
        audience=AUDIENCE,
        access_log=False,
        **chosen,
    )
    built = complaints.build(settings, clock=clock, transport=PostgresTransport(url))
    await built.open()
    yield built
    await built.close()


class Desk:
    """What people do over HTTP, with the ETag carried along."""

    def __init__(self, http: httpx.AsyncClient, issuer: TestIssuer) -> None:
        self.http = http
        self.issuer = issuer

    def customer(self, customer_id: str) -> dict[str, str]:
        return self.issuer.headers("customer", "customer-1", customer_id=customer_id)

    async def file(self, **body: Any) -> "Case":
        headers = body.pop("headers", None)
        contact = body.pop("contact", {"name": "王芳", "email": "wang.fang@example.com"})
        given = {"channel": "phone", "description": "Charged twice.", "contact": contact, **body}
        answer = await self.http.post("/complaints", json=given, headers=headers)
        assert answer.status_code == 201, answer.text
        return Case(self, answer)

    async def owned(self, **body: Any) -> "Case":
        case = await self.file(**body)
        await case.do("assignment", owner_id="agent-7")
        return case


class Case:
    """One complaint as its handler sees it."""

    def __init__(self, desk: Desk, answer: httpx.Response) -> None:
        self.desk = desk
        self._take(answer)

    def _take(self, answer: httpx.Response) -> None:
        self.now: dict[str, Any] = answer.json()
        self.etag = answer.headers["etag"]
        self.id = self.now["id"]
        self.path = f"/complaints/{self.id}"

    async def post(
        self, resource: str, *, headers: dict[str, str] | None = None, **body: Any
    ) -> httpx.Response:
        sent = {"If-Match": self.etag, **(headers or {})}
        return await self.desk.http.post(f"{self.path}/{resource}", json=body, headers=sent)

    async def do(
        self, resource: str, *, headers: dict[str, str] | None = None, **body: Any
    ) -> dict[str, Any]:
        answer = await self.post(resource, headers=headers, **body)
        assert answer.status_code == 200, (resource, answer.text)
        self._take(answer)
        return self.now

    async def refused(self, resource: str, status: int, code: str, **body: Any) -> dict[str, Any]:
        """The command is refused by name, and nothing of the complaint has changed."""
        before = await self.read()
        answer = await self.post(resource, **body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert await self.read() == before
        problem: dict[str, Any] = answer.json()
        return problem

    async def read(self, headers: dict[str, str] | None = None) -> dict[str, Any]:
        answer = await self.desk.http.get(self.path, headers=headers)
        assert answer.status_code == 200, answer.text
        self._take(answer)
        return self.now

    async def messages(self) -> list[dict[str, Any]]:
        answer = await self.desk.http.get(f"{self.path}/messages")
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def timeline(self, headers: dict[str, str] | None = None) -> list[dict[str, Any]]:
        answer = await self.desk.http.get(f"{self.path}/timeline", headers=headers)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


@pytest_asyncio.fixture
async def http(service: Service, issuer: TestIssuer) -> AsyncIterator[httpx.AsyncClient]:
    """Calls as an agent unless a call says otherwise."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=service.app),
        base_url="http://complaints.test/complaints/v1",
        headers=issuer.headers("agent", "agent-7"),
    ) as client:
        yield client


@pytest.fixture
def desk(http: httpx.AsyncClient, issuer: TestIssuer) -> Desk:
    return Desk(http, issuer)


@pytest.fixture
def customer_id() -> str:
    return str(uuid4())


@pytest.fixture
def mail(service: Service) -> Any:
    """The mail worker."""
    return next(loop for loop in service.loops if loop.name == "complaints.mail")


@pytest_asyncio.fixture
async def outbox(service: Service) -> Any:
    """`await outbox()`: the events written so far, as (type, sequence, payload text), in order."""

    async def read() -> list[tuple[str, int, str]]:
        connection = await service.database.connect()
        try:
            rows = await connection.fetch("SELECT type, sequence, payload FROM outbox ORDER BY id")
        finally:
            await connection.close()
        return [(row["type"].split(".")[1], row["sequence"], row["payload"]) for row in rows]

    return read
