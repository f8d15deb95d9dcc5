"""The worker killed while it scores: every customer is scored once by the new version, and told of once."""

import json
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from services.valuation import service as valuation
from services.valuation.domain.ledger import Entry
from services.valuation.messaging.outbound import OUTBOUND
from services.valuation.usecases import score_customers
from services.valuation.usecases.book_transactions import Booking, book_transactions
from services.valuation.usecases.refit_models import start_refit
from services.valuation.workers.refits import RefitLoop
from shared.db.database import Database
from shared.events import outbox
from shared.events.outbox import OutboxWriter
from shared.kernel.clock import SystemClock
from shared.kernel.context import Actor
from shared.testing.plugin import MakeDatabase
from shared.testing.worker_process import rows, run_worker

pytestmark = pytest.mark.crash

CUSTOMERS = 450
BATCH = 100
ADMIN = Actor("admin", "a")
# The nightly refit is half a day away.
SETTINGS = {
    "VALUATION_SCORE_BATCH": str(BATCH),
    "VALUATION_REFIT_HOUR": str((datetime.now(UTC) + timedelta(hours=12)).hour),
}


@pytest_asyncio.fixture
async def database(make_database: MakeDatabase) -> AsyncIterator[Database]:
    """Customers, scored once; then a refit is asked for after what was told of them has come to differ much."""
    database = Database(await make_database(valuation.HISTORY), clock=SystemClock(), name="valuation")
    OutboxWriter("valuation", OUTBOUND).attach(database)
    await database.open()
    rules = valuation.valuation_of(settings_of(database.url), SystemClock())
    bookings = [booking(customer, step) for customer in range(CUSTOMERS) for step in range(1 + customer % 5)]
    await database.run(
        lambda work: book_transactions(bookings, work, rules, register_customers=True), actor=ADMIN
    )
    loop = RefitLoop(database, rules, poll_seconds=1, fit_seconds=60)
    await database.run(lambda work: start_refit(work, rules), actor=ADMIN)
    while await loop.run_once():
        pass
    await loop.close()
    async with database.transaction() as transaction:
        await transaction.connection.execute("UPDATE customer_scores SET told_clv_minor = 9e9")
    await database.run(lambda work: start_refit(work, rules), actor=ADMIN)
    yield database
    await database.close()


def settings_of(url: str) -> valuation.Settings:
    return valuation.Settings(database_url=url, events_database_url=url, jwks="unused", refit_hour=None)


def booking(customer: int, step: int) -> Booking:
    first = datetime.now(UTC) - timedelta(days=220 + customer % 60)
    entry = Entry(
        external_id=f"{customer}-{step}",
        kind="purchase",
        amount_minor=2000 + 7 * customer + 300 * step,
        currency="USD",
        occurred_at=first + timedelta(days=step * (9 + customer % 30)),
    )
    return Booking(entry, customer_external_id=f"c{customer}")


@pytest.mark.parametrize(
    "failpoint", [f"{score_customers.SCORES_WRITTEN}:2", f"{outbox.BEFORE_COMMIT}:3"], ids=["batch", "commit"]
)
async def test_a_killed_worker_goes_on_where_it_stopped(database: Database, failpoint: str) -> None:
    assert await run_worker("valuation.refits", database.url, failpoint, settings=SETTINGS) == -signal.SIGKILL
    assert await run_worker("valuation.refits", database.url, settings=SETTINGS) == 0
    job = await rows(
        database.url, "SELECT status, scored, told, attempts FROM refit_jobs ORDER BY id DESC LIMIT 1"
    )
    assert tuple(job[0])[:3] == ("completed", CUSTOMERS, CUSTOMERS)
    versions = await rows(database.url, "SELECT version, state FROM model_versions ORDER BY version")
    assert [tuple(one) for one in versions] == [(1, "retired"), (2, "promoted")]
    assert [
        tuple(one) for one in await rows(database.url, "SELECT DISTINCT model_version FROM customer_scores")
    ] == [(2,)]
    told = await rows(
        database.url, "SELECT key, payload FROM outbox WHERE type = 'valuation.customer_scored.v1'"
    )
    assert len(told) == len({row["key"] for row in told}) == CUSTOMERS
    assert {json.loads(row["payload"])["previous_clv_minor"] for row in told} == {9_000_000_000}
