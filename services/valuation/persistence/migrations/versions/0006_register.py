"""The register in depth: people, wishes, consent, dates, merges and erasures; insights and their rules.

Revision ID: 0006
Revises: 0004
"""

from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE customers ADD COLUMN merged_into_id uuid REFERENCES customers (id)",
    "ALTER TABLE customers ADD COLUMN erased_at timestamptz",
    "CREATE INDEX customers_merged_into ON customers (merged_into_id) WHERE merged_into_id IS NOT NULL",
    """
    CREATE TABLE account_people (
        id uuid PRIMARY KEY,
        customer_id uuid NOT NULL REFERENCES customers (id),
        roles text[] NOT NULL CHECK (cardinality(roles) > 0 AND roles <@ ARRAY['contact', 'payer', 'user']),
        name text NOT NULL,
        reach jsonb NOT NULL,
        version integer NOT NULL,
        added_at timestamptz NOT NULL,
        changed_at timestamptz NOT NULL,
        changed_by text NOT NULL
    )
    """,
    "CREATE INDEX account_people_of ON account_people (customer_id, id)",
    "CREATE UNIQUE INDEX account_people_payer ON account_people (customer_id) WHERE 'payer'::text = ANY (roles)",
    """
    CREATE TABLE preferences (
        customer_id uuid PRIMARY KEY REFERENCES customers (id),
        language text CHECK (language IN ('en', 'zh')),
        channel text CHECK (channel IN ('phone', 'email', 'sms', 'chat', 'mail')),
        timezone text NOT NULL,
        quiet_from time,
        quiet_until time,
        interests text[] NOT NULL,
        version integer NOT NULL,
        changed_at timestamptz NOT NULL,
        changed_by text NOT NULL,
        CHECK ((quiet_from IS NULL) = (quiet_until IS NULL))
    )
    """,
    """
    CREATE TABLE consents (
        id uuid PRIMARY KEY,
        customer_id uuid NOT NULL REFERENCES customers (id),
        purpose text NOT NULL,
        channel text NOT NULL CHECK (channel IN ('phone', 'email', 'sms', 'chat', 'mail')),
        decision text NOT NULL CHECK (decision IN ('given', 'withdrawn')),
        at timestamptz NOT NULL,
        source text NOT NULL,
        evidence text,
        recorded_at timestamptz NOT NULL,
        recorded_by text NOT NULL
    )
    """,
    "CREATE INDEX consents_of ON consents (customer_id, id)",
    """
    CREATE TABLE important_dates (
        id uuid PRIMARY KEY,
        customer_id uuid NOT NULL REFERENCES customers (id),
        person_id uuid REFERENCES account_people (id) ON DELETE CASCADE,
        kind text NOT NULL,
        label text,
        calendar text NOT NULL CHECK (calendar IN ('gregorian', 'lunar')),
        month smallint NOT NULL CHECK (month BETWEEN 1 AND 12),
        day smallint NOT NULL CHECK (day BETWEEN 1 AND 31),
        year smallint,
        is_leap_month boolean NOT NULL,
        leap_rule text NOT NULL CHECK (leap_rule IN ('leap_month', 'ordinary_month')),
        added_at timestamptz NOT NULL,
        added_by text NOT NULL,
        look_on date NOT NULL
    )
    """,
    "CREATE INDEX important_dates_of ON important_dates (customer_id, id)",
    "CREATE INDEX important_dates_person ON important_dates (person_id)",
    "CREATE INDEX important_dates_due ON important_dates (look_on, id)",
    """
    CREATE TABLE customer_merges (
        merged_id uuid PRIMARY KEY REFERENCES customers (id),
        survivor_id uuid NOT NULL REFERENCES customers (id),
        reason text NOT NULL CHECK (reason IN ('duplicate', 'acquisition', 'correction')),
        moved jsonb NOT NULL,
        merged_at timestamptz NOT NULL,
        merged_by text NOT NULL,
        CHECK (merged_id <> survivor_id)
    )
    """,
    "CREATE INDEX customer_merges_survivor ON customer_merges (survivor_id)",
    """
    CREATE TABLE customer_erasures (
        customer_id uuid PRIMARY KEY REFERENCES customers (id),
        earlier_ids uuid[] NOT NULL,
        reason text NOT NULL CHECK (reason IN ('customer_request', 'retention_ended', 'authority_order')),
        erased jsonb NOT NULL,
        erased_at timestamptz NOT NULL,
        erased_by text NOT NULL
    )
    """,
    """
    CREATE TABLE insights (
        id uuid PRIMARY KEY,
        customer_id uuid NOT NULL REFERENCES customers (id),
        kind text NOT NULL CHECK (kind IN ('churn_risk_rose', 'purchase_overdue', 'important_date_near',
                                           'low_satisfaction', 'complaint_on_top_tier')),
        cause text NOT NULL,
        facts jsonb NOT NULL,
        rule_version integer NOT NULL,
        owner text NOT NULL,
        is_control boolean NOT NULL,
        status text NOT NULL CHECK (status IN ('open', 'taken', 'done', 'dismissed', 'expired')),
        raised_at timestamptz NOT NULL,
        due_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        taken_at timestamptz,
        taken_by text,
        ended_at timestamptz,
        ended_by text,
        outcome text,
        note text,
        version integer NOT NULL,
        CONSTRAINT insights_found_once UNIQUE (kind, cause),
        CHECK ((status IN ('done', 'dismissed', 'expired')) = (ended_at IS NOT NULL)),
        CHECK (NOT is_control OR status IN ('open', 'expired')),
        CHECK (NOT is_control OR kind NOT IN ('low_satisfaction', 'complaint_on_top_tier'))
    )
    """,
    "CREATE INDEX insights_by_customer ON insights (customer_id, id)",
    "CREATE INDEX insights_by_status ON insights (status, id) WHERE NOT is_control",
    "CREATE INDEX insights_by_kind ON insights (kind, raised_at)",
    "CREATE INDEX insights_raised ON insights (raised_at)",
    "CREATE INDEX insights_expiring ON insights (expires_at)"
    " WHERE status = ANY (ARRAY['open'::text, 'taken'::text])",
    """
    CREATE TABLE insight_rules (
        version integer PRIMARY KEY,
        document jsonb NOT NULL,
        created_at timestamptz NOT NULL,
        created_by text NOT NULL
    )
    """,
    # Something must hold before anybody decided: the first version is data, replaced through the API.
    """
    INSERT INTO insight_rules (version, document, created_at, created_by)
    SELECT 1,
           '{"control_share": 0.1, "control_seed": "1", "churn_drop": 0.2, "churn_below": 0.5,
             "churn_quiet_days": 56, "overdue_factor": 2.0, "overdue_min_repeats": 2, "date_lead_days": 7,
             "csat_at_most": 2, "nps_at_most": 6, "top_tiers": 1}'::jsonb
           || jsonb_build_object('kinds', jsonb_build_object(
               'churn_risk_rose',
               '{"owner": "account_manager", "due_days": 7, "expires_days": 30, "is_enabled": true}'::jsonb,
               'purchase_overdue',
               '{"owner": "account_manager", "due_days": 7, "expires_days": 30, "is_enabled": true}'::jsonb,
               'important_date_near',
               '{"owner": "account_manager", "due_days": 7, "expires_days": 14, "is_enabled": true}'::jsonb,
               'low_satisfaction',
               '{"owner": "service_lead", "due_days": 2, "expires_days": 30, "is_enabled": true}'::jsonb,
               'complaint_on_top_tier',
               '{"owner": "service_lead", "due_days": 1, "expires_days": 30, "is_enabled": true}'::jsonb)),
           '1970-01-01 00:00+00', 'system:migration'
    """,
    """
    CREATE TABLE insight_watches (
        customer_id uuid PRIMARY KEY REFERENCES customers (id),
        look_on date NOT NULL,
        p_alive double precision CHECK (p_alive BETWEEN 0 AND 1),
        expected_on date
    )
    """,
    "CREATE INDEX insight_watches_due ON insight_watches (look_on, customer_id)",
    # Customers from before are looked at from the first day on, batch by batch.
    "INSERT INTO insight_watches (customer_id, look_on) SELECT id, CURRENT_DATE + 1 FROM customers",
)

DROPPED = (
    "insight_watches",
    "insight_rules",
    "insights",
    "customer_erasures",
    "customer_merges",
    "important_dates",
    "consents",
    "preferences",
    "account_people",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for table in DROPPED:
        op.execute(f"DROP TABLE {table}")
    op.execute("ALTER TABLE customers DROP COLUMN erased_at, DROP COLUMN merged_into_id")
