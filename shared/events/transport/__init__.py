"""The two ways in which events travel, behind one small protocol."""

from shared.events.transport.base import (
    Acknowledged,
    BrokerUnavailableError,
    Failed,
    GroupReader,
    IncomingRecord,
    Outcome,
    OutgoingRecord,
    PartitionBatch,
    PartitionState,
    Refused,
    TopicPartition,
    Transport,
)

__all__ = [
    "Acknowledged",
    "BrokerUnavailableError",
    "Failed",
    "GroupReader",
    "IncomingRecord",
    "Outcome",
    "OutgoingRecord",
    "PartitionBatch",
    "PartitionState",
    "Refused",
    "TopicPartition",
    "Transport",
]
