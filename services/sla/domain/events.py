"""What happens to clocks. The aggregate is the subject: its events are counted together and stay in order."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.sla.domain.metrics import Agreement, Metric, SubjectKind
from shared.kernel.aggregates import DomainEvent


@dataclass(frozen=True, kw_only=True)
class ClockEvent(DomainEvent):
    """`aggregate_id` is the subject's id. `due_at` is the due date after the change, None while paused."""

    clock_id: UUID
    subject_kind: SubjectKind
    agreement: Agreement
    metric: Metric
    cycle: int
    policy_version_id: UUID
    due_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ClockStarted(ClockEvent):
    started_at: datetime


@dataclass(frozen=True, kw_only=True)
class ClockPaused(ClockEvent):
    paused_at: datetime


@dataclass(frozen=True, kw_only=True)
class ClockResumed(ClockEvent):
    resumed_at: datetime


@dataclass(frozen=True, kw_only=True)
class ClockRetargeted(ClockEvent):
    previous_due_at: datetime | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class ClockRecommitted(ClockEvent):
    """The customer was promised another date; `reason` is the code that the source gave."""

    previous_due_at: datetime | None
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class CommitmentAtRisk(ClockEvent):
    """`due_at` is the promised date, `projected_at` when the resolution is due as things stand."""

    at_risk_at: datetime
    projected_at: datetime
    fired_at: datetime


@dataclass(frozen=True, kw_only=True)
class ClockWarned(ClockEvent):
    level: int
    threshold: str
    threshold_at: datetime
    fired_at: datetime


@dataclass(frozen=True, kw_only=True)
class ClockBreached(ClockEvent):
    breached_at: datetime
    fired_at: datetime


@dataclass(frozen=True, kw_only=True)
class BreachRetracted(ClockEvent):
    retracted_breached_at: datetime


@dataclass(frozen=True, kw_only=True)
class ClockMet(ClockEvent):
    fulfilled_at: datetime


@dataclass(frozen=True, kw_only=True)
class ClockMissed(ClockEvent):
    fulfilled_at: datetime | None
    breached_at: datetime


@dataclass(frozen=True, kw_only=True)
class ClockCancelled(ClockEvent):
    cancelled_at: datetime


@dataclass(frozen=True, kw_only=True)
class EscalationDue(ClockEvent):
    level: int
    target: str
    threshold_at: datetime
    fired_at: datetime


class DigestLine(NamedTuple):
    """One threshold that is told in a digest instead of by itself.

    `is_capped`: it was above a storm cap; else it was past when it fired.
    """

    target: str
    subject_kind: SubjectKind
    subject_id: UUID
    clock_id: UUID
    cycle: int
    metric: Metric
    kind: str
    level: int
    threshold_at: datetime
    fired_at: datetime
    is_capped: bool


@dataclass(frozen=True, kw_only=True)
class EscalationDigest(DomainEvent):
    """What a target is told together of all subjects; `aggregate_id` is the target's. `part` counts from 1."""

    target: str
    window_start: datetime
    part: int
    fired_at: datetime
    items: tuple[DigestLine, ...]
