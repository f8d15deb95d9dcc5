"""The short form of `make chaos-sla`, and proof that its checks can fail."""

from pathlib import Path

import asyncpg
import pytest

from services.sla.persistence.tables import HISTORY
from shared.testing.plugin import MakeDatabase
from tests.crash import chaos_sla
from tests.crash.chaos_sla import RANDOM, Chaos

pytestmark = pytest.mark.crash

SEED = 11
LIMIT_SECONDS = 60.0
CAP = 3
SENT = (
    "SELECT target, count(*) AS sent FROM firings WHERE kind = 'escalation' AND NOT is_digest "
    f"GROUP BY target, date_bin('{chaos_sla.WINDOW_SECONDS} seconds', fired_at, '1970-01-01Z')"
)


@pytest.fixture
async def url(make_database: MakeDatabase) -> str:
    return await make_database(HISTORY)


async def test_each_threshold_takes_effect_once_however_often_workers_are_killed(
    url: str, tmp_path: Path
) -> None:
    plan = ["timers.after_fire:2", RANDOM, "timers.after_delete:1", "relay.after_acknowledgement:1"]
    plan += ["digests.after_lines:1", RANDOM, "timers.after_commit:2", "digests.after_commit:1"]
    chaos = Chaos(url, tmp_path, SEED)
    assert await chaos.run(plan, LIMIT_SECONDS) == []
    assert chaos.killed.total() == len(plan)


async def test_timers_deleted_before_they_fire_are_missed(url: str, tmp_path: Path) -> None:
    chaos = Chaos(url, tmp_path, SEED, workers=1, variant="hasty")
    wrong = await chaos.run(["timers.after_claim:2"], LIMIT_SECONDS)
    assert any(line.startswith("missing:") for line in wrong)


async def test_workers_without_locks_and_journal_key_fire_twice(url: str, tmp_path: Path) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("ALTER TABLE firings DROP CONSTRAINT firings_pkey")
    await connection.close()
    chaos = Chaos(url, tmp_path, SEED, variant="unlocked")
    wrong = await chaos.run([RANDOM] * 3, LIMIT_SECONDS)
    assert any(line.startswith("double:") for line in wrong)


async def test_workers_side_by_side_keep_to_a_targets_cap(url: str, tmp_path: Path) -> None:
    chaos = Chaos(url, tmp_path, SEED, settings={"SLA_ESCALATIONS_PER_TARGET": str(CAP)})
    await chaos.run([RANDOM] * 2, LIMIT_SECONDS)
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(SENT)
    await connection.close()
    assert rows
    assert all(row["sent"] <= CAP for row in rows)


def test_the_plan_visits_every_failpoint_and_can_be_repeated() -> None:
    plans = [chaos_sla.plan_of(100, Chaos("", Path(), SEED).dice) for _ in range(2)]
    assert plans[0] == plans[1]
    assert {how.partition(":")[0] for how in plans[0]} == {RANDOM, *chaos_sla.places()}
