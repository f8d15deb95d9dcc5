"""What the timer benches run on: a sla database with promises, clocks that will be due, and millions that wait.

Rows that are looked at (subjects, ledgers, clocks) are made by the server in one statement; those that only wait
(pending timers) are streamed in by COPY.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from services.sla.persistence.catalogue_store import Catalogues
from services.sla.persistence.tables import HISTORY
from services.sla.usecases.write_policy import CreatePolicy, create_policy
from shared.db.database import Database
from shared.db.migrations import upgrade
from shared.db.work import Work
from shared.kernel.context import Actor

TARGET = timedelta(hours=4)
POLICY = {
    "agreement": "sla",
    "match": {"subject_kind": "ticket"},
    "targets": [
        {
            "metric": "resolution",
            "duration": 4,
            "unit": "elapsed_hours",
            "escalations": [{"offset": 1, "target": "lead"}],
        }
    ],
}
CAUGHT_UP = (
    "INSERT INTO consumer_progress (consumer_group, topic, partition, consumed_through_at, caught_up, checked_at, "
    "trusted_until) VALUES ('sla', 'ticketing.events', 0, now(), true, now(), NULL) ON CONFLICT DO NOTHING"
)
_ISO = """'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'"""
_DETAIL = f"""jsonb_build_object('pauses', '[]'::jsonb, 'retargets', '[]'::jsonb, 'fired', '[]'::jsonb,
    'published_breaches', '[]'::jsonb, 'plan', jsonb_build_array(
        jsonb_build_array('breach', 0, 0, 0, to_char(due_at AT TIME ZONE 'UTC', {_ISO}), '', 'due'),
        jsonb_build_array('escalation', 1, 0, 0, to_char(due_at + interval '1 hour', {_ISO}), 'lead',
            '1 after due')))"""
# One open ticket each, with one clock whose breach comes next and whose escalation follows an hour later.
_PROMISES = f"""
WITH made AS MATERIALIZED (
    SELECT uuidv7() AS subject_id, gen_random_uuid() AS clock_id, gen_random_uuid() AS customer_id, n,
        $2::timestamptz + n * $3::interval AS due_at
    FROM generate_series(0, $1::bigint - 1) AS n
), known AS (
    INSERT INTO subjects (id, kind, revision, number, customer_id, opened_at, is_open, sequence,
        last_occurred_at, version)
    SELECT subject_id, 'ticket', 1, 'T-' || n, customer_id, due_at - $5::interval, true, 1,
        due_at - $5::interval, 1
    FROM made
), lines AS (
    INSERT INTO ledger (id, subject_id, kind, occurred_at, recorded_at, source, sequence, event_id, data)
    SELECT uuidv7(), subject_id, 'opened', due_at - $5::interval, due_at - $5::interval, 'ticketing', 1,
        gen_random_uuid(), jsonb_build_object('state', 'new', 'customer_id', customer_id)
    FROM made
), followed AS (
    INSERT INTO clocks (id, cycle, subject_id, subject_kind, customer_id, agreement, metric, policy_version_id,
        target_amount, target_unit, priority, run_state, state, started_at, due_at, due_position, rearmed_at,
        generation, arming, armed_at, detail)
    SELECT clock_id, 1, subject_id, 'ticket', customer_id, 'sla', 'resolution', $4::uuid, 4, 'elapsed_hours',
        'p' || n % 4, 'running', 'running', due_at - $5::interval, due_at,
        extract(epoch FROM $5::interval)::bigint * 1000000, due_at - $5::interval, 1, 0,
        due_at - $5::interval, {_DETAIL}
    FROM made
)
INSERT INTO timers (clock_id, cycle, subject_id, kind, level, due_at, generation, shard)
SELECT clock_id, 1, subject_id, 'breach', 0, due_at, 1, n % 16 FROM made ORDER BY due_at
"""
_TABLES = ("timers", "subjects", "ledger", "clocks")
_INDEXES = """
SELECT indexname AS name, indexdef AS definition FROM pg_indexes
WHERE tablename = ANY ($1) AND indexname NOT IN (SELECT conname FROM pg_constraint)
"""
# Keys first: those of other tables refer to them.
_CONSTRAINTS = """
SELECT conname AS name, conrelid::regclass::text AS owner, pg_get_constraintdef(oid) AS definition FROM pg_constraint
WHERE contype IN ('p', 'u', 'f') AND conrelid::regclass::text = ANY ($1) ORDER BY contype <> 'f' DESC, conname
"""
TIMER_COLUMNS = ("clock_id", "cycle", "subject_id", "kind", "level", "due_at", "generation", "shard")
# COPY in text: what waits needs no more than to be told apart.
_LINES = 20_000
_MANY = 1_000_000


async def make_schema(url: str) -> None:
    """Migrate, and let the consumer be taken for caught up."""
    await upgrade(HISTORY, url)
    connection = await asyncpg.connect(url)
    await connection.execute(CAUGHT_UP)
    await connection.close()


async def promise(database: Database, since: datetime) -> UUID:
    """Four hours for every ticket; the id of the policy's version."""

    async def write(work: Work) -> None:
        await create_policy(CreatePolicy("all tickets", POLICY, since), work, catalogues=Catalogues())

    await database.run(write, actor=Actor("admin", "bench"))
    async with database.session() as session:
        version: UUID = await session.connection.fetchval("SELECT id FROM policy_versions")
    return version


async def add_promises(
    connection: Any, count: int, first_due_at: datetime, spacing: timedelta, version: UUID
) -> None:
    """`count` open tickets whose clocks are due from then on, so far apart."""
    async with _bare_tables(connection, count):
        for first in range(0, count, _MANY):
            await connection.execute(
                _PROMISES,
                min(_MANY, count - first),
                first_due_at + first * spacing,
                spacing,
                version,
                TARGET,
                timeout=3_600,
            )


async def add_waiting(connection: Any, count: int, from_at: datetime, span: timedelta) -> None:
    """`count` pending timers spread over `span`, by COPY, in no order of their due instants."""
    async with _bare_tables(connection, count):
        await connection.copy_to_table(
            "timers",
            source=_waiting(count, from_at, span),
            columns=TIMER_COLUMNS,
            format="text",
            timeout=3_600,
        )


@asynccontextmanager
async def _bare_tables(connection: Any, count: int) -> AsyncIterator[None]:
    """Millions of rows are filled in first and sorted and checked once, as a restore does: a tenth of the time."""
    if count <= _MANY:
        yield
        return
    indexes = await connection.fetch(_INDEXES, list(_TABLES))
    keys = await connection.fetch(_CONSTRAINTS, list(_TABLES))
    for key in reversed(keys):
        await connection.execute(f"ALTER TABLE {key['owner']} DROP CONSTRAINT {key['name']}")
    for index in indexes:
        await connection.execute(f"DROP INDEX {index['name']}")
    yield
    await connection.execute("SET maintenance_work_mem = '1GB'")
    for key in keys:
        await connection.execute(
            f"ALTER TABLE {key['owner']} ADD CONSTRAINT {key['name']} {key['definition']}", timeout=3_600
        )
    for index in indexes:
        await connection.execute(index["definition"], timeout=3_600)


async def _waiting(count: int, from_at: datetime, span: timedelta) -> AsyncIterator[bytes]:
    start, seconds = from_at.timestamp(), span.total_seconds()
    # A prime stride over the span: neighbours in the table are far apart in time, as after weeks of work.
    stride = seconds * 0.6180339887
    clock, subject = uuid4().hex[:20], uuid4().hex[:20]
    for first in range(0, count, _LINES):
        lines = []
        for n in range(first, min(first + _LINES, count)):
            at = datetime.fromtimestamp(start + n * stride % seconds, UTC).isoformat()
            lines.append(f"{clock}{n:012x}\t1\t{subject}{n:012x}\tbreach\t0\t{at}\t1\t{n % 16}\n")
        yield "".join(lines).encode()


async def clear_fired(connection: Any) -> None:
    """Nothing is due, soon due, or was fired; what waits for later stays."""
    await connection.execute(
        "TRUNCATE firings, outbox; DELETE FROM timers WHERE due_at < now() + interval '3 hours'; "
        "UPDATE timer_marks SET low_water_at = now() - interval '1 day'",
        timeout=600,
    )


async def settle(connection: Any) -> None:
    """Statistics and maps as autovacuum would have made them, nothing left to write back."""
    await connection.execute("VACUUM ANALYZE", timeout=3_600)
