"""Events of the complaints service (topic `complaints.events`, key = complaint id). Additive only."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.contracts.base import Contract

ComplaintChannel = Literal["phone", "chat", "email", "sms", "social", "web", "letter"]
Severity = Literal["minor", "serious", "critical"]
Outcome = Literal["upheld", "partly_upheld", "not_upheld", "withdrawn", "out_of_remit", "unreachable"]


class _ComplaintContract(Contract):
    complaint_id: UUID


class ComplaintReceivedV1(_ComplaintContract):
    """A complaint (投诉) was taken in; its 24 hours run from `received_at`."""

    TYPE = "complaints.complaint_received.v1"

    number: str
    external_number: str | None = None
    customer_id: UUID | None
    channel: ComplaintChannel
    category: str | None = None
    severity: Severity
    ticket_id: UUID | None = None
    received_at: datetime


class ComplaintAcknowledgedV1(_ComplaintContract):
    """The automatic acknowledgement went out; it is not the answer."""

    TYPE = "complaints.complaint_acknowledged.v1"

    message_id: UUID


class ComplaintAssignedV1(_ComplaintContract):
    """One named owner answers for it."""

    TYPE = "complaints.complaint_assigned.v1"

    owner_id: str
    previous_owner_id: str | None = None


class ComplaintRespondedV1(_ComplaintContract):
    """A person answered the customer: this stops the 24 hour clock."""

    TYPE = "complaints.complaint_responded.v1"

    responder_id: str


class ComplaintWaitingV1(_ComplaintContract):
    """The investigation waits for the customer or a third party."""

    TYPE = "complaints.complaint_waiting.v1"

    waiting_on: Literal["customer", "third_party"]


class ComplaintResumedV1(_ComplaintContract):
    """The wait is over."""

    TYPE = "complaints.complaint_resumed.v1"


class ComplaintSeverityAssessedV1(_ComplaintContract):
    """Severity was judged."""

    TYPE = "complaints.complaint_severity_assessed.v1"

    severity: Severity
    previous: Severity


class ComplaintDecidedV1(_ComplaintContract):
    """The outcome, with its cause code."""

    TYPE = "complaints.complaint_decided.v1"

    outcome: Outcome
    cause_code: str


class DecisionDeliveredV1(_ComplaintContract):
    """The confirmation message with the outcome reached the customer's mail server or was handed over."""

    TYPE = "complaints.decision_delivered.v1"

    message_id: UUID
    channel: ComplaintChannel


class DecisionDeliveryFailedV1(_ComplaintContract):
    """The confirmation message could not be delivered and another way is needed."""

    TYPE = "complaints.decision_delivery_failed.v1"

    message_id: UUID
    attempts: int


class CorrectiveActionVerifiedV1(_ComplaintContract):
    """The corrective action of the root cause analysis (根本原因分析) was checked and works."""

    TYPE = "complaints.corrective_action_verified.v1"

    cause_code: str


class ComplaintWithdrawnV1(_ComplaintContract):
    """The customer took it back."""

    TYPE = "complaints.complaint_withdrawn.v1"


class ComplaintClosedV1(_ComplaintContract):
    """The loop is closed (闭环): decided, delivered, and the customer was asked."""

    TYPE = "complaints.complaint_closed.v1"

    outcome: Outcome
    cause_code: str


class ComplaintReopenedV1(_ComplaintContract):
    """The customer came back with the same matter."""

    TYPE = "complaints.complaint_reopened.v1"

    reopen_count: int


class ComplaintSatisfactionRecordedV1(_ComplaintContract):
    """The customer said whether they are satisfied."""

    TYPE = "complaints.complaint_satisfaction_recorded.v1"

    satisfied: bool
    score: int | None = None
