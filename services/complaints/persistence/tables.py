"""The tables of complaints. Their history is in `migrations/`; the drift check compares the two.

Words are text with a CHECK; instants are UTC.
"""

from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.complaints.domain.clock_reading import ClockState
from services.complaints.domain.complaint_status import Status
from services.complaints.domain.message import MessageKind, MessageStatus
from services.complaints.domain.outcomes import Channel, Language, Outcome, Severity, WaitingOn
from services.complaints.domain.timeline import EntryKind
from shared.db.migrations import History
from shared.events import tables as event_tables
from shared.web import tables as web_tables

metadata = sa.MetaData()
event_tables.add_to(metadata)
web_tables.add_to(metadata)

HISTORY = History("complaints", metadata)

AT = sa.DateTime(timezone=True)
ID = sa.Uuid

complaint_numbers = sa.Sequence("complaint_numbers", metadata=metadata)


def _word(name: str, words: type[StrEnum], *, nullable: bool = False) -> sa.Column[str]:
    listed = ", ".join(f"'{word.value}'" for word in words)
    check = sa.CheckConstraint(f"{name} IN ({listed})", name=f"{name}_is_known")
    return sa.Column(name, sa.Text, check, nullable=nullable)


def _of_complaint(*, primary_key: bool = False) -> sa.Column[object]:
    return sa.Column(
        "complaint_id", ID, sa.ForeignKey("complaints.id"), primary_key=primary_key, nullable=False
    )


complaints = sa.Table(
    "complaints",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("last_occurred_at", AT, nullable=False),
    sa.Column("number", sa.Text, nullable=False, unique=True),
    sa.Column("external_number", sa.Text),
    sa.Column("customer_id", ID),
    sa.Column("ticket_id", ID),
    sa.Column("follows_complaint_id", ID, sa.ForeignKey("complaints.id")),
    _word("channel", Channel),
    sa.Column("category", sa.Text),
    _word("severity", Severity),
    sa.Column("description", sa.Text, nullable=False),
    _word("language", Language),
    sa.Column("received_at", AT, nullable=False),
    _word("status", Status),
    sa.Column("owner_id", sa.Text),
    _word("waiting_on", WaitingOn, nullable=True),
    sa.Column("acknowledged_at", AT),
    sa.Column("responded_at", AT),
    sa.Column("root_cause_code", sa.Text),
    sa.Column("root_cause_analysis", sa.Text),
    sa.Column("root_cause_recorded_at", AT),
    sa.Column("root_cause_recorded_by", sa.Text),
    sa.Column("action_corrective", sa.Text),
    sa.Column("action_preventive", sa.Text),
    sa.Column("action_recorded_at", AT),
    sa.Column("action_recorded_by", sa.Text),
    sa.Column("action_evidence", sa.Text),
    sa.Column("action_verified_at", AT),
    sa.Column("action_verified_by", sa.Text),
    sa.Column("unanswered_attempts", ARRAY(sa.Text), nullable=False),
    _word("outcome", Outcome, nullable=True),
    sa.Column("cause_code", sa.Text),
    sa.Column("explanation", sa.Text),
    sa.Column("recurring", sa.Boolean),
    sa.Column("decided_at", AT),
    sa.Column("decided_by", sa.Text),
    sa.Column("decision_message_id", ID),
    sa.Column("delivered_at", AT),
    _word("delivered_channel", Channel, nullable=True),
    sa.Column("delivery_failed_at", AT),
    sa.Column("customer_asked_at", AT),
    sa.Column("satisfied", sa.Boolean),
    sa.Column("satisfaction_score", sa.SmallInteger),
    sa.Column("satisfaction_comment", sa.Text),
    sa.Column("satisfaction_recorded_at", AT),
    sa.Column("closed_at", AT),
    sa.Column("reopen_count", sa.Integer, nullable=False),
    sa.Column("escalation_level", sa.Integer, nullable=False),
    sa.Column("escalated_at", AT),
    sa.Column("overdue_from", AT),
    # What the domain promises, once more where no code can pass it by.
    sa.CheckConstraint(
        "owner_id IS NOT NULL OR status NOT IN ('investigating', 'waiting')", name="worked_on_by_its_owner"
    ),
    sa.CheckConstraint(
        "(status IN ('decided', 'closed')) = (outcome IS NOT NULL)", name="decided_with_outcome"
    ),
    sa.CheckConstraint("(outcome IS NULL) = (cause_code IS NULL)", name="outcome_with_cause"),
    sa.CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", name="closed_at_an_instant"),
    sa.CheckConstraint(
        "status <> 'closed' OR outcome IN ('withdrawn', 'unreachable') OR delivered_at IS NOT NULL",
        name="closed_with_delivery",
    ),
    sa.Index("complaints_received", "received_at", "id"),
    sa.Index("complaints_status", "status", "received_at", "id"),
    sa.Index("complaints_owner", "owner_id", "received_at", "id"),
    sa.Index("complaints_channel", "channel", "received_at", "id"),
    sa.Index("complaints_severity", "severity", "received_at", "id"),
    sa.Index("complaints_customer", "customer_id", "received_at", "id"),
    sa.Index("complaints_external_number", "external_number", "received_at", "id"),
    sa.Index("complaints_follows", "follows_complaint_id"),
)
sa.Index(
    "complaints_overdue",
    complaints.c.received_at,
    complaints.c.id,
    complaints.c.overdue_from,
    postgresql_where=complaints.c.overdue_from.is_not(None),
)
sa.Index(
    "complaints_recurrence",
    complaints.c.customer_id,
    complaints.c.cause_code,
    complaints.c.decided_at,
    postgresql_where=complaints.c.cause_code.is_not(None),
)

# Personal data stands here and nowhere else.
contacts = sa.Table(
    "complaint_contacts",
    metadata,
    _of_complaint(primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("email", sa.Text),
    sa.Column("phone", sa.Text),
)

timeline = sa.Table(
    "complaint_timeline",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True, cache=1), primary_key=True),
    _of_complaint(),
    _word("kind", EntryKind),
    sa.Column("at", AT, nullable=False),
    sa.Column("actor_role", sa.Text, nullable=False),
    sa.Column("actor_id", sa.Text, nullable=False),
    sa.Column("text", sa.Text),
    sa.Column("facts", JSONB, nullable=False),
    sa.Index("complaint_timeline_of", "complaint_id", "id"),
)

messages = sa.Table(
    "messages",
    metadata,
    sa.Column("id", ID, primary_key=True),
    _of_complaint(),
    _word("kind", MessageKind),
    _word("status", MessageStatus),
    _word("language", Language),
    sa.Column("template", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("asks_satisfaction", sa.Boolean, nullable=False),
    sa.Column("created_at", AT, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_attempt_at", AT),
    sa.Column("delivered_at", AT),
    _word("delivered_channel", Channel, nullable=True),
    sa.Column("failed_at", AT),
    sa.Column("last_error", sa.Text),
    sa.CheckConstraint("(status = 'queued') = (next_attempt_at IS NOT NULL)", name="queued_for_an_instant"),
    sa.Index("messages_of", "complaint_id", "created_at", "id"),
)
sa.Index("messages_due", messages.c.next_attempt_at, postgresql_where=messages.c.next_attempt_at.is_not(None))

clocks = sa.Table(
    "complaint_clocks",
    metadata,
    sa.Column("clock_id", ID, primary_key=True),
    sa.Column("cycle", sa.Integer, primary_key=True, autoincrement=False),
    _of_complaint(),
    sa.Column("agreement", sa.Text, nullable=False),
    sa.Column("metric", sa.Text, nullable=False),
    _word("state", ClockState),
    sa.Column("state_sequence", sa.BigInteger, nullable=False),
    sa.Column("due_at", AT),
    sa.Column("due_sequence", sa.BigInteger, nullable=False),
    sa.Column("breached_at", AT),
    sa.Column("breach_sequence", sa.BigInteger, nullable=False),
    sa.Column("started_at", AT),
    sa.Column("warned_at", AT),
    sa.Column("ended_at", AT),
    sa.Column("marked", sa.Boolean, nullable=False),
    sa.Index("complaint_clocks_of", "complaint_id"),
)
