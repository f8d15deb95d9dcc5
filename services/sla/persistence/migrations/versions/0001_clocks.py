"""Calendars, policies, subjects with their ledgers and clocks, timers; plumbing of events and edge.

Revision: 0001, the first.
"""

from alembic import op

from shared.db.migrations import frozen_sql
from shared.events.schema import create_tables, drop_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE catalogue (
    singleton boolean NOT NULL PRIMARY KEY CONSTRAINT catalogue_singleton CHECK (singleton),
    revision bigint NOT NULL
);

CREATE TABLE calendars (
    id uuid NOT NULL PRIMARY KEY,
    name text NOT NULL CONSTRAINT calendars_name UNIQUE,
    version integer NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE calendar_versions (
    id uuid NOT NULL PRIMARY KEY,
    calendar_id uuid NOT NULL REFERENCES calendars (id),
    number integer NOT NULL,
    effective_from timestamptz NOT NULL,
    revision bigint NOT NULL,
    resolved jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    CONSTRAINT calendar_versions_number UNIQUE (calendar_id, number)
);

CREATE TABLE policies (
    id uuid NOT NULL PRIMARY KEY,
    name text NOT NULL CONSTRAINT policies_name UNIQUE,
    version integer NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE policy_versions (
    id uuid NOT NULL PRIMARY KEY,
    policy_id uuid NOT NULL REFERENCES policies (id),
    number integer NOT NULL,
    effective_from timestamptz NOT NULL,
    effective_until timestamptz,
    revision bigint NOT NULL,
    document jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    CONSTRAINT policy_versions_number UNIQUE (policy_id, number)
);

CREATE TABLE customers (
    id uuid NOT NULL PRIMARY KEY,
    tiers jsonb NOT NULL
);

CREATE TABLE subjects (
    id uuid NOT NULL PRIMARY KEY,
    kind text NOT NULL CONSTRAINT subjects_kind CHECK (kind = ANY (ARRAY['ticket', 'complaint'])),
    revision bigint NOT NULL,
    number text,
    external_number text,
    customer_id uuid,
    opened_at timestamptz,
    is_open boolean NOT NULL,
    sequence bigint NOT NULL,
    last_occurred_at timestamptz,
    version integer NOT NULL
);

CREATE INDEX subjects_by_customer ON subjects (customer_id);

CREATE TABLE ledger (
    id uuid NOT NULL PRIMARY KEY,
    subject_id uuid NOT NULL REFERENCES subjects (id),
    kind text NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    claimed_at timestamptz,
    source text NOT NULL,
    sequence bigint NOT NULL,
    event_id uuid NOT NULL,
    data jsonb NOT NULL,
    CONSTRAINT ledger_event_once UNIQUE (subject_id, event_id)
);

CREATE TABLE clocks (
    id uuid NOT NULL,
    cycle integer NOT NULL,
    subject_id uuid NOT NULL REFERENCES subjects (id),
    subject_kind text NOT NULL,
    customer_id uuid,
    agreement text NOT NULL,
    metric text NOT NULL,
    policy_version_id uuid NOT NULL,
    calendar_version_id uuid,
    target_amount integer NOT NULL,
    target_unit text NOT NULL,
    priority text,
    tier text,
    category text,
    channel text,
    queue text,
    run_state text NOT NULL
        CONSTRAINT clocks_run_state CHECK (run_state = ANY (ARRAY['running', 'paused', 'ended', 'cancelled'])),
    state text NOT NULL CONSTRAINT clocks_state CHECK (state = ANY (
        ARRAY['running', 'paused', 'overdue', 'overdue_paused', 'met', 'missed', 'cancelled'])),
    started_at timestamptz NOT NULL,
    due_at timestamptz,
    due_position bigint NOT NULL,
    rearmed_at timestamptz,
    fulfilled_at timestamptz,
    ended_at timestamptz,
    breached_at timestamptz,
    warned_at timestamptz,
    generation integer NOT NULL,
    arming integer NOT NULL,
    armed_at timestamptz,
    detail jsonb NOT NULL,
    PRIMARY KEY (id, cycle)
);

CREATE INDEX clocks_by_subject ON clocks (subject_id);

CREATE INDEX clocks_by_customer ON clocks (customer_id, started_at, id, cycle);

CREATE INDEX clocks_by_start ON clocks (started_at, id, cycle);

CREATE INDEX clocks_by_state ON clocks (state, started_at, id, cycle);

CREATE INDEX clocks_by_metric ON clocks (metric, started_at, id, cycle);

CREATE TABLE timers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    clock_id uuid NOT NULL,
    cycle integer NOT NULL,
    subject_id uuid NOT NULL,
    kind text NOT NULL CONSTRAINT timers_kind CHECK (kind = ANY (ARRAY['warning', 'breach', 'escalation'])),
    level smallint NOT NULL,
    due_at timestamptz NOT NULL,
    generation integer NOT NULL,
    shard smallint NOT NULL,
    parked_at timestamptz,
    error text
);

CREATE INDEX timers_pending ON timers (due_at, id) WHERE parked_at IS NULL;

CREATE INDEX timers_parked ON timers (id) WHERE parked_at IS NOT NULL;

CREATE TABLE timer_marks (
    singleton boolean NOT NULL PRIMARY KEY CONSTRAINT timer_marks_singleton CHECK (singleton),
    low_water_at timestamptz NOT NULL
);

CREATE TABLE firings (
    clock_id uuid NOT NULL,
    cycle integer NOT NULL,
    kind text NOT NULL,
    level smallint NOT NULL,
    repeat smallint NOT NULL,
    arming integer NOT NULL,
    subject_id uuid NOT NULL,
    threshold_at timestamptz NOT NULL,
    fired_at timestamptz NOT NULL,
    target text NOT NULL,
    is_digest boolean NOT NULL,
    PRIMARY KEY (clock_id, cycle, kind, level, repeat, arming)
);

CREATE INDEX firings_escalated_by_subject ON firings (subject_id, fired_at)
    WHERE kind = 'escalation' AND NOT is_digest;

CREATE INDEX firings_escalated_to_target ON firings (target, fired_at)
    WHERE kind = 'escalation' AND NOT is_digest;

INSERT INTO catalogue (singleton, revision) VALUES (true, 0);

INSERT INTO timer_marks (singleton, low_water_at) VALUES (true, '1970-01-01 00:00:00+00')
"""

DROPPED = (
    "firings",
    "timer_marks",
    "timers",
    "clocks",
    "ledger",
    "subjects",
    "customers",
    "policy_versions",
    "policies",
    "calendar_versions",
    "calendars",
    "catalogue",
    "idempotency_keys",
)


def upgrade() -> None:
    create_tables(op)
    for text in (frozen_sql("shared.web", "0001"), TABLES):
        for statement in text.split(";"):
            if statement.strip():
                op.execute(statement)


def downgrade() -> None:
    for table in DROPPED:
        op.execute(f"DROP TABLE {table}")
    drop_tables(op)
