"""Availability objectives, outages and probes; ledger lines keep when they were stored, for reports as known then.

Revision: 0003.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE ledger ADD COLUMN stored_at timestamptz;

CREATE INDEX ledger_by_instant ON ledger USING brin (occurred_at);

CREATE INDEX ledger_corrections ON ledger (subject_id) WHERE kind = 'corrected';

CREATE TABLE availability_objectives (
    id uuid NOT NULL PRIMARY KEY,
    name text NOT NULL CONSTRAINT availability_objectives_name UNIQUE,
    offering text NOT NULL,
    timezone text NOT NULL,
    version integer NOT NULL,
    sequence bigint NOT NULL,
    last_occurred_at timestamptz,
    created_at timestamptz NOT NULL,
    evaluated_until timestamptz NOT NULL,
    evaluate_at timestamptz
);

CREATE INDEX availability_objectives_by_offering ON availability_objectives (offering);

CREATE INDEX availability_objectives_to_evaluate ON availability_objectives (evaluate_at)
    WHERE evaluate_at IS NOT NULL;

CREATE TABLE availability_objective_versions (
    objective_id uuid NOT NULL REFERENCES availability_objectives (id),
    number integer NOT NULL,
    effective_from timestamptz NOT NULL,
    effective_until timestamptz,
    document jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    PRIMARY KEY (objective_id, number)
);

CREATE TABLE availability_breaches (
    objective_id uuid NOT NULL REFERENCES availability_objectives (id),
    month text NOT NULL,
    version_number integer NOT NULL,
    breached_at timestamptz NOT NULL,
    fired_at timestamptz NOT NULL,
    PRIMARY KEY (objective_id, month)
);

CREATE TABLE availability_alerts (
    objective_id uuid NOT NULL REFERENCES availability_objectives (id),
    rule smallint NOT NULL,
    raised_at timestamptz NOT NULL,
    cleared_at timestamptz,
    PRIMARY KEY (objective_id, rule, raised_at)
);

CREATE UNIQUE INDEX availability_alerts_raised ON availability_alerts (objective_id, rule)
    WHERE cleared_at IS NULL;

CREATE TABLE outages (
    id uuid NOT NULL PRIMARY KEY,
    offering text NOT NULL,
    version integer NOT NULL,
    earliest_at timestamptz NOT NULL,
    latest_at timestamptz,
    created_at timestamptz NOT NULL
);

CREATE INDEX outages_by_offering ON outages (offering, earliest_at);

CREATE INDEX outages_by_creation ON outages (created_at, id);

CREATE TABLE outage_facts (
    outage_id uuid NOT NULL REFERENCES outages (id),
    number integer NOT NULL,
    start_at timestamptz NOT NULL,
    end_at timestamptz,
    cause text NOT NULL,
    is_planned boolean NOT NULL,
    is_retracted boolean NOT NULL,
    evidence text,
    recorded_at timestamptz NOT NULL,
    recorded_by text NOT NULL,
    PRIMARY KEY (outage_id, number)
);

CREATE TABLE probe_results (
    offering text NOT NULL,
    probe text NOT NULL,
    at timestamptz NOT NULL,
    is_good boolean NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (offering, probe, at)
)
"""

DROPPED = (
    "probe_results",
    "outage_facts",
    "outages",
    "availability_alerts",
    "availability_breaches",
    "availability_objective_versions",
    "availability_objectives",
)


def upgrade() -> None:
    for statement in TABLES.split(";"):
        op.execute(statement)


def downgrade() -> None:
    for table in DROPPED:
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP INDEX ledger_corrections")
    op.execute("DROP INDEX ledger_by_instant")
    op.execute("ALTER TABLE ledger DROP COLUMN stored_at")
