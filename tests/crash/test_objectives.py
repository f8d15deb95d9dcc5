"""The worker of availability objectives killed between its steps: each breach is told once, none is missed."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import pytest
import pytest_asyncio

from services.sla import service as sla
from services.sla.domain.availability.objective import ObjectiveVersion
from services.sla.messaging.outbound import OUTBOUND
from services.sla.usecases import evaluate_objectives
from services.sla.usecases.record_outage import RecordOutage, record_outage
from services.sla.usecases.write_objective import CreateObjective, create_objective
from shared.db.database import Database
from shared.db.work import Work
from shared.events import outbox
from shared.events.outbox import OutboxWriter
from shared.kernel.clock import SystemClock
from shared.kernel.context import Actor
from shared.testing.plugin import MakeDatabase
from shared.testing.worker_process import rows, run_worker

pytestmark = pytest.mark.crash

OBJECTIVES = 5
BATCH = 2


@pytest_asyncio.fixture
async def database(make_database: MakeDatabase) -> AsyncIterator[Database]:
    database = Database(await make_database(sla.HISTORY), clock=SystemClock(), name="sla")
    OutboxWriter("sla", OUTBOUND).attach(database)
    await database.open()
    await report_outages(database)
    yield database
    await database.close()


async def report_outages(database: Database) -> None:
    """Objectives that each missed one month that is over."""
    now = database.clock.now()
    version = ObjectiveVersion(1, Decimal("0.999"), now - timedelta(days=100), burn_alerts=())

    async def promise(work: Work) -> None:
        for place in range(OBJECTIVES):
            await create_objective(CreateObjective(f"o{place}", f"offering-{place}", "UTC", version), work)
            # In the middle of a month, so that it is the outage of that month alone.
            start = (now - timedelta(days=45)).replace(day=15)
            outage = RecordOutage(f"offering-{place}", start, start + timedelta(hours=3), "network", False)
            await record_outage(outage, work)

    await database.run(promise, actor=Actor("admin", "a"))


async def work_on(url: str, failpoint: str = "") -> int:
    """Run a worker process until there is nothing to do, or it dies; its return code."""
    return await run_worker("sla.objectives", url, failpoint, settings={"SLA_AVAILABILITY_BATCH": str(BATCH)})


async def told(url: str) -> Counter[tuple[str, int]]:
    """Published breaches by objective and sequence."""
    query = "SELECT key, sequence FROM outbox WHERE type = 'sla.availability_objective_breached.v1'"
    return Counter((str(row["key"]), row["sequence"]) for row in await rows(url, query))


@pytest.mark.parametrize(
    "failpoint",
    [
        f"{evaluate_objectives.AFTER_BREACH}:2",
        f"{outbox.BEFORE_COMMIT}:2",
        f"{outbox.AFTER_COMMIT}:2",
    ],
)
async def test_a_killed_worker_misses_no_breach_and_repeats_none(database: Database, failpoint: str) -> None:
    assert await work_on(database.url, failpoint) == -signal.SIGKILL
    assert await work_on(database.url) == 0
    assert await work_on(database.url) == 0
    objectives = await rows(database.url, "SELECT id FROM availability_objectives")
    assert await told(database.url) == Counter({(str(row["id"]), 1): 1 for row in objectives})
    assert len(await rows(database.url, "SELECT 1 FROM availability_breaches")) == OBJECTIVES


async def test_two_workers_at_once_repeat_none(database: Database) -> None:
    codes = await asyncio.gather(work_on(database.url), work_on(database.url))
    assert set(codes) == {0}
    assert await work_on(database.url) == 0
    assert sorted((await told(database.url)).values()) == [1] * OBJECTIVES
