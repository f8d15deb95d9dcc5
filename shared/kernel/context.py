"""Who does something and what caused it: carried by every command and every event."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a role (`agent`, `customer`, `system` …) and the id the token or the worker gave."""

    role: str
    id: str

    def __str__(self) -> str:
        return f"{self.role}:{self.id}"


@dataclass(frozen=True, slots=True)
class Origin:
    """What a command follows from.

    `correlation_id` is shared by everything that one outside request set off, `causation_id` is the event
    that directly caused this (None at the edge), `traceparent` the W3C trace header. `depth` counts the
    events between the outside request and here, so that a loop of events is seen and stopped.
    """

    correlation_id: UUID
    causation_id: UUID | None = None
    traceparent: str | None = None
    depth: int = 0
