"""Dead letters: shown, replayed, discarded; what was parked behind them follows in order."""

import asyncio
from uuid import UUID, uuid4

import pytest

from shared.db.database import Database
from shared.events.consumer import Consumer
from shared.events.dead_letters import (
    DeadLetter,
    DeadLetterNotFoundError,
    DeadLetterResolvedError,
    DeadLetters,
    NotConsumedHereError,
    ReplayFailedError,
)
from shared.events.progress import parked_keys
from shared.events.relay import Relay
from shared.kernel.ids import new_id
from shared.testing import workshop as w


@pytest.fixture
def fault() -> str:
    """A fault of this test's own, which it may mend."""
    return f"fault-{uuid4()}"


async def poison(
    workshop: Database, relay: Relay, consumer: Consumer, fault: str, *, at: int = 0, count: int = 4
) -> UUID:
    """A thing of which the event `at` is poison, consumed with all its events."""
    thing = uuid4()
    for number in range(count):
        await w.happen(workshop, thing, number, fault=fault if number == at else None)
    await w.drain(relay, consumer)
    return thing


async def letters(consumer: Consumer, database: Database, state: str = "open") -> list[DeadLetter]:
    async with database.session() as session:
        return await consumer.dead_letters.page(session, state=state)  # type: ignore[arg-type]


async def sequences(database: Database, thing: UUID) -> list[int]:
    return [row["sequence"] for row in await w.notes(database) if row["thing_id"] == thing]


async def test_later_events_of_the_key_wait_and_are_no_dead_letters(
    workshop: Database, office: Database, relay: Relay, consumer: Consumer, fault: str
) -> None:
    thing = await poison(workshop, relay, consumer, fault, at=1)
    [letter] = await letters(consumer, office)
    assert (letter.parked, letter.state, letter.direction) == (2, "open", "inbound")
    assert await sequences(office, thing) == [1]
    async with office.session() as session:
        assert await parked_keys(session, w.OFFICE) == {thing}


async def test_replay_of_a_mended_fault_goes_on_with_what_was_parked(
    workshop: Database, office: Database, relay: Relay, consumer: Consumer, fault: str
) -> None:
    thing = await poison(workshop, relay, consumer, fault)
    [letter] = await letters(consumer, office)
    w.MENDED.add(fault)
    resolution = await consumer.dead_letters.replay(letter.id, w.SOMEBODY)
    assert (resolution.dead_letter.state, resolution.released) == ("replayed", 3)
    assert resolution.dead_letter.resolved_by == str(w.SOMEBODY)
    await w.happen(workshop, thing, 9)
    await w.drain(relay, consumer)
    assert await sequences(office, thing) == [1, 2, 3, 4, 5]
    async with office.session() as session:
        assert await parked_keys(session, w.OFFICE) == frozenset()


async def test_replay_that_fails_again_changes_nothing_but_the_count(
    workshop: Database, office: Database, relay: Relay, consumer: Consumer, fault: str
) -> None:
    thing = await poison(workshop, relay, consumer, fault)
    [letter] = await letters(consumer, office)
    with pytest.raises(ReplayFailedError) as failure:
        await consumer.dead_letters.replay(letter.id, w.SOMEBODY)
    assert failure.value.members["cause"] == "note_refused"
    [again] = await letters(consumer, office)
    assert (again.id, again.attempts, again.state, again.parked) == (letter.id, 2, "open", 3)
    assert await sequences(office, thing) == []


async def test_discard_gives_the_event_up_and_goes_on(
    workshop: Database, office: Database, relay: Relay, consumer: Consumer, fault: str
) -> None:
    thing = await poison(workshop, relay, consumer, fault, at=1)
    [letter] = await letters(consumer, office)
    resolution = await consumer.dead_letters.discard(letter.id, w.SOMEBODY)
    assert (resolution.dead_letter.state, resolution.released) == ("discarded", 2)
    assert await sequences(office, thing) == [1, 3, 4]


async def test_a_parked_event_that_fails_becomes_a_dead_letter_of_its_own(
    workshop: Database, office: Database, relay: Relay, consumer: Consumer, fault: str
) -> None:
    second = f"second-{fault}"
    thing = await poison(workshop, relay, consumer, fault, count=2)
    await w.happen(workshop, thing, 2, fault=second)
    await w.happen(workshop, thing, 3)
    await w.drain(relay, consumer)
    [letter] = await letters(consumer, office)
    w.MENDED.add(fault)
    resolution = await consumer.dead_letters.replay(letter.id, w.SOMEBODY)
    assert resolution.released == 1
    [next_letter] = await letters(consumer, office)
    assert (next_letter.parked, next_letter.id != letter.id) == (1, True)
    assert await sequences(office, thing) == [1, 2]
    w.MENDED.add(second)
    await consumer.dead_letters.replay(next_letter.id, w.SOMEBODY)
    assert await sequences(office, thing) == [1, 2, 3, 4]


async def test_a_resolved_letter_cannot_be_resolved_again(
    workshop: Database, office: Database, relay: Relay, consumer: Consumer, fault: str
) -> None:
    await poison(workshop, relay, consumer, fault)
    [letter] = await letters(consumer, office)
    await consumer.dead_letters.discard(letter.id, w.SOMEBODY)
    for resolve in (consumer.dead_letters.replay, consumer.dead_letters.discard):
        with pytest.raises(DeadLetterResolvedError):
            await resolve(letter.id, w.SOMEBODY)
    with pytest.raises(DeadLetterNotFoundError):
        await consumer.dead_letters.replay(new_id(), w.SOMEBODY)


async def test_where_nothing_is_consumed_an_inbound_letter_can_only_be_discarded(
    workshop: Database, office: Database, relay: Relay, consumer: Consumer, fault: str
) -> None:
    await poison(workshop, relay, consumer, fault)
    [letter] = await letters(consumer, office)
    with pytest.raises(NotConsumedHereError):
        await DeadLetters(office, None).replay(letter.id, w.SOMEBODY)
    assert len(await letters(consumer, office)) == 1


async def test_letters_come_in_pages_by_state(
    workshop: Database, office: Database, relay: Relay, consumer: Consumer, fault: str
) -> None:
    for _ in range(3):
        await poison(workshop, relay, consumer, fault, count=1)
    async with office.session() as session:
        first = await consumer.dead_letters.page(session, limit=2)
        rest = await consumer.dead_letters.page(session, after=first[-1].id, limit=2)
    assert len({letter.id for letter in (*first, *rest)}) == 3
    assert (len(first), len(rest)) == (2, 1)
    await consumer.dead_letters.discard(first[0].id, w.SOMEBODY)
    assert len(await letters(consumer, office)) == 2
    assert [letter.id for letter in await letters(consumer, office, "discarded")] == [first[0].id]


async def test_two_replays_at_once_have_one_effect(
    workshop: Database, office: Database, relay: Relay, consumer: Consumer, fault: str
) -> None:
    thing = await poison(workshop, relay, consumer, fault)
    [letter] = await letters(consumer, office)
    w.MENDED.add(fault)
    results = await asyncio.gather(
        *(consumer.dead_letters.replay(letter.id, w.SOMEBODY) for _ in range(3)), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == [
        "DeadLetterResolvedError",
        "DeadLetterResolvedError",
        "Resolution",
    ]
    assert w.faults_of(await w.notes(office), {thing: 4}) == []


async def test_events_that_arrive_during_a_replay_are_neither_lost_nor_overtaken(
    workshop: Database, office: Database, relay: Relay, consumer: Consumer, fault: str
) -> None:
    thing = await poison(workshop, relay, consumer, fault, count=10)
    [letter] = await letters(consumer, office)
    w.MENDED.add(fault)
    async with w.running(relay, consumer):
        replaying = asyncio.create_task(consumer.dead_letters.replay(letter.id, w.SOMEBODY))
        for number in range(10, 40):
            await w.happen(workshop, thing, number)
        await replaying
        notes = await w.until_noted(office, {thing: 40})
    assert w.faults_of(notes, {thing: 40}) == []
    async with office.session() as session:
        assert await parked_keys(session, w.OFFICE) == frozenset()


async def test_a_key_that_waits_behind_nothing_is_taken_up_again(
    workshop: Database, office: Database, relay: Relay, consumer: Consumer, fault: str
) -> None:
    """As after a crash between a letter's resolution and its parked events."""
    thing = await poison(workshop, relay, consumer, fault)
    async with office.session() as session:
        await session.connection.execute("UPDATE dead_letters SET state = 'discarded'")
    assert await consumer.dead_letters.release_abandoned() == 3
    assert await sequences(office, thing) == [2, 3, 4]
