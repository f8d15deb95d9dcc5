"""A complaint as a row of `complaints`, and back."""

from typing import Any

from services.complaints.domain.complaint import Complaint
from services.complaints.domain.complaint_status import Status
from services.complaints.domain.findings import CorrectiveAction, Decision, RootCause, Satisfaction
from services.complaints.domain.outcomes import Channel, Language, Outcome, Severity, WaitingOn

PLAIN = (
    "id",
    "version",
    "sequence",
    "last_occurred_at",
    "number",
    "external_number",
    "customer_id",
    "ticket_id",
    "follows_complaint_id",
    "category",
    "description",
    "received_at",
    "owner_id",
    "acknowledged_at",
    "responded_at",
    "closed_at",
    "reopen_count",
    "escalation_level",
    "escalated_at",
    "overdue_from",
)
# Column → attribute of the finding that fills it.
ROOT_CAUSE = {
    "root_cause_code": "cause_code",
    "root_cause_analysis": "analysis",
    "root_cause_recorded_at": "recorded_at",
    "root_cause_recorded_by": "recorded_by",
}
ACTION = {
    "action_corrective": "corrective",
    "action_preventive": "preventive",
    "action_recorded_at": "recorded_at",
    "action_recorded_by": "recorded_by",
    "action_evidence": "evidence",
    "action_verified_at": "verified_at",
    "action_verified_by": "verified_by",
}
DECISION = {
    "outcome": "outcome",
    "cause_code": "cause_code",
    "explanation": "explanation",
    "recurring": "recurring",
    "decided_at": "decided_at",
    "decided_by": "decided_by",
    "decision_message_id": "message_id",
    "delivered_at": "delivered_at",
    "delivered_channel": "delivered_channel",
    "delivery_failed_at": "delivery_failed_at",
    "customer_asked_at": "customer_asked_at",
}
SATISFACTION = {
    "satisfied": "satisfied",
    "satisfaction_score": "score",
    "satisfaction_comment": "comment",
    "satisfaction_recorded_at": "recorded_at",
}


def row_of(complaint: Complaint) -> dict[str, Any]:
    """Every column of the complaint's row."""
    return {
        **{name: getattr(complaint, name) for name in PLAIN},
        "channel": complaint.channel,
        "severity": complaint.severity,
        "language": complaint.language,
        "status": complaint.status,
        "waiting_on": complaint.waiting_on,
        "unanswered_attempts": list(complaint.unanswered_attempts),
        **_columns(ROOT_CAUSE, complaint.root_cause),
        **_columns(ACTION, complaint.corrective_action),
        **_columns(DECISION, complaint.decision),
        **_columns(SATISFACTION, complaint.satisfaction),
    }


def complaint_of(row: Any) -> Complaint:
    """The complaint of a row that has all columns of `complaints`."""
    return Complaint(
        **{name: row[name] for name in PLAIN},
        channel=Channel(row["channel"]),
        severity=Severity(row["severity"]),
        language=Language(row["language"]),
        status=Status(row["status"]),
        waiting_on=WaitingOn(row["waiting_on"]) if row["waiting_on"] else None,
        unanswered_attempts=tuple(Channel(channel) for channel in row["unanswered_attempts"]),
        root_cause=RootCause(**_facts(ROOT_CAUSE, row)) if row["root_cause_code"] else None,
        corrective_action=CorrectiveAction(**_facts(ACTION, row)) if row["action_corrective"] else None,
        decision=_decision(row) if row["outcome"] else None,
        satisfaction=Satisfaction(**_facts(SATISFACTION, row)) if row["satisfied"] is not None else None,
    )


def _decision(row: Any) -> Decision:
    facts = _facts(DECISION, row)
    channel = facts["delivered_channel"]
    facts |= {
        "outcome": Outcome(facts["outcome"]),
        "delivered_channel": Channel(channel) if channel else None,
    }
    return Decision(**facts)


def _columns(names: dict[str, str], finding: object | None) -> dict[str, Any]:
    return {
        column: None if finding is None else getattr(finding, attribute)
        for column, attribute in names.items()
    }


def _facts(names: dict[str, str], row: Any) -> dict[str, Any]:
    return {attribute: row[column] for column, attribute in names.items()}
