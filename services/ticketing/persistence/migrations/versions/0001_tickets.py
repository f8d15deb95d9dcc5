"""Tickets, their timeline, follow-ups, what is known of clocks and customers; plumbing of events and edge.

Revision: 0001, the first.
"""

from alembic import op

from shared.db.migrations import frozen_sql
from shared.events.schema import create_tables, drop_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TICKETS = """
CREATE TABLE tickets (
    id uuid NOT NULL PRIMARY KEY,
    serial bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) UNIQUE,
    version integer NOT NULL,
    sequence integer NOT NULL,
    last_occurred_at timestamptz NOT NULL,
    external_number text,
    customer_id uuid NOT NULL,
    channel text NOT NULL
        CONSTRAINT tickets_channel CHECK (channel IN ('phone', 'web', 'chat', 'email', 'sms', 'social', 'api')),
    subject text NOT NULL,
    description text NOT NULL,
    kind text NOT NULL,
    priority text NOT NULL
        CONSTRAINT tickets_priority CHECK (priority IN ('critical', 'high', 'moderate', 'low')),
    category text,
    queue text,
    offering text,
    status text NOT NULL
        CONSTRAINT tickets_status CHECK (status IN (
            'new', 'open', 'in_progress', 'waiting', 'resolved', 'closed', 'cancelled', 'merged', 'deleted')),
    waiting_on text
        CONSTRAINT tickets_waiting_on CHECK (waiting_on IN ('customer', 'third_party')),
    assignee_id text,
    escalation_level smallint NOT NULL,
    committed_at timestamptz,
    opened_at timestamptz NOT NULL,
    opened_by text NOT NULL,
    resolution_code text,
    resolved_at timestamptz,
    closed_at timestamptz,
    reopen_count integer NOT NULL,
    merged_into_id uuid,
    follow_up_id uuid,
    follow_up_recorded_at timestamptz,
    CONSTRAINT tickets_waiting_on_someone CHECK ((status = 'waiting') = (waiting_on IS NOT NULL))
)
"""

TIMELINE = """
CREATE TABLE timeline (
    ticket_id uuid NOT NULL REFERENCES tickets (id),
    entry_id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1),
    step text NOT NULL,
    audience text NOT NULL CONSTRAINT timeline_audience CHECK (audience IN ('public', 'staff')),
    occurred_at timestamptz NOT NULL,
    actor_role text NOT NULL,
    actor_id text NOT NULL,
    details jsonb NOT NULL,
    message_id uuid,
    text text,
    terms tsvector,
    PRIMARY KEY (ticket_id, entry_id)
)
"""

FOLLOW_UPS = """
CREATE TABLE follow_ups (
    id uuid NOT NULL PRIMARY KEY,
    ticket_id uuid NOT NULL REFERENCES tickets (id),
    requested_at timestamptz NOT NULL,
    recorded_at timestamptz,
    csat smallint CONSTRAINT follow_ups_csat CHECK (csat BETWEEN 1 AND 5),
    nps smallint CONSTRAINT follow_ups_nps CHECK (nps BETWEEN 0 AND 10),
    comment text,
    CONSTRAINT follow_ups_recorded_with_score CHECK ((recorded_at IS NULL) = (csat IS NULL AND nps IS NULL))
)
"""

TICKET_CLOCKS = """
CREATE TABLE ticket_clocks (
    clock_id uuid NOT NULL PRIMARY KEY,
    ticket_id uuid NOT NULL,
    agreement text NOT NULL,
    metric text NOT NULL,
    cycle integer NOT NULL,
    policy_version_id uuid NOT NULL,
    sequence bigint NOT NULL,
    state text NOT NULL
        CONSTRAINT ticket_clocks_state CHECK (state IN ('running', 'paused', 'met', 'missed', 'cancelled')),
    started_at timestamptz,
    due_at timestamptz,
    paused_at timestamptz,
    breached_at timestamptz,
    fulfilled_at timestamptz,
    warned_at timestamptz,
    warning_level smallint NOT NULL,
    escalation_level smallint NOT NULL,
    overdue boolean NOT NULL
        GENERATED ALWAYS AS (breached_at IS NOT NULL AND state = ANY (ARRAY['running'::text, 'paused'::text])) STORED
)
"""

CUSTOMERS = """
CREATE TABLE customers (
    id uuid NOT NULL PRIMARY KEY,
    tier text NOT NULL,
    sequence bigint NOT NULL
)
"""

# The public's words are the request and the messages: remarks beside public steps are the desk's own.
# Told not to scan: the planner takes every search by a word's beginning to find 2 % of all steps, and would
# rather read them all.
WITH_WORDS = """
CREATE FUNCTION tickets_with_words(words tsquery, public_only boolean) RETURNS uuid[]
LANGUAGE sql STABLE PARALLEL SAFE SET enable_seqscan = off
AS $$
    SELECT array_agg(DISTINCT ticket_id) FROM timeline
    WHERE terms IS NOT NULL AND terms @@ words
      AND (NOT public_only OR step = ANY (ARRAY['ticket_opened', 'ticket_replied', 'customer_replied']))
$$
"""

INDEXES = (
    "CREATE INDEX tickets_by_status ON tickets (status, id)",
    "CREATE INDEX tickets_by_customer ON tickets (customer_id, id)",
    "CREATE INDEX tickets_by_priority ON tickets (priority, id)",
    "CREATE INDEX tickets_by_queue ON tickets (queue, id) WHERE queue IS NOT NULL",
    "CREATE INDEX tickets_by_assignee ON tickets (assignee_id, id) WHERE assignee_id IS NOT NULL",
    "CREATE INDEX tickets_by_external_number ON tickets (external_number, id) WHERE external_number IS NOT NULL",
    "CREATE INDEX timeline_by_terms ON timeline USING gin (terms) WHERE terms IS NOT NULL",
    "CREATE INDEX follow_ups_by_ticket ON follow_ups (ticket_id)",
    "CREATE INDEX ticket_clocks_by_ticket ON ticket_clocks (ticket_id)",
    "CREATE INDEX ticket_clocks_overdue ON ticket_clocks (ticket_id) WHERE overdue",
)


def upgrade() -> None:
    create_tables(op)
    for statement in frozen_sql("shared.web", "0001").split(";"):
        if statement.strip():
            op.execute(statement)
    for statement in (TICKETS, TIMELINE, FOLLOW_UPS, TICKET_CLOCKS, CUSTOMERS, *INDEXES, WITH_WORDS):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP FUNCTION tickets_with_words")
    for table in ("customers", "ticket_clocks", "follow_ups", "timeline", "tickets", "idempotency_keys"):
        op.execute(f"DROP TABLE {table}")
    drop_tables(op)
