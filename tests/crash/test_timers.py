"""The timer worker killed between its steps: no threshold missed, none twice.

A real process fires real timers and dies at a failpoint; another one goes on after it.
"""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from services.sla import service as sla
from services.sla.domain.ledger import Entry, EntryKind
from services.sla.domain.metrics import SubjectKind
from services.sla.messaging.outbound import OUTBOUND
from services.sla.persistence import subject_store
from services.sla.persistence.catalogue_store import Catalogues
from services.sla.usecases import fire_timers, tell_digest
from services.sla.usecases.write_policy import CreatePolicy, create_policy
from services.sla.workers import digests, timers
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

SUBJECTS = 12
BATCH = 4
HOUR = timedelta(hours=1)
CAUGHT_UP = (
    "INSERT INTO consumer_progress (consumer_group, topic, partition, consumed_through_at, caught_up, checked_at, "
    "trusted_until) VALUES ('sla', 'ticketing.events', 0, now(), true, now(), NULL)"
)
POLICY = {
    "agreement": "sla",
    "match": {"subject_kind": "ticket"},
    "targets": [
        {
            "metric": "resolution",
            "duration": 4,
            "unit": "elapsed_hours",
            "warn_at": [0.5],
            "escalations": [{"offset": 0, "target": "lead"}, {"offset": 1, "target": "manager"}],
        },
        {"metric": "time_to_own", "duration": 2, "unit": "elapsed_hours"},
    ],
}


async def open_subjects(database: Database) -> None:
    """Tickets whose thresholds are all past by now, and one that waits since before them."""
    catalogues = Catalogues()
    now = database.clock.now()

    async def promise(work: Work) -> None:
        await create_policy(CreatePolicy("all", POLICY, now - 48 * HOUR), work, catalogues=catalogues)

    async def begin(work: Work) -> None:
        ids = [new_id() for _ in range(SUBJECTS)]
        subjects = await subject_store.lock_or_add(work, dict.fromkeys(ids, SubjectKind.TICKET))
        for place, subject_id in enumerate(ids):
            subject = subjects[subject_id]
            opened_at = now - 24 * HOUR + place * timedelta(minutes=1)
            lines = [line(EntryKind.OPENED, opened_at, 1, customer_id=str(new_id()), state="new")]
            if place == 0:
                lines.append(line(EntryKind.WAITING, opened_at + HOUR, 2, waiting_on="customer"))
            subject.record(lines, await catalogues.at(work, subject.revision), now)
            work.record(*subject.take_events())
        await subject_store.save(work, subjects.values())

    await database.run(promise, actor=Actor("admin", "a"))
    await database.run(begin, actor=Actor("system", "test"))


def line(kind: EntryKind, at: Any, sequence: int, **data: Any) -> Entry:
    return Entry(new_id(), kind, at, at, "ticketing", sequence, new_id(), data=data)


@pytest_asyncio.fixture
async def database(make_database: MakeDatabase) -> AsyncIterator[Database]:
    database = Database(await make_database(sla.HISTORY), clock=SystemClock(), name="sla")
    OutboxWriter("sla", OUTBOUND).attach(database)
    await database.open()
    await open_subjects(database)
    yield database
    await database.close()


async def work_on(url: str, failpoint: str = "") -> int:
    """Run a worker process until nothing is due, or it dies; its return code."""
    return await run_worker("sla.timers", url, failpoint, settings={"SLA_TIMER_BATCH": str(BATCH)})


async def faults(url: str) -> list[str]:
    """What is missing, double or false, told from the journal and the published events."""
    wrong = []
    journal = await rows(url, "SELECT subject_id, clock_id, kind, level, is_digest FROM firings")
    waiting = {
        row["subject_id"] for row in await rows(url, "SELECT subject_id FROM ledger WHERE kind = 'waiting'")
    }
    expected = {"warning": 1, "breach": 2, "escalation": 2}
    for subject in await rows(url, "SELECT id FROM subjects"):
        found = Counter(row["kind"] for row in journal if row["subject_id"] == subject["id"])
        right = {"breach": 1} if subject["id"] in waiting else expected
        if dict(found) != right:
            wrong.append(f"{subject['id']}: {dict(found)} instead of {right}")
    events = await rows(
        url, "SELECT key, sequence, type, payload::jsonb->>'clock_id' AS clock_id FROM outbox ORDER BY id"
    )
    breaches = Counter(row["clock_id"] for row in events if row["type"] == "sla.clock_breached.v1")
    journalled = Counter(str(row["clock_id"]) for row in journal if row["kind"] == "breach")
    if breaches != journalled:
        wrong.append(f"published {breaches}, journalled {journalled}")
    by_key: dict[UUID, list[int]] = {}
    for row in events:
        by_key.setdefault(row["key"], []).append(row["sequence"])
    wrong += [f"{key}: {seen}" for key, seen in by_key.items() if seen != list(range(1, len(seen) + 1))]
    if await rows(url, "SELECT id FROM timers WHERE parked_at IS NULL AND due_at <= now()"):
        wrong.append("due timers are left")
    return wrong


@pytest.mark.parametrize(
    "failpoint",
    [
        f"{fire_timers.AFTER_CLAIM}:2",
        f"{fire_timers.AFTER_FIRE}:2",
        f"{fire_timers.AFTER_DELETE}:2",
        f"{outbox.BEFORE_COMMIT}:2",
        f"{timers.AFTER_COMMIT}:2",
    ],
)
async def test_a_killed_worker_misses_no_threshold_and_repeats_none(
    database: Database, failpoint: str
) -> None:
    await rows(database.url, CAUGHT_UP)
    assert await work_on(database.url, failpoint) == -signal.SIGKILL
    assert await work_on(database.url) == 0
    assert await faults(database.url) == []


async def tell_on(url: str, failpoint: str = "") -> int:
    """Run a worker process until every digest is told, or it dies; its return code."""
    return await run_worker("sla.digests", url, failpoint, settings={"SLA_DIGEST_SETTLE_SECONDS": "0.001"})


async def digest_faults(url: str) -> list[str]:
    """What is wrong with the digests, told from the journal and the published events."""
    wrong = await faults(url)
    journal = await rows(url, "SELECT clock_id::text, kind, level FROM firings WHERE is_digest")
    told = await rows(
        url,
        "SELECT item->>'clock_id', item->>'kind', (item->>'level')::smallint FROM outbox, "
        "jsonb_array_elements(payload::jsonb->'items') AS item WHERE type = 'sla.escalation_digest.v1'",
    )
    if not journal or Counter(map(tuple, journal)) != Counter(map(tuple, told)):
        wrong.append(f"{len(told)} lines told, {len(journal)} journalled")
    parts = await rows(
        url, "SELECT key, payload::jsonb->>'window_start' FROM outbox WHERE type = 'sla.escalation_digest.v1'"
    )
    if len(parts) != len(set(map(tuple, parts))):
        wrong.append("a target was told of a window more than once")
    return wrong


@pytest.mark.parametrize(
    "failpoint",
    [f"{tell_digest.AFTER_LINES}:2", f"{outbox.BEFORE_COMMIT}:2", f"{digests.AFTER_COMMIT}:2"],
)
async def test_worker_killed_between_lines_and_digest_tells_each_line_once(
    database: Database, failpoint: str
) -> None:
    await rows(database.url, CAUGHT_UP)
    assert await work_on(database.url) == 0
    assert len(await digest_faults(database.url)) == 1, "nothing is told yet"
    assert await tell_on(database.url, failpoint) == -signal.SIGKILL
    assert await tell_on(database.url) == 0
    assert await digest_faults(database.url) == []


async def test_two_workers_at_once_tell_each_target_once(database: Database) -> None:
    await rows(database.url, CAUGHT_UP)
    assert await work_on(database.url) == 0
    assert await asyncio.gather(tell_on(database.url), tell_on(database.url)) == [0, 0]
    assert await digest_faults(database.url) == []


async def test_two_workers_at_once_share_the_timers_and_repeat_none(database: Database) -> None:
    await rows(database.url, CAUGHT_UP)
    codes = await asyncio.gather(work_on(database.url), work_on(database.url))
    assert codes == [0, 0]
    # One may have found all that was left in the other's hands, and gone home before a subject was free.
    assert await work_on(database.url) == 0
    assert await faults(database.url) == []


async def test_the_check_would_see_a_missing_and_a_double_threshold(database: Database) -> None:
    await rows(database.url, CAUGHT_UP)
    assert await work_on(database.url) == 0
    await rows(
        database.url,
        "INSERT INTO firings SELECT clock_id, cycle, kind, level, repeat, arming + 1, subject_id, threshold_at, "
        "fired_at, target, is_digest FROM firings WHERE kind = 'breach' LIMIT 1",
    )
    assert len(await faults(database.url)) == 2
