"""What the ledger benches run on: a valuation database, customers, and transactions as others would send them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from careloop.infrastructure.postgres import EVENT_LOG, PostgresServer
from careloop.issuer import issue_token, jwks_path
from services.valuation.messaging.outbound import OUTBOUND
from services.valuation.persistence import tier_rules
from services.valuation.persistence.history import HISTORY
from services.valuation.service import Settings, valuation_of
from services.valuation.usecases.register_customers import RegisterCustomer, register_all
from shared.contracts.billing import TransactionReportedV1
from shared.db.database import Database
from shared.db.migrations import upgrade
from shared.db.work import Work
from shared.events.envelope import Envelope, to_headers
from shared.events.outbox import OutboxWriter
from shared.events.transport import OutgoingRecord
from shared.kernel.clock import SystemClock
from shared.kernel.context import Actor
from shared.kernel.ids import new_id

DAYS = 360
HEADER = "external_id,customer_external_id,occurred_at,amount_minor\n"


@dataclass
class Ledger:
    """A database at head and the settings of a service on it."""

    settings: Settings
    token: str

    async def value(self, query: str) -> Any:
        connection = await asyncpg.connect(self.settings.database_url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    async def register(self, count: int) -> list[UUID]:
        """New customers."""
        database = Database(self.settings.database_url, clock=SystemClock(), name="valuation")
        OutboxWriter("valuation", OUTBOUND).attach(database)
        valuation = valuation_of(self.settings, SystemClock())

        async def run(work: Work) -> list[UUID]:
            commands = [RegisterCustomer(None, "person") for _ in range(count)]
            added = await register_all(commands, work, valuation, await tier_rules.in_force(work, work.now))
            return [customer.id for customer, _ in added]

        await database.open()
        try:
            return await database.run(run, actor=Actor("system", "bench"))
        finally:
            await database.close()


@asynccontextmanager
async def opened_ledger(directory: Path) -> AsyncIterator[Ledger]:
    """A PostgreSQL of its own, durable as one in service is."""
    async with PostgresServer(directory, databases=("valuation", EVENT_LOG)) as postgres:
        url = postgres.url("valuation")
        await upgrade(HISTORY, url)
        token = issue_token(directory, "admin", "bench")
        settings = Settings(
            environment="development",
            database_url=url,
            events_database_url=postgres.url(EVENT_LOG),
            jwks=str(jwks_path(directory)),
            access_log=False,
        )
        yield Ledger(settings, token)


def reports(customers: list[UUID], count: int) -> list[OutgoingRecord]:
    """Purchases as a billing system tells them, customers in turns."""
    now = datetime.now(UTC)
    return [_report(customers[n % len(customers)], now - timedelta(seconds=count - n)) for n in range(count)]


def _report(customer: UUID, at: datetime) -> OutgoingRecord:
    event_id = new_id()
    envelope = Envelope(
        id=event_id,
        source="billing",
        type=TransactionReportedV1.TYPE,
        key=customer,
        sequence=1,
        occurred_at=at,
        correlation_id=event_id,
    )
    payload = TransactionReportedV1(
        external_id=str(event_id),
        customer_id=customer,
        amount_minor=1000 + event_id.int % 5000,
        currency="USD",
        occurred_at=at,
    )
    return OutgoingRecord(
        "billing.events", str(customer), to_headers(envelope), payload.model_dump_json().encode()
    )


def csv(rows: int, customers: int) -> Iterator[bytes]:
    """A log of orders by day, the customers of each day at random, in chunks as they would arrive."""
    first = datetime.now(UTC).date() - timedelta(days=DAYS)
    chunk = [HEADER]
    for n in range(rows):
        day = first + timedelta(days=n * DAYS // rows)
        chunk.append(f"o-{n},c-{n * 7919 % customers},{day},{100 + n % 5000}\n")
        if len(chunk) == 500:
            yield "".join(chunk).encode()
            chunk = []
    yield "".join(chunk).encode()
