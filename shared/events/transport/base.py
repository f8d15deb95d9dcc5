"""What a transport is: publish a batch, subscribe a group, commit positions. Nothing here knows a broker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from shared.kernel.errors import UnavailableError
from shared.kernel.signals import Signal

Headers = Mapping[str, str]


class BrokerUnavailableError(UnavailableError):
    """The broker does not answer; nothing is lost, it is tried again."""


class TopicPartition(NamedTuple):
    """One ordered log of a topic."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class OutgoingRecord:
    """One record to publish; records of one key stay in order. Headers are text (CloudEvents `ce_…`)."""

    topic: str
    key: str
    headers: Headers
    value: bytes


@dataclass(frozen=True, slots=True)
class IncomingRecord:
    """One record as it was read; `position` counts up within a partition, gaps allowed."""

    topic: str
    partition: int
    position: int
    key: str
    headers: Headers
    value: bytes


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Written durably; it may now be forgotten by the publisher."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Not known to be written; publish it again, and later records of its key only after it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Will never be taken as it is: a person must look at it."""

    code: str
    reason: str


Outcome = Acknowledged | Failed | Refused
ACKNOWLEDGED = Acknowledged()


@dataclass(frozen=True, slots=True)
class PartitionBatch:
    """Consecutive records of one partition; `behind` is how many more there were after them, None if unknown."""

    partition: TopicPartition
    records: Sequence[IncomingRecord]
    behind: int | None


@dataclass(frozen=True, slots=True)
class PartitionState:
    """How one assigned partition stands: records not yet polled, and for how long the broker has answered."""

    behind: int
    connected_for_seconds: float


class GroupReader(Protocol):
    """One member of a consumer group, reading the partitions assigned to it.

    Every record reaches the group at least once; what was committed before a restart does not come again.
    """

    async def poll(self, max_records: int, timeout_seconds: float) -> list[PartitionBatch]:
        """The next records, at most `max_records` of each partition; waits up to `timeout_seconds` for one.

        Raises `BrokerUnavailableError`.
        """
        ...

    async def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        """Store the next position to read of each partition; partitions no longer assigned are left out.

        Raises `BrokerUnavailableError`.
        """
        ...

    async def rewind(self, partition: TopicPartition, position: int) -> None:
        """Read this partition again from `position`, if it is still assigned."""
        ...

    async def states(self) -> Mapping[TopicPartition, PartitionState]:
        """The assigned partitions and how they stand; one of unknown state is left out.

        Raises `BrokerUnavailableError`.
        """
        ...

    async def close(self) -> None:
        """Leave the group; another member takes over from what was committed."""
        ...


class Transport(Protocol):
    """Where events travel. Connects by itself when first used; `close` ends everything it opened.

    `long_poll_seconds` is how long a poll may usefully wait for records: 0 where waiting is the caller's.
    `parallel_partitions` is how many partitions one consumer may work on at once. `commit_seconds` is how long
    positions may stay uncommitted while records keep coming: 0 commits after each batch.
    """

    long_poll_seconds: float
    commit_seconds: float
    parallel_partitions: int

    async def create_topics(self, topics: Sequence[str]) -> None:
        """Make the topics that are missing. Raises `BrokerUnavailableError`."""
        ...

    async def publish(self, records: Sequence[OutgoingRecord]) -> list[Outcome]:
        """Publish in order; one outcome a record, in the records' order.

        Returns when every record is acknowledged, failed or refused. Raises `BrokerUnavailableError` when
        nothing was sent.
        """
        ...

    async def subscribe(self, group: str, topics: Sequence[str], wake: Signal) -> GroupReader:
        """Join `group` on `topics`, from its committed positions, or from the beginning.

        `wake` is set when records may have arrived, where this can be told within the process. Raises
        `BrokerUnavailableError`.
        """
        ...

    async def check(self) -> None:
        """Raises `BrokerUnavailableError` unless the broker answers now (for readiness)."""
        ...

    async def close(self) -> None: ...
