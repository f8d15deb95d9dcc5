"""The record of a complaint: what was done, by whom, when; only ever appended to."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class EntryKind(StrEnum):
    """What an entry tells of."""

    RECEIVED = "received"
    ACKNOWLEDGED = "acknowledged"
    ASSIGNED = "assigned"
    RESPONDED = "responded"
    WAITING = "waiting"
    RESUMED = "resumed"
    SEVERITY_ASSESSED = "severity_assessed"
    NOTE = "note"
    ROOT_CAUSE = "root_cause"
    CORRECTIVE_ACTION = "corrective_action"
    CORRECTIVE_ACTION_VERIFIED = "corrective_action_verified"
    CONTACT_ATTEMPT = "contact_attempt"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"
    DELIVERED = "delivered"
    DELIVERY_FAILED = "delivery_failed"
    SATISFACTION = "satisfaction"
    CLOSED = "closed"
    REOPENED = "reopened"
    ESCALATED = "escalated"
    ESCALATION_RETRACTED = "escalation_retracted"


# What the customer may read of their own complaint; everything else is for staff.
PUBLIC_KINDS = frozenset(
    {
        EntryKind.RECEIVED,
        EntryKind.ACKNOWLEDGED,
        EntryKind.ASSIGNED,
        EntryKind.RESPONDED,
        EntryKind.WAITING,
        EntryKind.RESUMED,
        EntryKind.DECIDED,
        EntryKind.WITHDRAWN,
        EntryKind.DELIVERED,
        EntryKind.SATISFACTION,
        EntryKind.CLOSED,
        EntryKind.REOPENED,
    }
)


# Their text was said to or by the customer; the reasons staff give each other stay with the staff.
PUBLIC_TEXT_KINDS = frozenset({EntryKind.RESPONDED, EntryKind.DECIDED, EntryKind.SATISFACTION})

PUBLIC_FACTS = frozenset({"channel", "owner_id", "waiting_on", "outcome", "satisfied", "score"})


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line: `facts` are codes, ids and numbers; `text` is what a person wrote, if anything."""

    kind: EntryKind
    at: datetime
    text: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
