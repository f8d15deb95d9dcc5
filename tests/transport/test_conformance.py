"""What every transport promises; the same tests on PostgreSQL and on a real Kafka."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.events.transport import (
    Acknowledged,
    GroupReader,
    IncomingRecord,
    OutgoingRecord,
    TopicPartition,
    Transport,
)
from shared.kernel.signals import Signal

LIMIT_SECONDS = 60


def record(topic: str, key: str, number: int, filling: bytes = b"") -> OutgoingRecord:
    return OutgoingRecord(topic, key, {"ce_id": f"{key}-{number}", "näme": "值"}, b"%d " % number + filling)


def number_of(incoming: IncomingRecord) -> int:
    return int(incoming.value.split(b" ")[0])


async def read(reader: GroupReader, count: int) -> list[IncomingRecord]:
    """At least `count` records, in the order of their arrival."""
    found: list[IncomingRecord] = []
    async with asyncio.timeout(LIMIT_SECONDS):
        while len(found) < count:
            for batch in await reader.poll(100, 0.2):
                found.extend(batch.records)
    return found


def end_of(records: Sequence[IncomingRecord]) -> dict[TopicPartition, int]:
    """The positions to commit after these records."""
    ends: dict[TopicPartition, int] = {}
    for incoming in records:
        ends[TopicPartition(incoming.topic, incoming.partition)] = incoming.position + 1
    return ends


async def publish(transport: Transport, records: Sequence[OutgoingRecord]) -> None:
    outcomes = await transport.publish(records)
    assert len(outcomes) == len(records)
    assert all(isinstance(outcome, Acknowledged) for outcome in outcomes)


async def test_records_arrive_whole_and_each_key_in_order(
    transport: Transport, topic: str, group: str
) -> None:
    sent = [record(topic, f"key-{number % 7}", number) for number in range(200)]
    await publish(transport, sent[:120])
    await publish(transport, sent[120:])
    reader = await transport.subscribe(group, [topic], Signal())
    received = await read(reader, len(sent))
    assert len(received) == len(sent)
    for key in {outgoing.key for outgoing in sent}:
        of_key = [incoming for incoming in received if incoming.key == key]
        expected = [outgoing for outgoing in sent if outgoing.key == key]
        assert [incoming.value for incoming in of_key] == [outgoing.value for outgoing in expected]
        assert [incoming.headers for incoming in of_key] == [dict(outgoing.headers) for outgoing in expected]


async def test_positions_count_up_within_a_partition(transport: Transport, topic: str, group: str) -> None:
    await publish(transport, [record(topic, f"key-{number}", number) for number in range(50)])
    reader = await transport.subscribe(group, [topic], Signal())
    positions: dict[int, list[int]] = {}
    for incoming in await read(reader, 50):
        positions.setdefault(incoming.partition, []).append(incoming.position)
    assert all(found == sorted(set(found)) for found in positions.values())


async def test_committed_records_do_not_come_again_and_uncommitted_ones_do(
    transport: Transport, topic: str, group: str
) -> None:
    await publish(transport, [record(topic, "key", number) for number in range(10)])
    first = await transport.subscribe(group, [topic], Signal())
    received = await read(first, 10)
    await first.commit(end_of(received[:6]))
    await first.close()
    second = await transport.subscribe(group, [topic], Signal())
    assert [number_of(incoming) for incoming in await read(second, 4)] == [6, 7, 8, 9]


async def test_every_group_reads_everything(transport: Transport, topic: str, group: str) -> None:
    await publish(transport, [record(topic, "key", number) for number in range(5)])
    for name in (f"{group}-a", f"{group}-b"):
        reader = await transport.subscribe(name, [topic], Signal())
        assert [number_of(incoming) for incoming in await read(reader, 5)] == [0, 1, 2, 3, 4]
        await reader.close()


async def test_a_rewound_partition_is_read_again(transport: Transport, topic: str, group: str) -> None:
    await publish(transport, [record(topic, "key", number) for number in range(6)])
    reader = await transport.subscribe(group, [topic], Signal())
    received = await read(reader, 6)
    third = received[3]
    await reader.rewind(TopicPartition(third.topic, third.partition), third.position)
    assert [number_of(incoming) for incoming in await read(reader, 3)] == [3, 4, 5]


async def test_another_member_takes_over_what_a_closed_one_left(
    transport: Transport, topic: str, group: str
) -> None:
    await publish(transport, [record(topic, f"key-{number}", number) for number in range(20)])
    first = await transport.subscribe(group, [topic], Signal())
    received = await read(first, 20)
    await first.commit(end_of(received))
    second = await transport.subscribe(group, [topic], Signal())
    await second.poll(10, 0.0)
    await first.close()
    await publish(transport, [record(topic, f"key-{number}", number) for number in range(20, 40)])
    assert {number_of(incoming) for incoming in await read(second, 20)} == set(range(20, 40))


async def test_a_state_tells_how_many_records_were_not_polled(
    transport: Transport, topic: str, group: str
) -> None:
    await publish(transport, [record(topic, "key", number) for number in range(30)])
    reader = await transport.subscribe(group, [topic], Signal())
    async with asyncio.timeout(LIMIT_SECONDS):
        batches = []
        while not batches:
            batches = await reader.poll(10, 0.2)
    [batch] = batches
    states = await reader.states()
    assert len(batch.records) == 10
    assert batch.behind == 20
    assert states[batch.partition].behind == 20
    await read(reader, 20)
    states = await reader.states()
    assert states[batch.partition].behind == 0
    assert states[batch.partition].connected_for_seconds >= 0


async def test_the_largest_event_fits(transport: Transport, topic: str, group: str) -> None:
    filling = b"x" * (256 * 1024)
    await publish(transport, [record(topic, "key", number, filling) for number in range(4)])
    reader = await transport.subscribe(group, [topic], Signal())
    assert [len(incoming.value) for incoming in await read(reader, 4)] == [len(filling) + 2] * 4


async def test_several_topics_in_one_publication(transport: Transport, topic: str, group: str) -> None:
    other = f"other-{topic}"
    await publish(transport, [record(name, "key", number) for number in range(3) for name in (topic, other)])
    reader = await transport.subscribe(group, [topic, other], Signal())
    received = await read(reader, 6)
    for name in (topic, other):
        assert [number_of(incoming) for incoming in received if incoming.topic == name] == [0, 1, 2]


async def test_topics_can_be_made_twice(transport: Transport, topic: str) -> None:
    await transport.create_topics([topic])
    await transport.create_topics([topic])
    await transport.check()


async def test_a_partition_that_is_not_assigned_is_not_committed(
    transport: Transport, topic: str, group: str
) -> None:
    await publish(transport, [record(topic, "key", number) for number in range(3)])
    reader = await transport.subscribe(group, [topic], Signal())
    await read(reader, 3)
    await reader.commit({TopicPartition(f"other-{topic}", 0): 3})
    await reader.close()
    again = await transport.subscribe(group, [topic], Signal())
    assert len(await read(again, 3)) == 3


@pytest.mark.parametrize("count", [0, 1])
async def test_publishing_little_is_fine(transport: Transport, topic: str, count: int) -> None:
    await transport.create_topics([topic])
    await publish(transport, [record(topic, "key", number) for number in range(count)])
