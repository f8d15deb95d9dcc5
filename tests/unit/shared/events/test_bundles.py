"""What of a poll shares a transaction."""

from shared.events.bundles import bundled
from shared.events.transport import IncomingRecord, TopicPartition
from shared.events.transport.base import PartitionBatch


def batch(topic: str, partition: int, count: int) -> PartitionBatch:
    records = [IncomingRecord(topic, partition, position, "key", {}, b"") for position in range(count)]
    return PartitionBatch(TopicPartition(topic, partition), records, 0)


def partitions(bundles: list[list[PartitionBatch]]) -> list[list[TopicPartition]]:
    return [[one.partition for one in bundle] for bundle in bundles]


def test_small_batches_of_a_topic_go_together() -> None:
    assert partitions(bundled([batch("a", 0, 1), batch("a", 1, 2), batch("a", 2, 7)], limit=10)) == [
        [("a", 0), ("a", 1), ("a", 2)]
    ]


def test_topics_are_kept_apart() -> None:
    assert partitions(bundled([batch("a", 0, 1), batch("b", 0, 1), batch("a", 1, 1)], limit=10)) == [
        [("a", 0), ("a", 1)],
        [("b", 0)],
    ]


def test_a_full_bundle_is_followed_by_the_next() -> None:
    batches = [batch("a", 0, 6), batch("a", 1, 5), batch("a", 2, 5), batch("a", 3, 1)]
    assert partitions(bundled(batches, limit=10)) == [[("a", 0)], [("a", 1), ("a", 2)], [("a", 3)]]


def test_a_batch_above_the_limit_stays_whole_and_alone() -> None:
    assert partitions(bundled([batch("a", 0, 500), batch("a", 1, 1)], limit=10)) == [[("a", 0)], [("a", 1)]]
