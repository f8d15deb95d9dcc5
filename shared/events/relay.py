"""The relay: from a service's outbox to its topic."""

from datetime import datetime

from shared.db.database import Database
from shared.events.transport.base import Transport
from shared.kernel.signals import Signal


class Relay:
    """A `Loop` that publishes a service's outbox.

    source  the service's name; its topic is `<source>.events`
    """

    def __init__(self, source: str, database: Database, transport: Transport, *, batch: int = 1000) -> None:
        self.name = f"{source}.relay"
        self.wake = Signal()
        self.poll_seconds = 0.02
        database.on_commit.append(self.wake.set)

    async def run_once(self) -> int: ...

    async def next_due_at(self) -> datetime | None: ...

    async def close(self) -> None: ...
