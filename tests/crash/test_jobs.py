"""The job worker killed between its steps: a version is applied to each subject once, and to every one."""

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from services.sla import service as sla
from services.sla.messaging.outbound import OUTBOUND
from services.sla.persistence.catalogue_store import Catalogues
from services.sla.usecases import apply_version
from services.sla.usecases.apply_version import apply_new_policy
from services.sla.usecases.record_external import StartExternalSubject, start_external_subject
from services.sla.usecases.write_policy import (
    AddPolicyVersion,
    CreatePolicy,
    add_policy_version,
    create_policy,
)
from services.sla.workers import jobs
from shared.db.database import Database
from shared.db.work import Work
from shared.events import outbox
from shared.events.outbox import OutboxWriter
from shared.kernel.clock import SystemClock
from shared.kernel.context import Actor
from shared.kernel.ids import new_id
from shared.testing.plugin import MakeDatabase
from shared.testing.worker_process import rows, run_worker

pytestmark = pytest.mark.crash

SUBJECTS = 7
BATCH = 2
ADMIN = Actor("admin", "a")
DOCUMENT: dict[str, Any] = {
    "agreement": "sla",
    "match": {"subject_kind": "external"},
    "targets": [{"metric": "resolution", "duration": 4, "unit": "elapsed_hours"}],
}


@pytest_asyncio.fixture
async def database(make_database: MakeDatabase) -> AsyncIterator[Database]:
    database = Database(await make_database(sla.HISTORY), clock=SystemClock(), name="sla")
    OutboxWriter("sla", OUTBOUND).attach(database)
    await database.open()
    await ask_for_application(database)
    yield database
    await database.close()


async def ask_for_application(database: Database) -> None:
    """Subjects under four hours, and a job that is to give them six."""
    catalogues = Catalogues()

    async def promise(work: Work) -> Any:
        return await create_policy(CreatePolicy("standard", DOCUMENT), work, catalogues=catalogues)

    async def start(work: Work) -> Any:
        starting = StartExternalSubject(new_id(), facts={"kind": "order"})
        return await start_external_subject(
            starting, work, catalogues=catalogues, tolerance=timedelta(minutes=5)
        )

    policy_id = await database.run(promise, actor=ADMIN)
    for _ in range(SUBJECTS):
        await database.run(start, actor=ADMIN)

    async def change(work: Work) -> Any:
        longer = DOCUMENT | {"targets": [DOCUMENT["targets"][0] | {"duration": 6}]}
        await add_policy_version(AddPolicyVersion(policy_id, 1, longer), work, catalogues=catalogues)
        return await apply_new_policy(policy_id, work, catalogues=catalogues)

    await database.run(change, actor=ADMIN)


async def work_on(url: str, failpoint: str = "") -> int:
    """Run a worker process until there is nothing to do, or it dies; its return code."""
    return await run_worker("sla.jobs", url, failpoint, settings={"SLA_JOB_BATCH": str(BATCH)})


async def check_applied_once(url: str) -> None:
    (job,) = await rows(url, "SELECT state, subjects_done, subjects_changed FROM jobs")
    assert tuple(job) == ("done", SUBJECTS, SUBJECTS)
    lines = await rows(url, "SELECT subject_id FROM ledger WHERE kind = 'policy_changed'")
    assert len(lines) == len({row["subject_id"] for row in lines}) == SUBJECTS
    told = await rows(url, "SELECT key FROM outbox WHERE type = 'sla.clock_retargeted.v1'")
    assert len(told) == len({row["key"] for row in told}) == SUBJECTS
    targets = await rows(url, "SELECT DISTINCT target_amount FROM clocks")
    assert [row["target_amount"] for row in targets] == [6]


@pytest.mark.parametrize(
    "failpoint",
    [
        f"{apply_version.AFTER_LINES}:2",
        f"{outbox.BEFORE_COMMIT}:2",
        f"{jobs.AFTER_COMMIT}:3",
    ],
)
async def test_a_killed_job_goes_on_where_it_stopped(database: Database, failpoint: str) -> None:
    assert await work_on(database.url, failpoint) == -signal.SIGKILL
    assert await work_on(database.url) == 0
    assert await work_on(database.url) == 0
    await check_applied_once(database.url)


async def test_two_workers_at_once_apply_it_once(database: Database) -> None:
    assert {*await asyncio.gather(work_on(database.url), work_on(database.url))} == {0}
    assert await work_on(database.url) == 0
    await check_applied_once(database.url)
