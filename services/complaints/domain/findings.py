"""What people record on the way to closure: cause, corrective action, decision, satisfaction."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.complaints.domain.outcomes import Channel, Outcome


@dataclass(frozen=True, slots=True)
class RootCause:
    """The root cause analysis (根本原因分析, RCA): a cause code and how it was established."""

    cause_code: str
    analysis: str
    recorded_at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class CorrectiveAction:
    """What is done about the cause; verified when somebody else has checked that it works.

    `corrective` puts this case right, `preventive` keeps it from happening again.
    """

    corrective: str
    preventive: str | None
    recorded_at: datetime
    recorded_by: str
    evidence: str | None = None
    verified_at: datetime | None = None
    verified_by: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome and what became of its confirmation message.

    `message_id` names the message that carries it, by mail or by hand. `recurring` was found when deciding.
    The customer was asked when a confirmation with the question reached them (`customer_asked_at`).
    """

    outcome: Outcome
    cause_code: str
    explanation: str
    recurring: bool
    decided_at: datetime
    decided_by: str
    message_id: UUID | None
    delivered_at: datetime | None = None
    delivered_channel: Channel | None = None
    delivery_failed_at: datetime | None = None
    customer_asked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """The customer's answer: satisfied or not, and a score from 1 to 5 if they gave one."""

    satisfied: bool
    score: int | None
    comment: str | None
    recorded_at: datetime
