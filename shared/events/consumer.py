"""The consumer: from topics to a service's handlers."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.contracts.base import Contract
from shared.db.database import Database
from shared.db.work import Work
from shared.events.envelope import Envelope
from shared.events.transport.base import Transport
from shared.kernel.signals import Signal

Handle = Callable[[Work, Envelope, Any], Awaitable[None]]
Prepare = Callable[[Work, Sequence[tuple[Envelope, Any]]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a service does with one contract.

    handle   gets a `Work` of its own (actor `system`, origin = this event), the envelope and the payload
    prepare  locks the aggregates of a batch at once; gets this contract's events of the batch, in order
    """

    contract: type[Contract]
    handle: Handle
    prepare: Prepare | None = None


class Consumer:
    """A `Loop` that hands events to a service's handlers, each event once.

    group  the service's name
    """

    def __init__(
        self,
        group: str,
        database: Database,
        transport: Transport,
        subscriptions: Sequence[Subscription],
        *,
        batch: int = 500,
    ) -> None:
        self.name = f"{group}.consumer"
        self.wake = Signal()
        self.poll_seconds = 0.02

    async def run_once(self) -> int: ...

    async def next_due_at(self) -> datetime | None: ...

    async def close(self) -> None: ...
