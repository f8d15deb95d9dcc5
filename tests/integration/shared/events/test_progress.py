"""The horizon: timers may not overtake events that are still unread."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from careloop.infrastructure.postgres import PostgresServer
from shared.db.database import Database
from shared.db.work import Work
from shared.events import progress
from shared.events.consumer import Consumer, Subscription
from shared.events.envelope import Envelope
from shared.events.progress import NEVER, TRUST_SECONDS, ProgressTracker, horizon
from shared.events.relay import Relay
from shared.events.transport import BrokerUnavailableError, PartitionState, TopicPartition
from shared.events.transport.postgres import PostgresTransport
from shared.kernel.clock import SimulatedClock
from shared.testing import workshop as w

START = datetime(2016, 5, 2, 8, 0, tzinfo=UTC)
AT = TopicPartition(w.TOPIC, 0)
OTHER = TopicPartition(w.TOPIC, 1)


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(START)


async def horizon_of(database: Database, now: datetime) -> datetime:
    async with database.session() as session:
        return await horizon(session, w.OFFICE, now)


@pytest.fixture
def simulated(office: Database, workshop: Database, clock: SimulatedClock) -> SimulatedClock:
    """Both services live by the simulated clock."""
    office.clock = workshop.clock = clock
    return clock


async def test_before_the_first_look_nothing_may_fire(office: Database) -> None:
    assert await horizon_of(office, START) == NEVER


async def test_under_a_simulated_clock_an_empty_log_is_caught_up_at_once(
    simulated: SimulatedClock, office: Database, postgres_transport: PostgresTransport
) -> None:
    consumer = Consumer(w.OFFICE, office, postgres_transport, w.subscriptions())
    await consumer.run_once()
    later = START + timedelta(days=30)
    assert await horizon_of(office, later) == later
    await consumer.close()


async def test_while_a_backlog_is_read_the_horizon_is_the_last_record_consumed(
    simulated: SimulatedClock,
    workshop: Database,
    office: Database,
    relay: Relay,
    postgres_transport: PostgresTransport,
) -> None:
    consumer = Consumer(w.OFFICE, office, postgres_transport, w.subscriptions(), batch=2)
    for minutes in range(4):
        simulated.set(START + timedelta(minutes=minutes))
        await w.happen(workshop, uuid4())
    await w.drain(relay)
    now = START + timedelta(hours=1)
    simulated.set(now)
    assert await consumer.run_once() == 2
    assert await horizon_of(office, now) == START + timedelta(minutes=1)
    assert await consumer.run_once() == 2
    assert await horizon_of(office, now) == now
    await consumer.close()


async def test_the_backlog_is_known_within_the_transaction_that_reads_it(
    simulated: SimulatedClock,
    workshop: Database,
    office: Database,
    relay: Relay,
    postgres_transport: PostgresTransport,
) -> None:
    seen: list[datetime] = []

    async def look(work: Work, envelope: Envelope, payload: w.ThingHappenedV1) -> None:
        async with office.session() as session:
            seen.append(await horizon(session, w.OFFICE, work.now))

    consumer = Consumer(
        w.OFFICE, office, postgres_transport, [Subscription(w.ThingHappenedV1, look)], batch=1
    )
    for minutes in range(3):
        simulated.set(START + timedelta(minutes=minutes))
        await w.happen(workshop, uuid4())
    await w.drain(relay)
    now = START + timedelta(hours=1)
    simulated.set(now)
    await w.drain(consumer)
    assert seen == [NEVER, START, START + timedelta(minutes=1)]
    assert await horizon_of(office, now) == now
    await consumer.close()


async def test_one_partition_behind_holds_all(office: Database, simulated: SimulatedClock) -> None:
    tracker = ProgressTracker(w.OFFICE, office)
    simulated.set(START + timedelta(minutes=3))
    async with office.session() as session:
        await tracker.consumed(session, {AT: (PartitionState(0, 0.0), START)})
        await tracker.consumed(session, {OTHER: (PartitionState(5, 0.0), START + timedelta(minutes=3))})
    now = START + timedelta(hours=1)
    assert await horizon_of(office, now) == START + timedelta(minutes=3)
    await tracker.idle({AT: PartitionState(0, 0.0), OTHER: PartitionState(0, 0.0)})
    assert await horizon_of(office, now) == now


async def test_a_record_that_claims_to_be_from_the_future_moves_nothing_there(
    office: Database, simulated: SimulatedClock
) -> None:
    tracker = ProgressTracker(w.OFFICE, office)
    async with office.session() as session:
        await tracker.consumed(session, {AT: (PartitionState(5, 0.0), START + timedelta(days=9000))})
    assert await horizon_of(office, START + timedelta(hours=1)) == START


async def test_a_record_published_again_is_no_step_back(office: Database, simulated: SimulatedClock) -> None:
    tracker = ProgressTracker(w.OFFICE, office)
    async with office.session() as session:
        await tracker.consumed(session, {AT: (PartitionState(5, 0.0), START)})
        await tracker.consumed(session, {AT: (PartitionState(4, 0.0), START - timedelta(days=9))})
    assert await horizon_of(office, START + timedelta(hours=1)) == START


async def test_after_a_reconnect_being_caught_up_must_last_before_it_counts(office: Database) -> None:
    tracker = ProgressTracker(w.OFFICE, office)
    now = office.clock.now()
    consumed_at = now - timedelta(minutes=1)
    async with office.session() as session:
        await tracker.consumed(session, {AT: (PartitionState(0, progress.SETTLE_SECONDS - 0.1), consumed_at)})
    assert await horizon_of(office, now) == consumed_at
    await tracker.idle({AT: PartitionState(0, progress.SETTLE_SECONDS)})
    assert await horizon_of(office, now) == now


async def test_what_was_not_confirmed_for_long_is_not_trusted(office: Database) -> None:
    tracker = ProgressTracker(w.OFFICE, office)
    consumed_at = office.clock.now() - timedelta(minutes=1)
    async with office.session() as session:
        await tracker.consumed(session, {AT: (PartitionState(0, 60.0), consumed_at)})
    later = office.clock.now() + timedelta(seconds=TRUST_SECONDS + 1)
    assert await horizon_of(office, later) == consumed_at


async def test_a_steady_state_is_not_written_again_and_again(office: Database) -> None:
    tracker = ProgressTracker(w.OFFICE, office)
    state = PartitionState(0, 60.0)
    assert tracker.is_due(AT, state)
    await tracker.idle({AT: state})
    assert not tracker.is_due(AT, state)
    assert tracker.is_due(AT, PartitionState(1, 60.0))


async def test_topics_of_an_earlier_version_hold_nothing_back(
    office: Database, simulated: SimulatedClock
) -> None:
    tracker = ProgressTracker(w.OFFICE, office)
    old = TopicPartition("attic.events", 0)
    async with office.session() as session:
        await tracker.consumed(session, {old: (PartitionState(5, 0.0), START)})
    await tracker.begin([w.TOPIC])
    await tracker.idle({AT: PartitionState(0, 0.0)})
    now = START + timedelta(hours=1)
    assert await horizon_of(office, now) == now


async def test_when_the_broker_goes_away_nothing_counts_as_caught_up(
    simulated: SimulatedClock, office: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with PostgresServer(tmp_path_factory.mktemp("log"), durable=False, databases=("events",)) as server:
        transport = PostgresTransport(server.url("events"))
        await transport.migrate()
        consumer = Consumer(w.OFFICE, office, transport, w.subscriptions())
        await consumer.run_once()
        now = START + timedelta(hours=1)
        assert await horizon_of(office, now) == now
        server.kill()
        consumer.wake.set()
        with pytest.raises(BrokerUnavailableError):
            await consumer.run_once()
        assert await horizon_of(office, now) == NEVER
        await consumer.close()
        await transport.close()
