"""Complaints, their contacts, timeline, messages and clocks; plumbing of events and edge.

Revision: 0001, the first.
"""

from alembic import op

from shared.db.migrations import frozen_sql
from shared.events.schema import create_tables, drop_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBERS = "CREATE SEQUENCE complaint_numbers"

COMPLAINTS = """
CREATE TABLE complaints (
    id uuid NOT NULL,
    version integer NOT NULL,
    sequence integer NOT NULL,
    last_occurred_at timestamptz NOT NULL,
    number text NOT NULL,
    external_number text,
    customer_id uuid,
    ticket_id uuid,
    follows_complaint_id uuid,
    channel text NOT NULL
        CONSTRAINT channel_is_known CHECK (channel IN (
            'phone', 'chat', 'email', 'sms', 'social', 'web', 'letter')),
    category text,
    severity text NOT NULL
        CONSTRAINT severity_is_known CHECK (severity IN ('minor', 'serious', 'critical')),
    description text NOT NULL,
    language text NOT NULL
        CONSTRAINT language_is_known CHECK (language IN ('en', 'zh')),
    received_at timestamptz NOT NULL,
    status text NOT NULL
        CONSTRAINT status_is_known CHECK (status IN (
            'received', 'investigating', 'waiting', 'decided', 'closed')),
    owner_id text,
    waiting_on text
        CONSTRAINT waiting_on_is_known CHECK (waiting_on IN ('customer', 'third_party')),
    acknowledged_at timestamptz,
    responded_at timestamptz,
    root_cause_code text,
    root_cause_analysis text,
    root_cause_recorded_at timestamptz,
    root_cause_recorded_by text,
    action_corrective text,
    action_preventive text,
    action_recorded_at timestamptz,
    action_recorded_by text,
    action_evidence text,
    action_verified_at timestamptz,
    action_verified_by text,
    unanswered_attempts text[] NOT NULL,
    outcome text
        CONSTRAINT outcome_is_known CHECK (outcome IN (
            'upheld', 'partly_upheld', 'not_upheld', 'withdrawn', 'out_of_remit', 'unreachable')),
    cause_code text,
    explanation text,
    recurring boolean,
    decided_at timestamptz,
    decided_by text,
    decision_message_id uuid,
    delivered_at timestamptz,
    delivered_channel text
        CONSTRAINT delivered_channel_is_known CHECK (delivered_channel IN (
            'phone', 'chat', 'email', 'sms', 'social', 'web', 'letter')),
    delivery_failed_at timestamptz,
    customer_asked_at timestamptz,
    satisfied boolean,
    satisfaction_score smallint,
    satisfaction_comment text,
    satisfaction_recorded_at timestamptz,
    closed_at timestamptz,
    reopen_count integer NOT NULL,
    escalation_level integer NOT NULL,
    escalated_at timestamptz,
    overdue_from timestamptz,
    PRIMARY KEY (id),
    CONSTRAINT worked_on_by_its_owner
        CHECK (owner_id IS NOT NULL OR status NOT IN ('investigating', 'waiting')),
    CONSTRAINT decided_with_outcome CHECK ((status IN ('decided', 'closed')) = (outcome IS NOT NULL)),
    CONSTRAINT outcome_with_cause CHECK ((outcome IS NULL) = (cause_code IS NULL)),
    CONSTRAINT closed_at_an_instant CHECK ((status = 'closed') = (closed_at IS NOT NULL)),
    CONSTRAINT closed_with_delivery
        CHECK (status <> 'closed' OR outcome IN ('withdrawn', 'unreachable') OR delivered_at IS NOT NULL),
    UNIQUE (number),
    FOREIGN KEY (follows_complaint_id) REFERENCES complaints (id)
)
"""

CONTACTS = """
CREATE TABLE complaint_contacts (
    complaint_id uuid NOT NULL,
    name text,
    email text,
    phone text,
    PRIMARY KEY (complaint_id),
    FOREIGN KEY (complaint_id) REFERENCES complaints (id)
)
"""

TIMELINE = """
CREATE TABLE complaint_timeline (
    id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1),
    complaint_id uuid NOT NULL,
    kind text NOT NULL
        CONSTRAINT kind_is_known CHECK (kind IN (
            'received', 'acknowledged', 'assigned', 'responded', 'waiting', 'resumed',
            'severity_assessed', 'note', 'root_cause', 'corrective_action',
            'corrective_action_verified', 'contact_attempt', 'decided', 'withdrawn', 'delivered',
            'delivery_failed', 'satisfaction', 'closed', 'reopened', 'escalated',
            'escalation_retracted')),
    at timestamptz NOT NULL,
    actor_role text NOT NULL,
    actor_id text NOT NULL,
    text text,
    facts jsonb NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (complaint_id) REFERENCES complaints (id)
)
"""

MESSAGES = """
CREATE TABLE messages (
    id uuid NOT NULL,
    complaint_id uuid NOT NULL,
    kind text NOT NULL
        CONSTRAINT kind_is_known CHECK (kind IN ('acknowledgement', 'response', 'decision')),
    status text NOT NULL
        CONSTRAINT status_is_known CHECK (status IN (
            'queued', 'delivered', 'failed', 'awaiting_hand_over', 'superseded')),
    language text NOT NULL
        CONSTRAINT language_is_known CHECK (language IN ('en', 'zh')),
    template text NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    asks_satisfaction boolean NOT NULL,
    created_at timestamptz NOT NULL,
    attempts integer NOT NULL,
    next_attempt_at timestamptz,
    delivered_at timestamptz,
    delivered_channel text
        CONSTRAINT delivered_channel_is_known CHECK (delivered_channel IN (
            'phone', 'chat', 'email', 'sms', 'social', 'web', 'letter')),
    failed_at timestamptz,
    last_error text,
    PRIMARY KEY (id),
    CONSTRAINT queued_for_an_instant CHECK ((status = 'queued') = (next_attempt_at IS NOT NULL)),
    FOREIGN KEY (complaint_id) REFERENCES complaints (id)
)
"""

CLOCKS = """
CREATE TABLE complaint_clocks (
    clock_id uuid NOT NULL,
    cycle integer NOT NULL,
    complaint_id uuid NOT NULL,
    agreement text NOT NULL,
    metric text NOT NULL,
    state text NOT NULL
        CONSTRAINT state_is_known CHECK (state IN ('running', 'paused', 'met', 'missed', 'cancelled')),
    state_sequence bigint NOT NULL,
    due_at timestamptz,
    due_sequence bigint NOT NULL,
    breached_at timestamptz,
    breach_sequence bigint NOT NULL,
    started_at timestamptz,
    warned_at timestamptz,
    ended_at timestamptz,
    marked boolean NOT NULL,
    PRIMARY KEY (clock_id, cycle),
    FOREIGN KEY (complaint_id) REFERENCES complaints (id)
)
"""

INDEXES = (
    "CREATE INDEX complaints_channel ON complaints (channel, received_at, id)",
    "CREATE INDEX complaints_customer ON complaints (customer_id, received_at, id)",
    "CREATE INDEX complaints_external_number ON complaints (external_number, received_at, id)",
    "CREATE INDEX complaints_follows ON complaints (follows_complaint_id)",
    "CREATE INDEX complaints_overdue ON complaints (received_at, id, overdue_from) WHERE overdue_from IS NOT NULL",
    "CREATE INDEX complaints_owner ON complaints (owner_id, received_at, id)",
    "CREATE INDEX complaints_received ON complaints (received_at, id)",
    "CREATE INDEX complaints_recurrence ON complaints (customer_id, cause_code, decided_at) WHERE cause_code IS NOT NULL",
    "CREATE INDEX complaints_severity ON complaints (severity, received_at, id)",
    "CREATE INDEX complaints_status ON complaints (status, received_at, id)",
    "CREATE INDEX complaint_timeline_of ON complaint_timeline (complaint_id, id)",
    "CREATE INDEX messages_due ON messages (next_attempt_at) WHERE next_attempt_at IS NOT NULL",
    "CREATE INDEX messages_of ON messages (complaint_id, created_at, id)",
    "CREATE INDEX complaint_clocks_of ON complaint_clocks (complaint_id)",
)

# The timeline is evidence: what stands in it is neither changed nor removed.
APPEND_ONLY = (
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the timeline is append-only' USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE TRIGGER complaint_timeline_append_only BEFORE UPDATE OR DELETE ON complaint_timeline
    FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """,
)


def upgrade() -> None:
    create_tables(op)
    for statement in frozen_sql("shared.web", "0001").split(";"):
        if statement.strip():
            op.execute(statement)
    for statement in (NUMBERS, COMPLAINTS, CONTACTS, TIMELINE, MESSAGES, CLOCKS, *INDEXES, *APPEND_ONLY):
        op.execute(statement)


def downgrade() -> None:
    for table in (
        "complaint_clocks",
        "messages",
        "complaint_timeline",
        "complaint_contacts",
        "complaints",
        "idempotency_keys",
    ):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION refuse_change")
    op.execute("DROP SEQUENCE complaint_numbers")
    drop_tables(op)
