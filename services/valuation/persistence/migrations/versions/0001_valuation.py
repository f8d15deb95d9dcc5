"""Register, ledger, standings, tiers, imports, service history, and the plumbing of events and HTTP.

Revision ID: 0001
Revises:
"""

from alembic import op

from shared.events.schema import create_tables, drop_tables, statements

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE customers (
        id uuid PRIMARY KEY,
        number bigint NOT NULL UNIQUE,
        external_id text UNIQUE,
        kind text NOT NULL CHECK (kind IN ('person', 'company')),
        display_name text,
        contacts jsonb NOT NULL,
        version integer NOT NULL,
        registered_at timestamptz NOT NULL,
        changed_at timestamptz NOT NULL,
        changed_by text NOT NULL
    )
    """,
    "CREATE SEQUENCE customer_numbers OWNED BY customers.number",
    """
    CREATE TABLE standings (
        customer_id uuid PRIMARY KEY REFERENCES customers (id),
        sequence bigint NOT NULL,
        last_occurred_at timestamptz NOT NULL,
        first_day date,
        last_day date,
        purchase_days integer NOT NULL,
        purchases integer NOT NULL,
        spend_minor bigint NOT NULL,
        first_day_spend_minor bigint NOT NULL,
        margin_minor bigint NOT NULL,
        window_opens_on date NOT NULL,
        window_margin_minor bigint NOT NULL,
        window_oldest date,
        window_has_loss boolean NOT NULL,
        tier text NOT NULL,
        tier_since timestamptz NOT NULL,
        warned_at timestamptz,
        demotes_at timestamptz,
        next_review_at timestamptz,
        CHECK ((warned_at IS NULL) = (demotes_at IS NULL))
    )
    """,
    "CREATE INDEX standings_value ON standings (margin_minor DESC, customer_id)",
    "CREATE INDEX standings_tier_value ON standings (tier, margin_minor DESC, customer_id)",
    "CREATE INDEX standings_tier ON standings (tier, customer_id)",
    "CREATE INDEX standings_due ON standings (next_review_at) WHERE next_review_at IS NOT NULL",
    """
    CREATE TABLE transactions (
        id uuid PRIMARY KEY,
        external_id text NOT NULL UNIQUE,
        customer_id uuid NOT NULL REFERENCES customers (id),
        kind text NOT NULL CHECK (kind IN ('purchase', 'refund', 'correction')),
        amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
        currency text NOT NULL,
        occurred_at timestamptz NOT NULL,
        product_kind text,
        margin_minor bigint NOT NULL,
        margin_source text NOT NULL CHECK (margin_source IN ('given', 'rate', 'default_rate')),
        margin_rate numeric(7, 6),
        corrects_id uuid REFERENCES transactions (id),
        corrects_external_id text,
        import_id uuid,
        recorded_at timestamptz NOT NULL,
        recorded_by text NOT NULL,
        net_amount_minor bigint,
        net_margin_minor bigint,
        net_margin_source text,
        net_occurred_at timestamptz,
        net_day date,
        CHECK ((kind = 'purchase') = (corrects_id IS NULL)),
        CHECK ((kind = 'purchase') = (net_amount_minor IS NOT NULL))
    )
    """,
    "CREATE INDEX transactions_customer ON transactions (customer_id, occurred_at, id)",
    "CREATE INDEX transactions_day ON transactions (customer_id, net_day) WHERE net_day IS NOT NULL",
    "CREATE INDEX transactions_corrects ON transactions (corrects_id) WHERE corrects_id IS NOT NULL",
    """
    CREATE TABLE tier_changes (
        customer_id uuid NOT NULL REFERENCES customers (id),
        sequence bigint NOT NULL,
        tier text NOT NULL,
        previous_tier text,
        reason text NOT NULL
            CHECK (reason IN ('initial', 'promotion', 'demotion', 'correction', 'rule_change')),
        rule_version integer NOT NULL,
        value_minor bigint NOT NULL,
        threshold_minor bigint NOT NULL,
        effective_at timestamptz NOT NULL,
        PRIMARY KEY (customer_id, sequence)
    )
    """,
    """
    CREATE TABLE tier_rules (
        version integer PRIMARY KEY,
        tiers jsonb NOT NULL,
        window_days integer NOT NULL,
        band numeric(7, 6) NOT NULL,
        grace_days integer NOT NULL,
        tenure_days integer NOT NULL,
        effective_from timestamptz NOT NULL,
        created_at timestamptz NOT NULL,
        created_by text NOT NULL,
        reviewed_through uuid,
        reviewed_at timestamptz
    )
    """,
    "CREATE INDEX tier_rules_to_review ON tier_rules (effective_from) WHERE reviewed_at IS NULL",
    # Something must hold before anybody decided: the first version is data, replaced through the API.
    """
    INSERT INTO tier_rules (version, tiers, window_days, band, grace_days, tenure_days,
                            effective_from, created_at, created_by, reviewed_at)
    VALUES (1,
            '[{"name": "standard", "threshold_minor": 0},
              {"name": "silver", "threshold_minor": 1000},
              {"name": "gold", "threshold_minor": 3000},
              {"name": "platinum", "threshold_minor": 7500}]',
            364, 0.1, 56, 84, '1970-01-01 00:00+00', '1970-01-01 00:00+00', 'system:migration',
            '1970-01-01 00:00+00')
    """,
    """
    CREATE TABLE margin_rates (
        product_kind text PRIMARY KEY,
        rate numeric(7, 6) NOT NULL CHECK (rate BETWEEN 0 AND 1),
        version integer NOT NULL,
        changed_at timestamptz NOT NULL,
        changed_by text NOT NULL
    )
    """,
    """
    CREATE TABLE transaction_imports (
        id uuid PRIMARY KEY,
        state text NOT NULL CHECK (state IN ('receiving', 'processing', 'completed', 'abandoned')),
        format text NOT NULL CHECK (format IN ('csv', 'ndjson')),
        register_customers boolean NOT NULL,
        rows_received bigint NOT NULL,
        rows_processed bigint NOT NULL,
        accepted bigint NOT NULL,
        repeated bigint NOT NULL,
        rejected bigint NOT NULL,
        started_at timestamptz NOT NULL,
        progress_at timestamptz NOT NULL,
        completed_at timestamptz,
        started_by text NOT NULL
    )
    """,
    "CREATE INDEX transaction_imports_open ON transaction_imports (id) WHERE state = 'processing'",
    "CREATE INDEX transaction_imports_receiving ON transaction_imports (progress_at) WHERE state = 'receiving'",
    """
    CREATE TABLE import_rows (
        import_id uuid NOT NULL,
        row_number bigint NOT NULL,
        customer_id uuid,
        customer_external_id text,
        external_id text NOT NULL,
        kind text NOT NULL,
        amount_minor bigint NOT NULL,
        currency text NOT NULL,
        occurred_at timestamptz NOT NULL,
        product_kind text,
        margin_minor bigint,
        corrects_external_id text,
        PRIMARY KEY (import_id, row_number)
    )
    """,
    """
    CREATE TABLE import_rejections (
        import_id uuid NOT NULL REFERENCES transaction_imports (id),
        row_number bigint NOT NULL,
        external_id text,
        code text NOT NULL,
        field text,
        message text NOT NULL,
        PRIMARY KEY (import_id, row_number)
    )
    """,
    """
    CREATE TABLE service_cases (
        kind text NOT NULL CHECK (kind IN ('ticket', 'complaint')),
        case_id uuid NOT NULL,
        customer_id uuid,
        opened_at timestamptz,
        closed_at timestamptz,
        csat smallint,
        nps smallint,
        satisfied boolean,
        outcome text,
        PRIMARY KEY (kind, case_id)
    )
    """,
    "CREATE INDEX service_cases_customer ON service_cases (customer_id, kind)",
)

DROPPED = (
    "service_cases",
    "import_rejections",
    "import_rows",
    "transaction_imports",
    "margin_rates",
    "tier_rules",
    "tier_changes",
    "transactions",
    "standings",
    "customers",
    "idempotency_keys",
)


def upgrade() -> None:
    create_tables(op)
    for statement in statements("shared.web", "0001"):
        op.execute(statement)
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    for table in DROPPED:
        op.execute(f"DROP TABLE {table}")
    drop_tables(op)
