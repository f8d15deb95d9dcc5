"""How far a group has consumed: what timers may rely on (architecture §5, horizon)."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.db.database import Database
from shared.db.statements import Statement
from shared.db.work import Session
from shared.events import metrics
from shared.events.transport.base import PartitionState, TopicPartition
from shared.kernel.clock import SystemClock

NEVER = datetime(1970, 1, 1, tzinfo=UTC)

# How a partition stands, and when the last record that was consumed of it happened, if it says so.
Consumed = tuple[PartitionState | None, datetime | None]

# After a broker's outage relays back off for up to two seconds before they publish what they kept.
SETTLE_SECONDS = 5.0
HEARTBEAT_SECONDS = 1.0
TRUST_SECONDS = 5.0

_ROWS = Statement(
    "SELECT consumed_through_at, caught_up AND (trusted_until IS NULL OR trusted_until > $2) AS caught_up "
    "FROM consumer_progress WHERE consumer_group = $1",
    ("consumer_group", "now"),
    {},
)
_HELD = Statement("SELECT key FROM held_keys WHERE consumer_group = $1", ("consumer_group",), {})
_WRITE = Statement(
    "INSERT INTO consumer_progress AS p "
    "(consumer_group, topic, partition, consumed_through_at, caught_up, checked_at, trusted_until) "
    "SELECT $1, w.topic, w.partition, w.consumed_through_at, w.caught_up, $6, $7 "
    "FROM unnest($2::text[], $3::integer[], $4::timestamptz[], $5::boolean[]) "
    "AS w (topic, partition, consumed_through_at, caught_up) "
    "ON CONFLICT (consumer_group, topic, partition) DO UPDATE SET "
    # A record that was published again is older than what was consumed before: that is no step back.
    "consumed_through_at = greatest(excluded.consumed_through_at, p.consumed_through_at), "
    "caught_up = excluded.caught_up, checked_at = excluded.checked_at, trusted_until = excluded.trusted_until",
    (
        "consumer_group",
        "topics",
        "partitions",
        "consumed_through",
        "caught_up",
        "checked_at",
        "trusted_until",
    ),
    {},
)
_FORGET_OTHER_TOPICS = Statement(
    "DELETE FROM consumer_progress WHERE consumer_group = $1 AND topic <> ALL ($2::text[])",
    ("consumer_group", "topics"),
    {},
)


async def horizon(session: Session, group: str, now: datetime) -> datetime:
    """Up to when timers may fire: no event that happened before can still be unread.

    `now` when every partition of the group is fully consumed, stably so since the last reconnect; else the
    earliest time of the last record consumed among those that are not. `NEVER` before a first record.
    """
    rows = await session.fetch_all(_ROWS, consumer_group=group, now=now)
    if not rows:
        return NEVER
    behind = [row["consumed_through_at"] or NEVER for row in rows if not row["caught_up"]]
    return min([now, *behind])


async def parked_keys(session: Session, group: str) -> frozenset[UUID]:
    """The keys whose events are parked behind a dead letter; their timers are held."""
    rows = await session.fetch_all(_HELD, consumer_group=group)
    found = set()
    for row in rows:
        try:
            found.add(UUID(row["key"]))
        except ValueError:
            continue  # a record without a proper key belongs to no subject
    return frozenset(found)


@dataclass(slots=True)
class _Written:
    """What the database says of one partition, and when (monotonic) it was told."""

    caught_up: bool
    at: float


class ProgressTracker:
    """Keeps `consumer_progress` true for the partitions of one consumer, with few writes.

    Written when a partition falls behind or catches up, with each batch while behind, and every second as a
    sign of life: what was not confirmed for five seconds is not trusted. Under a simulated clock time stands
    still between events, so there is no sign of life and no settling.
    """

    def __init__(self, group: str, database: Database) -> None:
        real = isinstance(database.clock, SystemClock)
        self._group = group
        self._database = database
        self._settle_seconds = SETTLE_SECONDS if real else 0.0
        self._heartbeat_seconds = HEARTBEAT_SECONDS if real else None
        self._trust = timedelta(seconds=TRUST_SECONDS) if real else None
        self._written: dict[TopicPartition, _Written] = {}

    async def begin(self, topics: Iterable[str]) -> None:
        """Forget what an earlier version of the service consumed."""
        async with self._database.session() as session:
            await session.execute(_FORGET_OTHER_TOPICS, consumer_group=self._group, topics=list(topics))
        self._written = {}

    def is_due(self, at: TopicPartition, state: PartitionState | None) -> bool:
        """Whether the partition's row should be written now: flipped, behind, or no sign of life for long."""
        caught_up = self._is_caught_up(state)
        return not caught_up or self._is_worth_writing(at, caught_up)

    async def consumed(self, session: Session, through: Mapping[TopicPartition, Consumed]) -> None:
        """These partitions are consumed so far, those of them that a write is due for; part of the transaction
        that consumed them."""
        due = {
            at: (self._is_caught_up(state), time_of_last)
            for at, (state, time_of_last) in through.items()
            if self.is_due(at, state)
        }
        if due:
            await self._write(session, due)

    async def consumed_outside(self, through: Mapping[TopicPartition, Consumed]) -> None:
        """The same for records that needed no transaction."""
        if any(self.is_due(at, state) for at, (state, _) in through.items()):
            async with self._database.session() as session:
                await self.consumed(session, through)

    async def idle(self, states: Mapping[TopicPartition, PartitionState]) -> None:
        """After a look: what flipped, and the sign of life when it is due."""
        if not states:
            return
        self._written = {at: written for at, written in self._written.items() if at in states}
        changed: dict[TopicPartition, tuple[bool, datetime | None]] = {}
        for at, state in states.items():
            caught_up = self._is_caught_up(state)
            if self._is_worth_writing(at, caught_up):
                changed[at] = (caught_up, None)
                metrics.LAG.labels(self._group, at.topic, str(at.partition)).set(state.behind)
        if changed:
            async with self._database.session() as session:
                await self._write(session, changed)

    async def lost(self) -> None:
        """The broker went away: nothing is known to be caught up any more."""
        flipped: dict[TopicPartition, tuple[bool, datetime | None]] = {
            at: (False, None) for at, written in self._written.items() if written.caught_up
        }
        if flipped:
            async with self._database.session() as session:
                await self._write(session, flipped)

    def _is_caught_up(self, state: PartitionState | None) -> bool:
        return state is not None and state.behind == 0 and state.connected_for_seconds >= self._settle_seconds

    def _is_worth_writing(self, at: TopicPartition, caught_up: bool) -> bool:
        written = self._written.get(at)
        if written is None or written.caught_up != caught_up:
            return True
        return (
            self._heartbeat_seconds is not None and time.monotonic() - written.at >= self._heartbeat_seconds
        )

    async def _write(
        self, session: Session, rows: Mapping[TopicPartition, tuple[bool, datetime | None]]
    ) -> None:
        now = self._database.clock.now()
        ordered: list[Any] = sorted(rows)
        await session.execute(
            _WRITE,
            consumer_group=self._group,
            topics=[at.topic for at in ordered],
            partitions=[at.partition for at in ordered],
            # An event that claims to come from the future lets no timer overtake what is unread.
            consumed_through=[through and min(through, now) for through in (rows[at][1] for at in ordered)],
            caught_up=[rows[at][0] for at in ordered],
            checked_at=now,
            trusted_until=None if self._trust is None else now + self._trust,
        )
        written_at = time.monotonic()
        for at in ordered:
            self._written[at] = _Written(rows[at][0], written_at)
