"""The timeline (时间线): every step of a ticket with who, when and what; appended, never changed.

Deleting a ticket blanks the free text of its steps (by law); the steps stay.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from shared.kernel.context import Actor

Audience = Literal["public", "staff"]


class Step(StrEnum):
    """What a step was. Those without an event of the same name are not published."""

    TICKET_OPENED = "ticket_opened"
    TICKET_CLASSIFIED = "ticket_classified"
    TICKET_PRIORITISED = "ticket_prioritised"
    TICKET_CUSTOMER_CHANGED = "ticket_customer_changed"
    TICKET_ASSIGNED = "ticket_assigned"
    TICKET_TRANSFERRED = "ticket_transferred"
    TICKET_WORK_STARTED = "ticket_work_started"
    TICKET_REPLIED = "ticket_replied"
    NOTE_ADDED = "note_added"
    CUSTOMER_REPLIED = "customer_replied"
    TICKET_WAITING = "ticket_waiting"
    TICKET_RESUMED = "ticket_resumed"
    TICKET_ESCALATED = "ticket_escalated"
    BREACH_NOTED = "breach_noted"
    COMMITMENT_MADE = "commitment_made"
    COMMITMENT_CHANGED = "commitment_changed"
    TICKET_RESOLVED = "ticket_resolved"
    TICKET_REOPENED = "ticket_reopened"
    TICKET_CLOSED = "ticket_closed"
    FOLLOW_UP_REQUESTED = "follow_up_requested"
    FOLLOW_UP_RECORDED = "follow_up_recorded"
    TICKET_CANCELLED = "ticket_cancelled"
    TICKET_MERGED = "ticket_merged"
    TICKET_ABSORBED = "ticket_absorbed"
    TICKET_DELETED = "ticket_deleted"


# What the customer sees: what was said to them and by them, and where their request stands. How the desk
# organises itself, and what colleagues tell each other, stays inside.
PUBLIC_STEPS = frozenset(
    {
        Step.TICKET_OPENED,
        Step.TICKET_WORK_STARTED,
        Step.TICKET_REPLIED,
        Step.CUSTOMER_REPLIED,
        Step.TICKET_WAITING,
        Step.TICKET_RESUMED,
        Step.COMMITMENT_MADE,
        Step.COMMITMENT_CHANGED,
        Step.TICKET_RESOLVED,
        Step.TICKET_REOPENED,
        Step.TICKET_CLOSED,
        Step.FOLLOW_UP_REQUESTED,
        Step.FOLLOW_UP_RECORDED,
        Step.TICKET_CANCELLED,
    }
)


@dataclass(frozen=True, kw_only=True)
class TimelineEntry:
    """One step. `details` are codes and references, `text` what a person wrote, `message_id` its id.

    `text` on a public step that is not a message is a remark for colleagues and is not shown to customers.
    `searchable_text` is what the search finds this step by.
    """

    step: Step
    occurred_at: datetime
    actor: Actor
    details: dict[str, Any]
    text: str | None = None
    message_id: UUID | None = None
    searchable_text: str | None = None

    @property
    def audience(self) -> Audience:
        return "public" if self.step in PUBLIC_STEPS else "staff"


# Customers read the words of messages, and of the details only these: not who has their ticket, nor clocks.
MESSAGE_STEPS = frozenset({Step.TICKET_REPLIED, Step.CUSTOMER_REPLIED})
PUBLIC_DETAILS = frozenset(
    {
        "automatic",
        "channel",
        "committed_at",
        "csat",
        "nps",
        "previous_committed_at",
        "reason",
        "reopen_count",
        "resolution_code",
        "waiting_on",
    }
)
