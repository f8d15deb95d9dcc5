"""Timers that fail alone are parked, and retried when somebody says so."""

from dataclasses import dataclass
from typing import Any

from services.sla.persistence import timer_store
from shared.db.work import Work


@dataclass(frozen=True, slots=True)
class ParkTimer:
    timer_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class RetryTimer:
    timer_id: int


async def park_timer(command: ParkTimer, work: Work) -> None:
    """Out of the way; its clock's other inputs go on."""
    await timer_store.park(work, command.timer_id, command.reason)


async def retry_timer(command: RetryTimer, work: Work) -> Any:
    """Pending again; its row. Raises `ParkedTimerNotFoundError`."""
    return await timer_store.retry(work, command.timer_id)
