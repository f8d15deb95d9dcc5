"""What ticketing shows of an SLA clock (计时), as told by the sla service's events.

Declared rules for messages that come twice, late or with gaps:

* Each event carries the whole due date and says by its type how the clock stands, so a gap is harmless: the
  newest event heard of decides.
* An event whose sequence is not above the last one applied is late. It changes nothing, except that a
  `started` still tells when the clock began if that was not known.
* A new cycle of a clock begins with a clean slate: no breach, no warning, nothing escalated.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

BREACH_LEVEL = 1


class ClockChange(StrEnum):
    """What an event says happened to a clock."""

    STARTED = "started"
    PAUSED = "paused"
    RESUMED = "resumed"
    RETARGETED = "retargeted"
    WARNED = "warned"
    BREACHED = "breached"
    BREACH_RETRACTED = "breach_retracted"
    MET = "met"
    MISSED = "missed"
    CANCELLED = "cancelled"
    ESCALATION_DUE = "escalation_due"


ClockState = Literal["running", "paused", "met", "missed", "cancelled"]

# States that a change leads to; the others leave the state as it is.
STATE_AFTER: dict[ClockChange, ClockState] = {
    ClockChange.STARTED: "running",
    ClockChange.PAUSED: "paused",
    ClockChange.RESUMED: "running",
    ClockChange.BREACHED: "running",
    ClockChange.MET: "met",
    ClockChange.MISSED: "missed",
    ClockChange.CANCELLED: "cancelled",
}
OPEN_STATES: frozenset[ClockState] = frozenset({"running", "paused"})


@dataclass(frozen=True, kw_only=True)
class ClockFact:
    """One event about one clock. `at` is when it happened; what an event does not tell is None."""

    ticket_id: UUID
    clock_id: UUID
    agreement: str
    metric: str
    cycle: int
    policy_version_id: UUID
    change: ClockChange
    sequence: int
    at: datetime
    due_at: datetime | None = None
    breached_at: datetime | None = None
    fulfilled_at: datetime | None = None
    level: int | None = None


@dataclass(kw_only=True)
class TicketClock:
    """A clock as the ticket shows it. `overdue` and `overdue and paused` are `breached_at` with an open state."""

    clock_id: UUID
    ticket_id: UUID
    agreement: str
    metric: str
    cycle: int
    policy_version_id: UUID
    sequence: int
    state: ClockState = "running"
    started_at: datetime | None = None
    due_at: datetime | None = None
    paused_at: datetime | None = None
    breached_at: datetime | None = None
    fulfilled_at: datetime | None = None
    warned_at: datetime | None = None
    warning_level: int = 0
    escalation_level: int = 0

    @classmethod
    def first_heard(cls, fact: ClockFact) -> "TicketClock":
        """A clock before the first event heard of it, which need not be its first."""
        return cls(
            clock_id=fact.clock_id,
            ticket_id=fact.ticket_id,
            agreement=fact.agreement,
            metric=fact.metric,
            cycle=fact.cycle,
            policy_version_id=fact.policy_version_id,
            sequence=0,
        )

    @property
    def is_overdue(self) -> bool:
        return self.breached_at is not None and self.state in OPEN_STATES

    def apply(self, fact: ClockFact) -> bool:
        """Take one event in; whether it was news."""
        if fact.sequence <= self.sequence:
            if fact.change is ClockChange.STARTED and self.started_at is None and fact.cycle == self.cycle:
                self.started_at = fact.at
            return False
        if fact.cycle != self.cycle:
            self._begin_cycle(fact.cycle)
        self.sequence = fact.sequence
        self.policy_version_id = fact.policy_version_id
        self.state = STATE_AFTER.get(fact.change, self.state)
        self._keep_instants(fact)
        return True

    def escalates(self, level: int) -> bool:
        """Whether this level is new for this clock and cycle; it is taken note of, so it is new only once."""
        if level <= self.escalation_level:
            return False
        self.escalation_level = level
        return True

    def _begin_cycle(self, cycle: int) -> None:
        self.cycle = cycle
        self.started_at = self.paused_at = self.breached_at = self.fulfilled_at = self.warned_at = None
        self.warning_level = self.escalation_level = 0

    def _keep_instants(self, fact: ClockFact) -> None:
        change = fact.change
        # Every event names the whole due date; that a paused clock has none is a fact too.
        self.due_at = fact.due_at
        if change is ClockChange.PAUSED:
            self.paused_at = fact.at
        elif self.state != "paused":
            self.paused_at = None
        if change is ClockChange.STARTED:
            self.started_at = fact.at
        elif change is ClockChange.WARNED:
            self.warned_at = fact.at
            self.warning_level = max(self.warning_level, fact.level or 0)
        elif change is ClockChange.BREACH_RETRACTED:
            self.breached_at = None
        elif change in (ClockChange.MET, ClockChange.MISSED):
            self.fulfilled_at = fact.fulfilled_at
        elif change is ClockChange.CANCELLED:
            self.fulfilled_at = None
        if change in (ClockChange.BREACHED, ClockChange.MISSED):
            self.breached_at = fact.breached_at
