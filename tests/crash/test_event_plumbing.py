"""A process is killed at each failpoint of the event plumbing: nothing lost, nothing twice, each key in order."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from careloop.infrastructure.kafka import KafkaServer
from shared.db.database import Database
from shared.events.transport.postgres import PostgresTransport
from shared.kernel import failpoints
from shared.testing import workshop as w
from shared.testing import workshop_process as process

ROOT = Path(__file__).parents[2]
STAGES = ("write", "relay", "consume", "replay")
COUNT = 18

# failpoint → the stage that hits it, and at which hit it dies.
KILLED_AT = {
    "outbox.before_commit": ("write", 5),
    "outbox.after_commit": ("write", 5),
    "relay.after_read": ("relay", 2),
    "relay.after_acknowledgement": ("relay", 2),
    "relay.after_move": ("relay", 2),
    "consumer.after_effect": ("consume", 2),
    "consumer.after_commit": ("consume", 2),
    "consumer.after_burial": ("consume", 1),
    "consumer.after_parking": ("consume", 1),
    "dead_letters.after_replay": ("replay", 1),
    "dead_letters.after_release": ("replay", 2),
}
OWNERS = ("outbox.", "relay.", "consumer.", "dead_letters.")

pytestmark = pytest.mark.crash


def test_every_failpoint_of_the_plumbing_is_tried() -> None:
    declared = {name for name in failpoints.declared() if name.startswith(OWNERS)}
    assert declared == set(KILLED_AT)


async def run_stage(spec: Mapping[str, Any], failpoint: str | None = None) -> int:
    """Run a stage in a process; its exit status, negative for a signal."""
    environment = dict(os.environ)
    environment.pop("CARELOOP_FAILPOINT", None)
    if failpoint is not None:
        environment["CARELOOP_FAILPOINT"] = failpoint
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "shared.testing.workshop_process",
        json.dumps(spec),
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(90):
            said, _ = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    assert child.returncode in {0, -signal.SIGKILL}, said.decode()
    return child.returncode


async def expected_of(database: Database) -> dict[UUID, int]:
    """How often each thing happened, as the workshop itself counted."""
    async with database.session() as session:
        rows = await session.connection.fetch("SELECT id, sequence FROM things")
    return {row["id"]: row["sequence"] for row in rows}


async def recorded(database: Database) -> dict[UUID, int]:
    """How many events of each thing the workshop has recorded, published or not."""
    async with database.session() as session:
        rows = await session.connection.fetch(
            "SELECT key, count(*) AS events FROM (SELECT key FROM outbox UNION ALL "
            "SELECT key FROM published_events) AS e GROUP BY key"
        )
    return {row["key"]: row["events"] for row in rows}


def spec_of(workshop: Database, office: Database, log: str, kafka: str | None, group: str) -> dict[str, Any]:
    return {
        "workshop": workshop.url,
        "office": office.url,
        "log": log,
        "kafka": kafka,
        "group": group,
        "things": [str(uuid4()) for _ in range(3)],
        "count": COUNT,
        "fault": f"fault-{uuid4()}",
        "mended": False,
    }


async def survive(workshop: Database, office: Database, spec: dict[str, Any], failpoint: str) -> None:
    """Go through all stages, killing the one that hits the failpoint, and look at what is left."""
    stage_to_kill, hit = KILLED_AT[failpoint]
    for stage in STAGES:
        staged = {**spec, "stage": stage, "mended": stage == "replay"}
        if stage == stage_to_kill:
            assert await run_stage(staged, f"{failpoint}:{hit}") == -signal.SIGKILL
            assert await recorded(workshop) == await expected_of(workshop)
        # Once more in this process, as after a restart.
        await process.run(staged)
    expected = await expected_of(workshop)
    assert await recorded(workshop) == expected
    assert w.faults_of(await w.notes(office), expected) == []
    async with office.session() as session:
        assert await session.connection.fetchval("SELECT count(*) FROM parked_events") == 0
        assert await session.connection.fetchval("SELECT count(*) FROM held_keys") == 0
        assert (
            await session.connection.fetchval("SELECT count(*) FROM dead_letters WHERE state = 'open'") == 0
        )


@pytest.mark.parametrize("failpoint", sorted(KILLED_AT))
async def test_a_killed_process_loses_nothing_and_repeats_nothing(
    workshop: Database, office: Database, postgres_transport: PostgresTransport, group: str, failpoint: str
) -> None:
    spec = spec_of(workshop, office, postgres_transport.url, None, group)
    await survive(workshop, office, spec, failpoint)


@pytest.mark.kafka
@pytest.mark.parametrize("failpoint", ["relay.after_acknowledgement", "consumer.after_commit"])
async def test_the_same_holds_between_a_real_broker_and_the_database(
    workshop: Database, office: Database, kafka_server: KafkaServer, group: str, failpoint: str
) -> None:
    spec = spec_of(workshop, office, "", kafka_server.bootstrap_servers, group)
    await survive(workshop, office, spec, failpoint)
