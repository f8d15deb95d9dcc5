"""The complaint as callers see it: staff see all of it, customers what concerns them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import Field

from services.complaints.domain.clock_reading import ClockReading, ClockState
from services.complaints.domain.complaint import Complaint
from services.complaints.domain.complaint_status import Status
from services.complaints.domain.findings import Decision
from services.complaints.domain.outcomes import Channel, Language, Outcome, Severity, WaitingOn
from services.complaints.domain.policy import ComplaintPolicy
from shared.web.models import ApiModel


class ClockOut(ApiModel):
    """One promise about time, as sla last told it."""

    clock_id: UUID
    cycle: int
    agreement: str
    metric: str
    state: ClockState
    started_at: datetime | None
    due_at: datetime | None = Field(description="Absent while the clock stands still.")
    warned_at: datetime | None
    breached_at: datetime | None
    ended_at: datetime | None


class DecisionOut(ApiModel):
    """The outcome and what became of its confirmation."""

    outcome: Outcome
    cause_code: str
    explanation: str
    decided_at: datetime
    message_id: UUID | None = Field(
        description="The confirmation; absent where there was no way to send one."
    )
    delivered_at: datetime | None
    delivered_channel: Channel | None
    delivery_failed_at: datetime | None = Field(description="The mail was given up; deliver it another way.")
    customer_asked_at: datetime | None


class SatisfactionOut(ApiModel):
    satisfied: bool
    score: int | None
    comment: str | None
    recorded_at: datetime


class RootCauseOut(ApiModel):
    """Root cause analysis (根本原因分析)."""

    cause_code: str
    analysis: str
    recorded_at: datetime
    recorded_by: str


class CorrectiveActionOut(ApiModel):
    corrective: str
    preventive: str | None
    recorded_at: datetime
    recorded_by: str
    evidence: str | None
    verified_at: datetime | None
    verified_by: str | None


class HandlingOut(ApiModel):
    """How the complaint is handled: for staff only."""

    clocks: list[ClockOut]
    overdue: bool = Field(description="A clock is past its due date and has not ended.")
    escalation_level: int
    escalated_at: datetime | None
    root_cause: RootCauseOut | None
    corrective_action: CorrectiveActionOut | None
    unanswered_attempts: list[Channel] = Field(
        description="Tried in vain since the customer was last reached."
    )
    decided_by: str | None
    recurring: bool | None = Field(description="Same customer and cause code within the policy's days.")
    closure_needs: list[str] = Field(description="What is missing for closure, once there is a decision.")


class ComplaintOut(ApiModel):
    """A complaint (投诉)."""

    id: UUID
    version: int
    number: str = Field(examples=["C-000123"])
    external_number: str | None
    customer_id: UUID | None
    ticket_id: UUID | None
    follows_complaint_id: UUID | None
    channel: Channel
    category: str | None
    severity: Severity
    description: str
    language: Language
    status: Status
    owner_id: str | None
    waiting_on: WaitingOn | None
    received_at: datetime
    acknowledged_at: datetime | None = Field(description="The automatic acknowledgement, not the answer.")
    responded_at: datetime | None = Field(
        description="The first answer by a person since intake or reopening."
    )
    decision: DecisionOut | None
    satisfaction: SatisfactionOut | None
    closed_at: datetime | None
    reopen_count: int
    handling: HandlingOut | None = Field(description="For staff; absent for customers.")

    @classmethod
    def of(
        cls,
        complaint: Complaint,
        clocks: Sequence[ClockReading],
        *,
        policy: ComplaintPolicy,
        now: datetime,
        for_customer: bool,
    ) -> "ComplaintOut":
        return cls(
            id=complaint.id,
            version=complaint.version,
            number=complaint.number,
            external_number=complaint.external_number,
            customer_id=complaint.customer_id,
            ticket_id=complaint.ticket_id,
            follows_complaint_id=complaint.follows_complaint_id,
            channel=complaint.channel,
            category=complaint.category,
            severity=complaint.severity,
            description=complaint.description,
            language=complaint.language,
            status=complaint.status,
            owner_id=complaint.owner_id,
            waiting_on=complaint.waiting_on,
            received_at=complaint.received_at,
            acknowledged_at=complaint.acknowledged_at,
            responded_at=complaint.responded_at,
            decision=DecisionOut.model_validate(complaint.decision) if complaint.decision else None,
            satisfaction=SatisfactionOut.model_validate(complaint.satisfaction)
            if complaint.satisfaction
            else None,
            closed_at=complaint.closed_at,
            reopen_count=complaint.reopen_count,
            handling=None if for_customer else _handling(complaint, clocks, policy, now),
        )


def _handling(
    complaint: Complaint, clocks: Sequence[ClockReading], policy: ComplaintPolicy, now: datetime
) -> HandlingOut:
    cause, action = complaint.root_cause, complaint.corrective_action
    decision: Decision | None = complaint.decision
    return HandlingOut(
        clocks=[ClockOut.model_validate(clock) for clock in clocks],
        overdue=any(clock.overdue_from is not None and clock.overdue_from <= now for clock in clocks),
        escalation_level=complaint.escalation_level,
        escalated_at=complaint.escalated_at,
        root_cause=RootCauseOut.model_validate(cause) if cause else None,
        corrective_action=CorrectiveActionOut.model_validate(action) if action else None,
        unanswered_attempts=list(complaint.unanswered_attempts),
        decided_by=decision.decided_by if decision else None,
        recurring=decision.recurring if decision else None,
        closure_needs=[need.value for need in complaint.missing_needs(policy)],
    )
