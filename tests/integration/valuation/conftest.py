"""A valuation service on a database of its own, under a clock that the test steps."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from services.valuation.persistence.history import HISTORY
from services.valuation.service import build, valuation_of
from services.valuation.settings import Settings
from services.valuation.usecases.context import Valuation
from services.valuation.workers.imports import ImportLoop
from services.valuation.workers.insights import InsightLoop
from services.valuation.workers.reviews import ReviewLoop
from shared.contracts.base import Contract
from shared.events.consumer import Consumer
from shared.events.envelope import Envelope, to_headers, topic_of
from shared.events.transport import OutgoingRecord
from shared.events.transport.postgres import PostgresTransport
from shared.kernel.clock import SimulatedClock
from shared.kernel.ids import new_id
from shared.operations.service import Service
from shared.testing.plugin import MakeDatabase
from shared.testing.tokens import AUDIENCE, ISSUER, TestIssuer

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass
class House:
    """The service, a client of its API for each role, and its clock."""

    service: Service
    clock: SimulatedClock
    settings: Settings
    valuation: Valuation
    issuer: TestIssuer
    transport: PostgresTransport
    base: str = "/valuation/v1"

    def client(self, role: str = "admin", **token: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.service.app, raise_app_exceptions=False),
            base_url=f"http://valuation{self.base}",
            headers={"Authorization": f"Bearer {self.issuer.token(role, **token)}"},
        )

    async def events(self) -> list[dict[str, Any]]:
        """What is in the outbox, in order."""
        async with self.service.database.session() as session:
            rows = await session.connection.fetch("SELECT * FROM outbox ORDER BY id")
        return [dict(row) for row in rows]

    async def value(self, query: str, *arguments: Any) -> Any:
        async with self.service.database.session() as session:
            return await session.connection.fetchval(query, *arguments)

    def loop(self, kind: type[Any]) -> Any:
        return next(loop for loop in self.service.loops if isinstance(loop, kind))

    async def loop_once(self) -> int:
        """One batch of reviews."""
        judged: int = await self.loop(ReviewLoop).run_once()
        return judged

    async def tell(self, *records: OutgoingRecord) -> None:
        """Publish, as other systems do, and consume all of it."""
        consumer = self.loop(Consumer)
        await self.transport.migrate()
        await self.transport.create_topics(sorted({topic_of(one.producer()) for one in consumer.contracts}))
        await self.transport.publish(records)
        consumer.wake.set()
        while await consumer.run_once():
            consumer.wake.set()

    async def review(self) -> int:
        """Everything that is due for review now."""
        done = 0
        while batch := await self.loop(ReviewLoop).run_once():
            done += batch
        return done

    async def book_imports(self) -> int:
        done = 0
        while batch := await self.loop(ImportLoop).run_once():
            done += batch
        return done

    async def look(self) -> int:
        """Everything that insights wait for now."""
        done = 0
        while batch := await self.loop(InsightLoop).run_once():
            done += batch
        return done

    async def told(self, payload: Contract, *, key: UUID | None = None, sequence: int = 1) -> None:
        """Another service's event arrives through the log and the service's own consumer."""
        envelope = Envelope(
            id=new_id(),
            source=payload.producer(),
            type=payload.TYPE,
            key=key or new_id(),
            sequence=sequence,
            occurred_at=self.clock.now(),
            correlation_id=new_id(),
        )
        topic = topic_of(payload.producer())
        body = payload.model_dump_json().encode()
        await self.tell(OutgoingRecord(topic, str(envelope.key), to_headers(envelope), body))
        assert await self.value("SELECT count(*) FROM dead_letters") == 0

    async def advance(self, to: datetime) -> None:
        """Step to each due review up to `to`, as the suite does."""
        loop = self.loop(ReviewLoop)
        while (due := await loop.next_due_at()) is not None and due <= to:
            self.clock.set(max(due, self.clock.now()))
            assert await self.review() > 0
        self.clock.set(to)

    async def pass_days(self, days: float) -> None:
        await self.advance(self.clock.now() + timedelta(days=days))


MakeHouse = Callable[..., Any]


@pytest_asyncio.fixture
async def make_house(make_database: MakeDatabase, issuer: TestIssuer) -> AsyncIterator[MakeHouse]:
    opened: list[Service] = []
    transports: list[PostgresTransport] = []

    async def make(start: datetime = START, **overrides: Any) -> House:
        url = await make_database(HISTORY)
        clock = SimulatedClock(start)
        settings = Settings(
            database_url=url,
            events_database_url=url,
            issuer=ISSUER,
            audience=AUDIENCE,
            jwks=str(issuer.jwks_path),
            access_log=False,
            **overrides,
        )
        transport = PostgresTransport(url)
        service = build(settings, clock=clock, transport=transport)
        await service.open()
        opened.append(service)
        transports.append(transport)
        return House(service, clock, settings, valuation_of(settings, clock), issuer, transport)

    yield make
    for service in opened:
        for loop in service.loops:
            await loop.close()
        await service.close()
    for transport in transports:
        await transport.close()


@pytest_asyncio.fixture
async def house(make_house: MakeHouse) -> House:
    made: House = await make_house()
    return made


@pytest.fixture
def start() -> datetime:
    return START
