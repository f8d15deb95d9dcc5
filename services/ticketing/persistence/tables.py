"""The tables of ticketing. Their history is in `migrations/`; the drift check compares the two."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

from shared.db.migrations import History
from shared.events import tables as event_tables
from shared.web import tables as web_tables

metadata = sa.MetaData()
event_tables.add_to(metadata)
web_tables.add_to(metadata)

HISTORY = History("ticketing", metadata)

AT = sa.DateTime(timezone=True)

tickets = sa.Table(
    "tickets",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    # Numbers people use; gaps after a rollback are allowed, a second round trip for each opening is not.
    sa.Column("serial", sa.BigInteger, sa.Identity(always=True, cache=1), nullable=False, unique=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("last_occurred_at", AT, nullable=False),
    sa.Column("external_number", sa.Text),
    sa.Column("customer_id", sa.Uuid, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("priority", sa.Text, nullable=False),
    sa.Column("category", sa.Text),
    sa.Column("queue", sa.Text),
    sa.Column("offering", sa.Text),
    sa.Column("contract", sa.Text),
    sa.Column("entitlement", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("waiting_on", sa.Text),
    sa.Column("assignee_id", sa.Text),
    sa.Column("escalation_level", sa.SmallInteger, nullable=False),
    sa.Column("committed_at", AT),
    sa.Column("opened_at", AT, nullable=False),
    sa.Column("opened_by", sa.Text, nullable=False),
    sa.Column("resolution_code", sa.Text),
    sa.Column("resolved_at", AT),
    sa.Column("closed_at", AT),
    sa.Column("reopen_count", sa.Integer, nullable=False),
    sa.Column("merged_into_id", sa.Uuid),
    sa.Column("follow_up_id", sa.Uuid),
    sa.Column("follow_up_recorded_at", AT),
    sa.CheckConstraint(
        "channel IN ('phone', 'web', 'chat', 'email', 'sms', 'social', 'api')", name="tickets_channel"
    ),
    sa.CheckConstraint("priority IN ('critical', 'high', 'moderate', 'low')", name="tickets_priority"),
    sa.CheckConstraint(
        "status IN ('new', 'open', 'in_progress', 'waiting', 'resolved', 'closed', 'cancelled', 'merged', 'deleted')",
        name="tickets_status",
    ),
    sa.CheckConstraint("waiting_on IN ('customer', 'third_party')", name="tickets_waiting_on"),
    sa.CheckConstraint("(status = 'waiting') = (waiting_on IS NOT NULL)", name="tickets_waiting_on_someone"),
    # A list is ordered by id, which is the order of intake (UUIDv7).
    sa.Index("tickets_by_status", "status", "id"),
    sa.Index("tickets_by_customer", "customer_id", "id"),
    sa.Index("tickets_by_priority", "priority", "id"),
    sa.Index("tickets_by_queue", "queue", "id", postgresql_where=sa.text("queue IS NOT NULL")),
    sa.Index("tickets_by_assignee", "assignee_id", "id", postgresql_where=sa.text("assignee_id IS NOT NULL")),
    sa.Index(
        "tickets_by_external_number",
        "external_number",
        "id",
        postgresql_where=sa.text("external_number IS NOT NULL"),
    ),
)

timeline = sa.Table(
    "timeline",
    metadata,
    sa.Column("ticket_id", sa.Uuid, sa.ForeignKey("tickets.id"), primary_key=True),
    # Taken under the ticket's lock, so that within one ticket the order of ids is the order of steps.
    sa.Column("entry_id", sa.BigInteger, sa.Identity(always=True, cache=1), primary_key=True),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("audience", sa.Text, nullable=False),
    sa.Column("occurred_at", AT, nullable=False),
    sa.Column("actor_role", sa.Text, nullable=False),
    sa.Column("actor_id", sa.Text, nullable=False),
    sa.Column("details", JSONB, nullable=False),
    sa.Column("message_id", sa.Uuid),
    sa.Column("text", sa.Text),
    # The search looks here, because steps are never updated: a word is indexed once.
    sa.Column("terms", TSVECTOR),
    sa.CheckConstraint("audience IN ('public', 'staff')", name="timeline_audience"),
    sa.Index(
        "timeline_by_terms",
        "terms",
        postgresql_using="gin",
        postgresql_where=sa.text("terms IS NOT NULL"),
    ),
)

follow_ups = sa.Table(
    "follow_ups",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("ticket_id", sa.Uuid, sa.ForeignKey("tickets.id"), nullable=False),
    sa.Column("requested_at", AT, nullable=False),
    sa.Column("recorded_at", AT),
    sa.Column("csat", sa.SmallInteger),
    sa.Column("nps", sa.SmallInteger),
    sa.Column("comment", sa.Text),
    sa.CheckConstraint("csat BETWEEN 1 AND 5", name="follow_ups_csat"),
    sa.CheckConstraint("nps BETWEEN 0 AND 10", name="follow_ups_nps"),
    sa.CheckConstraint(
        "(recorded_at IS NULL) = (csat IS NULL AND nps IS NULL)", name="follow_ups_recorded_with_score"
    ),
    sa.Index("follow_ups_by_ticket", "ticket_id"),
)

ticket_clocks = sa.Table(
    "ticket_clocks",
    metadata,
    sa.Column("clock_id", sa.Uuid, primary_key=True),
    # No foreign key: what sla says of a ticket is kept as it comes.
    sa.Column("ticket_id", sa.Uuid, nullable=False),
    sa.Column("agreement", sa.Text, nullable=False),
    sa.Column("metric", sa.Text, nullable=False),
    sa.Column("cycle", sa.Integer, nullable=False),
    sa.Column("policy_version_id", sa.Uuid, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("started_at", AT),
    sa.Column("due_at", AT),
    sa.Column("paused_at", AT),
    sa.Column("breached_at", AT),
    sa.Column("fulfilled_at", AT),
    sa.Column("warned_at", AT),
    sa.Column("warning_level", sa.SmallInteger, nullable=False),
    sa.Column("escalation_level", sa.SmallInteger, nullable=False),
    sa.Column(
        "overdue",
        sa.Boolean,
        sa.Computed("breached_at IS NOT NULL AND state = ANY (ARRAY['running'::text, 'paused'::text])"),
        nullable=False,
    ),
    sa.CheckConstraint(
        "state IN ('running', 'paused', 'met', 'missed', 'cancelled')", name="ticket_clocks_state"
    ),
    sa.Index("ticket_clocks_by_ticket", "ticket_id"),
    sa.Index("ticket_clocks_overdue", "ticket_id", postgresql_where=sa.text("overdue")),
)

customers = sa.Table(
    "customers",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("tier", sa.Text, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
)
