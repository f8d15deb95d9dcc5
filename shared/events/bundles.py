"""What of a poll is consumed in one transaction, and how far in time that goes."""

from collections.abc import Sequence
from datetime import UTC, datetime

from shared.events.transport.base import IncomingRecord, PartitionBatch


def bundled(batches: Sequence[PartitionBatch], limit: int) -> list[list[PartitionBatch]]:
    """The batches that are taken in one transaction each: small ones of a topic together, up to `limit` records.

    Of one topic only, because its producer's handlers lock in one order. At a steady rate a poll finds a record
    or two in each partition, and what a transaction costs apart from its events is most of the cost.
    """
    bundles: list[list[PartitionBatch]] = []
    room: dict[str, tuple[list[PartitionBatch], int]] = {}
    for batch in batches:
        bundle, left = room.get(batch.partition.topic, ([], 0))
        if len(batch.records) > left:
            bundle, left = [], limit
            bundles.append(bundle)
        bundle.append(batch)
        room[batch.partition.topic] = bundle, left - len(batch.records)
    return bundles


def time_of(record: IncomingRecord) -> datetime | None:
    """When the record's event happened, if it says so readably."""
    try:
        at = datetime.fromisoformat(record.headers.get("ce_time", ""))
        return at.astimezone(UTC) if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
