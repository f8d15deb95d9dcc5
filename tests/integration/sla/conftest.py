"""An sla service on a database of its own, under a simulated clock, told of events as the other services tell it."""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from careloop.stepping import Stepper
from services.sla import service as sla
from shared.contracts.base import Contract
from shared.contracts.ticketing import TicketOpenedV1
from shared.db.statements import Statement
from shared.events.envelope import Envelope, to_headers, topic_of
from shared.events.transport.base import OutgoingRecord
from shared.events.transport.postgres import PostgresTransport
from shared.kernel.clock import SimulatedClock
from shared.kernel.ids import new_id
from shared.operations.service import Service
from shared.testing.plugin import MakeDatabase
from shared.testing.tokens import AUDIENCE, ISSUER, TestIssuer

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALWAYS = {"name": "always", "timezone": "UTC", "weekly": {day: [["00:00", "24:00"]] for day in WEEK}}
TARGET: Mapping[str, Any] = {
    "metric": "resolution",
    "duration": 4,
    "unit": "business_hours",
    "warn_at": [0.5],
    "escalations": [{"offset": 0, "target": "lead"}],
}
PRODUCERS = ("ticketing", "complaints", "valuation", "sla")


class Desk:
    """The service with its surroundings: other services' events, the clock, its API by role."""

    def __init__(
        self, service: Service, clock: SimulatedClock, transport: PostgresTransport, issuer: TestIssuer
    ) -> None:
        self.service = service
        self.clock = clock
        self.transport = transport
        self.issuer = issuer
        self.stepper = Stepper([service], clock)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(service.app), base_url="http://sla")
        self._sequences: dict[UUID, int] = defaultdict(int)
        self.envelopes: list[tuple[Envelope, Contract]] = []

    @staticmethod
    def at(text: str) -> datetime:
        """`10:00`, or `+1 10:00` for the day after that Monday."""
        days, _, time = text.rpartition(" ")
        hour, minute = (int(part) for part in time.split(":"))
        return MONDAY + timedelta(days=int(days or 0), hours=hour, minutes=minute)

    def loop(self, name: str) -> Any:
        return next(loop for loop in self.service.loops if loop.name == name)

    async def call(self, method: str, path: str, *, role: str = "admin", **request: Any) -> httpx.Response:
        claims = {name: request.pop(name) for name in ("customer_id", "scopes") if name in request}
        headers = {**self.issuer.headers(role, **claims), **request.pop("headers", {})}
        return await self.http.request(method, f"/sla/v1/{path}", headers=headers, **request)

    async def get(self, path: str, **request: Any) -> Any:
        answer = await self.call("GET", path, **request)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any, **request: Any) -> Any:
        answer = await self.call("POST", path, json=body, **request)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def promise(self, *targets: Mapping[str, Any], name: str = "standard", **policy: Any) -> Any:
        """A calendar that is always open, unless there is one, and a policy on it for every ticket."""
        calendars = (await self.get("calendars"))["items"]
        calendar = calendars[0] if calendars else await self.post("calendars", ALWAYS)
        body = {
            "name": name,
            "agreement": "sla",
            "match": {"subject_kind": "ticket"},
            "calendar_id": calendar["id"],
            "targets": list(targets) or [TARGET],
        }
        return await self.post("policies", body | policy)

    async def publish(
        self, key: UUID, contract: Contract, *, at: datetime | None = None, again: Envelope | None = None
    ) -> Envelope:
        """An event as its producer publishes it; nothing is consumed yet."""
        if again is None:
            self._sequences[key] += 1
        envelope = again or Envelope(
            id=new_id(),
            source=contract.producer(),
            type=contract.TYPE,
            key=key,
            sequence=self._sequences[key],
            occurred_at=at or self.clock.now(),
            correlation_id=new_id(),
        )
        value = contract.model_dump_json().encode()
        record = OutgoingRecord(topic_of(envelope.source), str(key), to_headers(envelope), value)
        await self.transport.publish([record])
        self.envelopes.append((envelope, contract))
        return envelope

    async def open_ticket(self, ticket_id: UUID | None = None, **facts: Any) -> UUID:
        ticket_id = ticket_id or new_id()
        at = facts.pop("at", None) or self.clock.now()
        opened: dict[str, Any] = {
            "number": f"T-{ticket_id}",
            "customer_id": new_id(),
            "kind": "incident",
            "channel": "web",
            "priority": "high",
            "state": "new",
            "opened_at": at,
        }
        await self.publish(ticket_id, TicketOpenedV1(ticket_id=ticket_id, **(opened | facts)), at=at)
        return ticket_id

    async def drain(self) -> None:
        """Consume and fire what can be at this instant."""
        for loop in self.service.loops:
            loop.wake.set()
        await self.stepper.drain()

    async def advance(self, to: str) -> None:
        await self.drain()
        await self.stepper.advance(self.at(to))

    async def clocks(self, **filters: Any) -> list[Any]:
        return list((await self.get("clocks", params=filters))["items"])

    async def rows(self, query: str) -> list[Any]:
        async with self.service.database.session() as session:
            return await session.fetch_all(Statement(query, (), {}))

    async def published(self) -> list[tuple[str, int]]:
        """Types (without `sla.` and version) and sequences of what was published, in order."""
        rows = await self.rows(
            "SELECT type, sequence, outbox_id AS id FROM published_events "
            "UNION ALL SELECT type, sequence, id FROM outbox ORDER BY id"
        )
        return [(row["type"].removeprefix("sla.").removesuffix(".v1"), row["sequence"]) for row in rows]


MakeDesk = Callable[..., Awaitable[Desk]]


@pytest_asyncio.fixture
async def make_desk(make_database: MakeDatabase, issuer: TestIssuer) -> AsyncIterator[MakeDesk]:
    made: list[Desk] = []

    async def make(**settings: Any) -> Desk:
        transport = PostgresTransport(await make_database(None))
        await transport.migrate()
        await transport.create_topics([f"{name}.events" for name in PRODUCERS])
        url = await make_database(sla.HISTORY)
        given = sla.Settings(
            database_url=url,
            events_database_url=url,
            jwks=str(issuer.jwks_path),
            issuer=ISSUER,
            audience=AUDIENCE,
            access_log=False,
            **settings,
        )
        clock = SimulatedClock(MONDAY + timedelta(hours=8))
        built = sla.build(given, clock=clock, transport=transport)
        await built.open()
        made.append(Desk(built, clock, transport, issuer))
        return made[-1]

    yield make
    for desk in made:
        await desk.http.aclose()
        for loop in desk.service.loops:
            await loop.close()
        await desk.service.close()
        await desk.transport.close()


@pytest_asyncio.fixture
async def desk(make_desk: MakeDesk) -> Desk:
    return await make_desk()


@pytest.fixture
def target() -> dict[str, Any]:
    return dict(TARGET)


@pytest.fixture
def calendar() -> dict[str, Any]:
    return dict(ALWAYS)
