"""The consumer: each event once, poison aside, and nothing given up while the database is away."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from shared.db.database import TRANSIENT, Database
from shared.db.work import Work
from shared.events import metrics
from shared.events.consumer import SUSPECT_ATTEMPTS, Consumer, Subscription
from shared.events.dead_letters import DeadLetter
from shared.events.envelope import Envelope, to_headers
from shared.events.relay import Relay
from shared.events.transport import OutgoingRecord
from shared.events.transport.postgres import PostgresTransport
from shared.kernel.clock import SystemClock
from shared.kernel.ids import new_id
from shared.testing import workshop as w


def envelope_of(key: UUID, **changes: Any) -> Envelope:
    facts: dict[str, Any] = {
        "id": new_id(),
        "source": w.WORKSHOP,
        "type": w.ThingHappenedV1.TYPE,
        "key": key,
        "sequence": 1,
        "occurred_at": SystemClock().now(),
        "correlation_id": new_id(),
    }
    return Envelope(**{**facts, **changes})


def payload_of(key: UUID) -> bytes:
    return w.ThingHappenedV1(thing_id=key, number=1).model_dump_json().encode()


def record_of(
    envelope: Envelope, headers: Mapping[str, str] | None = None, value: bytes | None = None
) -> OutgoingRecord:
    merged = {name: text for name, text in {**to_headers(envelope), **(headers or {})}.items() if text}
    return OutgoingRecord(
        w.TOPIC, str(envelope.key), merged, payload_of(envelope.key) if value is None else value
    )


async def letters(consumer: Consumer, database: Database) -> list[DeadLetter]:
    async with database.session() as session:
        return await consumer.dead_letters.page(session)


async def test_inbox_row_and_effect_commit_together(
    workshop: Database, office: Database, relay: Relay, consumer: Consumer
) -> None:
    thing = uuid4()
    for number in range(5):
        await w.happen(workshop, thing, number)
    await w.drain(relay, consumer)
    async with office.session() as session:
        inbox = await session.connection.fetch(
            "SELECT event_id FROM inbox WHERE consumer_group = $1", w.OFFICE
        )
    notes = await w.notes(office)
    assert {row["event_id"] for row in inbox} == {row["event_id"] for row in notes}
    assert w.faults_of(notes, {thing: 5}) == []


async def test_an_event_delivered_again_is_counted_and_left_alone(
    office: Database, consumer: Consumer, postgres_transport: PostgresTransport
) -> None:
    before = metrics.DUPLICATES.labels(w.OFFICE)._value.get()
    record = record_of(envelope_of(uuid4()))
    await postgres_transport.publish([record, record])
    await w.drain(consumer)
    await postgres_transport.publish([record])
    await w.drain(consumer)
    assert len(await w.notes(office)) == 1
    assert metrics.DUPLICATES.labels(w.OFFICE)._value.get() - before == 2


async def test_a_batch_with_a_poison_event_is_redone_and_all_others_take_effect(
    workshop: Database, office: Database, relay: Relay, consumer: Consumer
) -> None:
    things = [uuid4() for _ in range(6)]
    for thing in things:
        await w.happen(workshop, thing, fault="poison" if thing == things[2] else None)
    await w.drain(relay, consumer)
    notes = await w.notes(office)
    assert w.faults_of(notes, {thing: 1 for thing in things if thing != things[2]}) == []
    assert len(notes) == 5
    [letter] = await letters(consumer, office)
    assert (letter.key, letter.error_code, letter.attempts) == (str(things[2]), "note_refused", 1)
    assert json.loads(letter.payload)["thing_id"] == str(things[2])


async def test_an_unknown_type_is_skipped_and_counted(
    office: Database, consumer: Consumer, postgres_transport: PostgresTransport
) -> None:
    before = metrics.SKIPPED.labels(w.OFFICE)._value.get()
    await postgres_transport.publish([record_of(envelope_of(uuid4(), type="workshop.tea_made.v1"))])
    await w.drain(consumer)
    assert metrics.SKIPPED.labels(w.OFFICE)._value.get() - before == 1
    assert await letters(consumer, office) == []


@pytest.mark.parametrize(
    ("headers", "value", "code"),
    [
        ({"ce_type": "workshop.thing_happened.v2"}, None, "unknown_version"),
        ({"ce_source": "ticketing"}, None, "foreign_source"),
        ({"ce_causationdepth": "16"}, None, "causation_too_deep"),
        ({"ce_time": "yesterday"}, None, "malformed_record"),
        ({"ce_time": "2026-01-05T08:00:00"}, None, "malformed_record"),
        ({"ce_time": "0001-01-01T00:00:00+14:00"}, None, "malformed_record"),
        ({"ce_id": ""}, None, "malformed_record"),
        ({"ce_specversion": "0.3"}, None, "malformed_record"),
        ({"ce_sequence": "many"}, None, "malformed_record"),
        ({}, b"not json", "invalid_payload"),
        ({}, b'{"thing_id": "12", "number": "secret"}', "invalid_payload"),
        ({}, b"", "invalid_payload"),
    ],
)
async def test_what_cannot_be_understood_becomes_a_dead_letter_and_others_go_on(
    office: Database,
    consumer: Consumer,
    postgres_transport: PostgresTransport,
    headers: dict[str, str],
    value: bytes | None,
    code: str,
) -> None:
    bad, good = envelope_of(uuid4()), envelope_of(uuid4())
    await postgres_transport.publish([record_of(bad, headers, value), record_of(good)])
    await w.drain(consumer)
    [letter] = await letters(consumer, office)
    assert (letter.error_code, letter.key) == (code, str(bad.key))
    assert "secret" not in letter.error_message
    assert [row["thing_id"] for row in await w.notes(office)] == [good.key]


async def test_fifteen_events_deep_is_still_handled(
    office: Database, consumer: Consumer, postgres_transport: PostgresTransport
) -> None:
    await postgres_transport.publish([record_of(envelope_of(uuid4(), depth=15))])
    await w.drain(consumer)
    assert len(await w.notes(office)) == 1


async def test_a_record_without_a_proper_key_is_buried_once(
    office: Database, consumer: Consumer, postgres_transport: PostgresTransport
) -> None:
    record = record_of(envelope_of(uuid4()))
    await postgres_transport.publish([OutgoingRecord(w.TOPIC, "no key", record.headers, record.value)])
    await w.drain(consumer)
    [letter] = await letters(consumer, office)
    assert (letter.key, letter.error_code) == ("no key", "malformed_record")


async def test_what_follows_from_an_event_says_so(
    workshop: Database, office: Database, postgres_transport: PostgresTransport
) -> None:
    async def answer(work: Work, envelope: Envelope, payload: w.ThingHappenedV1) -> None:
        await w.step(work, payload.thing_id, payload.number + 1)

    consumer = Consumer(w.OFFICE, office, postgres_transport, [Subscription(w.ThingHappenedV1, answer)])
    cause = envelope_of(
        uuid4(), depth=2, traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    )
    await postgres_transport.publish([record_of(cause)])
    await w.drain(consumer)
    async with office.session() as session:
        [row] = await session.connection.fetch("SELECT * FROM outbox")
    assert (row["correlation_id"], row["causation_id"]) == (cause.correlation_id, cause.id)
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-"
    assert (row["depth"], row["traceparent"][: len(trace)]) == (3, trace)
    await consumer.close()


async def test_preparing_happens_once_a_batch_and_function_before_any_handler(
    workshop: Database, office: Database, relay: Relay, postgres_transport: PostgresTransport
) -> None:
    seen: list[Any] = []

    async def prepare(work: Work, concerned: Sequence[tuple[Envelope, w.ThingHappenedV1]]) -> None:
        seen.append([payload.number for _, payload in concerned])

    async def handle(work: Work, envelope: Envelope, payload: w.ThingHappenedV1) -> None:
        seen.append(payload.number)

    consumer = Consumer(
        w.OFFICE, office, postgres_transport, [Subscription(w.ThingHappenedV1, handle, prepare)]
    )
    for number in range(4):
        await w.happen(workshop, uuid4(), number)
    await w.drain(relay, consumer)
    assert seen == [[0, 1, 2, 3], 0, 1, 2, 3]
    await consumer.close()


async def test_consumption_pauses_while_the_database_is_away_and_loses_nothing(
    workshop: Database, office: Database, relay: Relay, consumer: Consumer
) -> None:
    thing = uuid4()
    await w.happen(workshop, thing)
    await w.drain(relay, consumer)
    for number in range(3):
        await w.happen(workshop, thing, number)
    await w.drain(relay)
    name = office.url.rpartition("/")[2]
    async with workshop.session() as session:
        admin = session.connection
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1", name
        )
        for _ in range(2):
            with pytest.raises((*TRANSIENT, asyncpg.PostgresError)):
                await consumer.run_once()
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    await w.drain(consumer)
    assert w.faults_of(await w.notes(office), {thing: 4}) == []
    assert await letters(consumer, office) == []


async def test_a_fault_that_looks_like_an_outage_but_stays_is_taken_for_poison(
    workshop: Database, office: Database, relay: Relay, postgres_transport: PostgresTransport
) -> None:
    async def wrong(work: Work, envelope: Envelope, payload: w.ThingHappenedV1) -> None:
        if payload.fault:
            await work.connection.fetchval("SELECT $1::int")
        await w.note(work, envelope, payload)

    consumer = Consumer(w.OFFICE, office, postgres_transport, [Subscription(w.ThingHappenedV1, wrong)])
    broken, healthy = uuid4(), uuid4()
    await w.happen(workshop, broken, fault="arguments missing")
    await w.happen(workshop, healthy)
    await w.drain(relay)
    for _ in range(SUSPECT_ATTEMPTS - 1):
        with pytest.raises(asyncpg.InterfaceError):
            await consumer.run_once()
    await w.drain(consumer)
    [letter] = await letters(consumer, office)
    assert (letter.key, letter.error_code) == (str(broken), "interface")
    assert [row["thing_id"] for row in await w.notes(office)] == [healthy]
    await consumer.close()


async def test_two_members_of_a_group_do_every_event_once(
    workshop: Database,
    office: Database,
    relay: Relay,
    consumer: Consumer,
    postgres_transport: PostgresTransport,
) -> None:
    second = Consumer(w.OFFICE, office, postgres_transport, w.subscriptions())
    thing = uuid4()
    async with w.running(relay, consumer, second):
        for number in range(20):
            await w.happen(workshop, thing, number)
        notes = await w.until_noted(office, {thing: 20})
    assert w.faults_of(notes, {thing: 20}) == []


async def test_two_consumers_of_the_same_records_at_once_do_every_event_once(
    workshop: Database, office: Database, relay: Relay
) -> None:
    """As when a member that was thought dead goes on: same group, same records, two readers."""
    things = [uuid4() for _ in range(5)]
    for number in range(40):
        await w.happen(workshop, things[number % 5], number)
    await w.drain(relay)
    copies = []
    for _ in range(2):
        transport = PostgresTransport(relay._transport.url)  # type: ignore[attr-defined]
        copies.append(Consumer(w.OFFICE, office, transport, w.subscriptions(), batch=7))
    first, second = copies
    reader = await second._joined()
    # The second member's reader does not ask for the lock.
    reader._positions = {w.TOPIC: 0}  # type: ignore[attr-defined]
    await asyncio.gather(w.drain(first), w.drain(second))
    assert w.faults_of(await w.notes(office), dict.fromkeys(things, 8)) == []
    for copy in copies:
        await copy.close()
        await copy._transport.close()
