"""What an aggregate is: one thing that changes as a whole, under one lock, and says what happened."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class DomainEvent:
    """Something that happened to one aggregate.

    `sequence` counts this aggregate's events from 1 without gaps; `occurred_at` never runs backwards
    within one aggregate.
    """

    aggregate_id: UUID
    sequence: int
    occurred_at: datetime


E = TypeVar("E", bound=DomainEvent)


@dataclass(kw_only=True)
class Aggregate:
    """Base of all aggregates.

    `version` is behind the ETag and counts commands (the store bumps it once a save); `sequence` counts
    events, and one command may publish two. They differ on purpose.
    """

    id: UUID
    version: int = 1
    sequence: int = 0
    last_occurred_at: datetime | None = None
    _pending: list[DomainEvent] = field(default_factory=list, repr=False, compare=False)

    def happened(self, event: type[E], at: datetime, **facts: Any) -> E:
        """Append an event stamped max(at, last occurred_at) with the next sequence; returns it."""
        stamped_at = at if self.last_occurred_at is None else max(at, self.last_occurred_at)
        self.sequence += 1
        self.last_occurred_at = stamped_at
        happened = event(aggregate_id=self.id, sequence=self.sequence, occurred_at=stamped_at, **facts)
        self._pending.append(happened)
        return happened

    def take_events(self) -> list[DomainEvent]:
        """The events since the last call, oldest first; the store hands them to `Work.record`."""
        taken, self._pending = self._pending, []
        return taken
