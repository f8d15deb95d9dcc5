"""What was published is kept by day, can be published again, and is forgotten only by rule."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from shared.db.database import Database
from shared.events.consumer import Consumer
from shared.events.published import Day, archive, days, first_id_of, make_days, republish
from shared.events.relay import Relay
from shared.events.retention import Retention, RetentionRules
from shared.events.transport.postgres import PostgresTransport
from shared.testing import workshop as w


async def day_names(database: Database) -> list[str]:
    async with database.session() as session:
        return [day.name for day in await days(session.connection)]


async def partition_of(database: Database, event_id: UUID) -> str:
    async with database.session() as session:
        name: str = await session.connection.fetchval(
            "SELECT tableoid::regclass::text FROM published_events WHERE event_id = $1", event_id
        )
        return name


async def published_ids(database: Database) -> list[UUID]:
    async with database.session() as session:
        rows = await session.connection.fetch("SELECT event_id FROM published_events ORDER BY outbox_id")
    return [row["event_id"] for row in rows]


async def test_days_are_made_ahead_and_only_once(workshop: Database) -> None:
    today = datetime.now(UTC).date()
    assert len(await make_days(workshop, today, 3)) == 3
    assert await make_days(workshop, today, 3) == []
    assert await day_names(workshop) == [Day(today + timedelta(days=ahead)).name for ahead in range(3)]


async def test_events_go_to_their_day_and_those_that_came_before_it_follow(
    workshop: Database, relay: Relay
) -> None:
    await w.happen(workshop, uuid4())
    await w.drain(relay)
    [early] = await published_ids(workshop)
    assert await partition_of(workshop, early) == "published_events_default"
    today = datetime.now(UTC).date()
    await make_days(workshop, today - timedelta(days=1), 3)
    assert await partition_of(workshop, early) == Day(today).name
    await w.happen(workshop, uuid4())
    await w.drain(relay)
    assert await partition_of(workshop, (await published_ids(workshop))[1]) == Day(today).name
    await relay.close()


def test_a_day_is_half_open() -> None:
    start, end = Day(date(2026, 1, 5)).bounds
    assert first_id_of(datetime(2026, 1, 5, tzinfo=UTC)) == start
    assert first_id_of(datetime(2026, 1, 6, tzinfo=UTC)) == end
    assert Day.named("published_events_20260105") == Day(date(2026, 1, 5))


async def test_a_new_consumer_starts_from_what_is_published_again_and_an_old_one_is_not_disturbed(
    workshop: Database,
    office: Database,
    relay: Relay,
    consumer: Consumer,
    postgres_transport: PostgresTransport,
) -> None:
    started_at = datetime.now(UTC) - timedelta(seconds=1)
    things = [uuid4() for _ in range(3)]
    for number in range(12):
        await w.happen(workshop, things[number % 3], number)
    await w.drain(relay, consumer)
    progress: list[int] = []
    count = await republish(w.WORKSHOP, workshop, postgres_transport, started_at, on_progress=progress.append)
    assert (count, progress) == (12, [12])
    await w.drain(consumer)
    assert w.faults_of(await w.notes(office), dict.fromkeys(things, 4)) == []
    assert await republish(w.WORKSHOP, workshop, postgres_transport, datetime.now(UTC)) == 0
    for closing in (relay, consumer):
        await closing.close()


async def test_an_archived_day_can_be_published_again(
    workshop: Database,
    office: Database,
    relay: Relay,
    postgres_transport: PostgresTransport,
    tmp_path: Path,
) -> None:
    today = datetime.now(UTC).date()
    await make_days(workshop, today - timedelta(days=1), 3)
    thing = uuid4()
    for number in range(5):
        await w.happen(workshop, thing, number)
    await w.drain(relay)
    written = [await archive(workshop, Day(today - timedelta(days=back)), tmp_path) for back in (1, 0)]
    assert all(path.exists() for path in written)
    assert await published_ids(workshop) == []
    async with postgres_transport._connection() as connection:
        await connection.execute("DELETE FROM records")
    since = datetime.now(UTC) - timedelta(days=1)
    assert await republish(w.WORKSHOP, workshop, postgres_transport, since, directory=tmp_path) == 5
    newcomer = Consumer("newcomer", office, postgres_transport, w.subscriptions())
    await w.drain(newcomer)
    assert w.faults_of(await w.notes(office), {thing: 5}) == []
    for closing in (relay, newcomer):
        await closing.close()


@pytest.mark.parametrize("expired", ["keep", "drop", "archive"])
async def test_old_days_go_only_by_explicit_rule(workshop: Database, tmp_path: Path, expired: str) -> None:
    now = datetime.now(UTC)
    old = now.date() - timedelta(days=9)
    await make_days(workshop, old, 1)
    rules = RetentionRules(published_days=7, expired=expired, directory=tmp_path)  # type: ignore[arg-type]
    await Retention(w.WORKSHOP, workshop, rules).tidy(now)
    assert (Day(old).name in await day_names(workshop)) is (expired == "keep")
    archived = tmp_path / w.WORKSHOP / f"{Day(old).name}.ndjson.gz"
    assert archived.exists() is (expired == "archive")


async def test_tidying_makes_days_ahead_and_forgets_old_ids_and_records(
    workshop: Database,
    relay: Relay,
    office: Database,
    consumer: Consumer,
    postgres_transport: PostgresTransport,
) -> None:
    thing = uuid4()
    await w.happen(workshop, thing)
    await w.drain(relay, consumer)
    retention = Retention(w.WORKSHOP, office, log=postgres_transport)
    await retention.run_once()
    assert len(await day_names(office)) == 8
    async with office.session() as session:
        assert await session.connection.fetchval("SELECT count(*) FROM inbox") == 1
    await retention.tidy(datetime.now(UTC) + timedelta(days=61))
    async with office.session() as session:
        assert await session.connection.fetchval("SELECT count(*) FROM inbox") == 0
    async with postgres_transport._connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM records") == 0
    await w.happen(workshop, thing)
    await w.drain(relay, consumer)
    assert w.faults_of(await w.notes(office), {thing: 2}) == []
    for closing in (relay, consumer, retention):
        await closing.close()


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"published_days": 6}, "at least 7 days"),
        ({"inbox_days": 30}, "longer than topic"),
        ({"expired": "archive"}, "needs a directory"),
    ],
)
def test_rules_that_would_forget_too_early_are_refused(rules: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        RetentionRules(**rules)  # type: ignore[arg-type]
