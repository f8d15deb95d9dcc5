"""What sla tells of one clock of a complaint, folded from its events in whatever order they come.

Each group of facts keeps the sequence of the event that set it and takes only newer news, so the same events
give the same reading twice, late and out of order. The complaint reads its promises here; sla holds them.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class ClockState(StrEnum):
    """Run state as sla last told it."""

    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    MISSED = "missed"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        return self in (ClockState.RUNNING, ClockState.PAUSED)


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockNews:
    """One event of one clock, in this service's words.

    Absent facts are None, except where `says_breach` and `says_state` tell that None is meant.
    """

    complaint_id: UUID
    clock_id: UUID
    cycle: int
    agreement: str
    metric: str
    sequence: int
    due_at: datetime | None
    state: ClockState | None = None
    ended_at: datetime | None = None
    started_at: datetime | None = None
    warned_at: datetime | None = None
    says_breach: bool = False
    breached_at: datetime | None = None


@dataclass(kw_only=True)
class ClockReading:
    """One cycle of one clock. `marked`: its breach has been put on the complaint."""

    complaint_id: UUID
    clock_id: UUID
    cycle: int
    agreement: str
    metric: str
    state: ClockState = ClockState.RUNNING
    state_sequence: int = 0
    due_at: datetime | None = None
    due_sequence: int = 0
    breached_at: datetime | None = None
    breach_sequence: int = 0
    started_at: datetime | None = None
    warned_at: datetime | None = None
    ended_at: datetime | None = None
    marked: bool = False

    @classmethod
    def of(cls, news: ClockNews) -> "ClockReading":
        """A reading that knows nothing but which clock it is."""
        return cls(
            complaint_id=news.complaint_id,
            clock_id=news.clock_id,
            cycle=news.cycle,
            agreement=news.agreement,
            metric=news.metric,
        )

    def take(self, news: ClockNews) -> None:
        """Fold one event in."""
        if news.sequence > self.due_sequence:
            self.due_at, self.due_sequence = news.due_at, news.sequence
        if news.state is not None and news.sequence > self.state_sequence:
            self.state, self.ended_at, self.state_sequence = news.state, news.ended_at, news.sequence
        if news.says_breach and news.sequence > self.breach_sequence:
            self.breached_at, self.breach_sequence = news.breached_at, news.sequence
        if news.started_at is not None:
            self.started_at = news.started_at
        if news.warned_at is not None:
            self.warned_at = min(self.warned_at or news.warned_at, news.warned_at)

    @property
    def overdue_from(self) -> datetime | None:
        """From when on it is overdue, unless it ends before; None while nothing can make it so."""
        if not self.state.is_open:
            return None
        if self.breached_at is not None:
            return self.breached_at
        return self.due_at if self.state is ClockState.RUNNING else None
