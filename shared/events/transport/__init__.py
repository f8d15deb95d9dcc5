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
from shared.events.transport.choice import TransportSettingsError, open_transport
from shared.events.transport.settings import TransportSettings

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
    "TransportSettings",
    "TransportSettingsError",
    "open_transport",
]
