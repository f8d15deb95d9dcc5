"""Events are written with the decision that they report, or not at all."""

import json
from typing import Any
from uuid import uuid4

import pytest

from shared.contracts.valuation import CustomerTierChangedV1
from shared.db.database import Database
from shared.db.work import Work
from shared.events.outbox import EventTooLargeError, ForeignContractError, OutboxWriter, UnmappedEventError
from shared.events.tables import SHARDS
from shared.kernel.context import Origin
from shared.kernel.ids import new_id
from shared.testing import workshop as w


async def outbox(database: Database) -> list[Any]:
    async with database.session() as session:
        return await session.connection.fetch("SELECT * FROM outbox ORDER BY id")


async def test_an_event_carries_key_sequence_type_payload_and_origin(workshop: Database) -> None:
    thing = uuid4()
    origin = Origin(new_id(), new_id(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", depth=3)
    await workshop.run(lambda work: w.step(work, thing, 7), actor=w.SOMEBODY, origin=origin)
    [row] = await outbox(workshop)
    assert (row["key"], row["sequence"], row["type"]) == (thing, 1, "workshop.thing_happened.v1")
    assert json.loads(row["payload"])["number"] == 7
    assert (row["correlation_id"], row["causation_id"]) == (origin.correlation_id, origin.causation_id)
    assert (row["traceparent"], row["depth"]) == (origin.traceparent, 3)
    assert row["event_id"].version == 7
    assert 0 <= row["shard"] < SHARDS


async def test_events_of_one_command_keep_the_order_in_which_they_were_recorded(workshop: Database) -> None:
    things = [uuid4() for _ in range(3)]

    async def several(work: Work) -> None:
        for number in range(9):
            await w.step(work, things[number % 3], number)

    await workshop.run(several, actor=w.SOMEBODY)
    assert [json.loads(row["payload"])["number"] for row in await outbox(workshop)] == list(range(9))


async def test_an_event_that_stays_inside_writes_nothing(workshop: Database) -> None:
    async def ponder(work: Work) -> None:
        work.record(w.ThingPondered(aggregate_id=uuid4(), sequence=1, occurred_at=work.now))

    await workshop.run(ponder, actor=w.SOMEBODY)
    assert await outbox(workshop) == []


async def test_an_event_above_256_kb_is_refused_and_nothing_is_committed(workshop: Database) -> None:
    thing = uuid4()
    with pytest.raises(EventTooLargeError) as refusal:
        await w.happen(workshop, thing, filling="值" * 90_000)
    assert refusal.value.code == "event_too_large"
    assert refusal.value.field_errors[0].rule == "max_bytes"
    assert await outbox(workshop) == []
    assert await w.happen(workshop, thing, filling="x" * 255_000) == 1


async def test_a_command_that_fails_leaves_no_event(workshop: Database) -> None:
    async def fails(work: Work) -> None:
        await w.step(work, uuid4(), 1)
        raise w.NoteRefusedError

    with pytest.raises(w.NoteRefusedError):
        await workshop.run(fails, actor=w.SOMEBODY)
    assert await outbox(workshop) == []


async def test_a_service_that_is_wired_wrongly_is_told_so(workshop: Database) -> None:
    workshop.before_commit = OutboxWriter(w.WORKSHOP, {})
    with pytest.raises(UnmappedEventError, match="ThingHappened"):
        await w.happen(workshop, uuid4())
    foreign = CustomerTierChangedV1.model_construct()
    workshop.before_commit = OutboxWriter(w.WORKSHOP, {w.ThingHappened: lambda event: foreign})
    with pytest.raises(ForeignContractError, match=r"valuation\.customer_tier_changed"):
        await w.happen(workshop, uuid4())
    assert await outbox(workshop) == []


async def test_the_key_may_be_another_row_than_the_aggregate(workshop: Database) -> None:
    subject = uuid4()
    workshop.before_commit = OutboxWriter(
        w.WORKSHOP, {w.ThingHappened: w.published}, key_of=lambda event, contract: subject
    )
    await w.happen(workshop, uuid4())
    [row] = await outbox(workshop)
    assert row["key"] == subject
