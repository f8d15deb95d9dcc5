"""Events of the sla service (topic `sla.events`, key = subject id, so that one subject's clocks stay in order).

Objectives and digests have keys of their own.

Additive only.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.contracts.base import Contract

SubjectKind = Literal["ticket", "complaint", "external"]
Metric = Literal[
    "first_response",
    "next_response",
    "periodic_update",
    "time_to_own",
    "resolution",
    "committed_resolution",
    "acknowledgement",
    "response",
    "decision",
]
Agreement = Literal["sla", "ola", "underpinning", "regulatory"]


class _ClockContract(Contract):
    clock_id: UUID
    subject_kind: SubjectKind
    subject_id: UUID
    agreement: Agreement
    metric: Metric
    cycle: int
    policy_version_id: UUID
    due_at: datetime | None


class ClockStartedV1(_ClockContract):
    """A promise about time began to be measured."""

    TYPE = "sla.clock_started.v1"

    started_at: datetime


class ClockPausedV1(_ClockContract):
    """The clock stands still; `due_at` is absent until it runs again."""

    TYPE = "sla.clock_paused.v1"

    paused_at: datetime


class ClockResumedV1(_ClockContract):
    """The clock runs again with what was left; `due_at` is its new due date."""

    TYPE = "sla.clock_resumed.v1"

    resumed_at: datetime


class ClockRetargetedV1(_ClockContract):
    """Target, policy or inputs changed and the due date moved."""

    TYPE = "sla.clock_retargeted.v1"

    previous_due_at: datetime | None
    reason: Literal[
        "priority", "classification", "customer", "tier", "policy", "calendar", "late_input", "merge"
    ]


class ClockRecommittedV1(_ClockContract):
    """The customer was promised another date before the old one had passed; `reason` is the source's code."""

    TYPE = "sla.clock_recommitted.v1"

    previous_due_at: datetime | None
    reason: str | None


class CommitmentAtRiskV1(_ClockContract):
    """As things stand the resolution comes after the promised date (`due_at`): it is due at `projected_at`.

    `at_risk_at` is since when that is so, `fired_at` when it was noticed.
    """

    TYPE = "sla.commitment_at_risk.v1"

    at_risk_at: datetime
    projected_at: datetime
    fired_at: datetime


class ClockWarnedV1(_ClockContract):
    """A share of the target has passed (S5: warn before)."""

    TYPE = "sla.clock_warned.v1"

    level: int
    threshold: str
    threshold_at: datetime
    fired_at: datetime


class ClockBreachedV1(_ClockContract):
    """The due date passed unfulfilled. `breached_at` is the due instant, `fired_at` when it was noticed."""

    TYPE = "sla.clock_breached.v1"

    breached_at: datetime
    fired_at: datetime


class BreachRetractedV1(_ClockContract):
    """A published breach did not happen after all: an earlier event arrived late."""

    TYPE = "sla.breach_retracted.v1"

    retracted_breached_at: datetime


class ClockMetV1(_ClockContract):
    """The promise was kept."""

    TYPE = "sla.clock_met.v1"

    fulfilled_at: datetime


class ClockMissedV1(_ClockContract):
    """The promise was fulfilled late, or given up after its breach (`fulfilled_at` absent)."""

    TYPE = "sla.clock_missed.v1"

    fulfilled_at: datetime | None
    breached_at: datetime


class ClockCancelledV1(_ClockContract):
    """The promise ended without judgement before it was due."""

    TYPE = "sla.clock_cancelled.v1"

    cancelled_at: datetime


class EscalationDueV1(_ClockContract):
    """A level of the policy's escalation ladder was reached; `target` says to whom."""

    TYPE = "sla.escalation_due.v1"

    level: int
    target: str
    threshold_at: datetime
    fired_at: datetime


class EscalationDigestV1(Contract):
    """What one target is told together, of any number of subjects, instead of a message each.

    `items` are warnings and escalations that were past after an outage, that a version applied to running clocks
    made late, or that were above a storm cap. A window (from `window_start`) has one digest a target, told in
    parts of at most 200 items, counted from 1: what was late once it has settled, the rest at the window's end.
    The key is the target's, so that its digests stay in order; they may overtake the events of a subject.
    """

    TYPE = "sla.escalation_digest.v1"

    class Item(Contract):
        """One threshold that is reported here instead of in an event of its own."""

        subject_kind: SubjectKind
        subject_id: UUID
        clock_id: UUID
        cycle: int
        metric: Metric
        kind: Literal["warning", "escalation"]
        level: int
        threshold_at: datetime

    target: str
    window_start: datetime
    part: int
    fired_at: datetime
    items: list[Item]


class AvailabilityObjectiveBreachedV1(Contract):
    """More than the error budget of a month was spent; once a month and objective. The key is the objective's id.

    `breached_at` is when the budget had been spent and the offering stayed down, `month` the calendar's (2026-03)
    in the objective's time zone.
    """

    TYPE = "sla.availability_objective_breached.v1"

    objective_id: UUID
    offering: str
    version_number: int
    month: str
    target: float
    downtime_seconds: float
    budget_seconds: float
    breached_at: datetime
    fired_at: datetime


class AvailabilityBudgetBurningV1(Contract):
    """An error budget burns at least so fast over a long and a short window. The key is the objective's id.

    Once until the alert is over; a burn rate of 1 spends the budget exactly in a month.
    """

    TYPE = "sla.availability_budget_burning.v1"

    objective_id: UUID
    offering: str
    version_number: int
    severity: Literal["page", "ticket"]
    burn_rate: float
    long_seconds: int
    short_seconds: int
    long_burn_rate: float
    short_burn_rate: float
    fired_at: datetime
