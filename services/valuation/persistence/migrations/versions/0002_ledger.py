"""Cost to serve (cases, sums a customer, rates) and rates of exchange.

Revision: 0002.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE case_costs (
        kind text NOT NULL CHECK (kind IN ('ticket', 'complaint')),
        case_id uuid NOT NULL,
        customer_id uuid,
        owner_sequence bigint NOT NULL,
        opened_at timestamptz,
        marks jsonb NOT NULL,
        ended text CHECK (ended IN ('cancelled', 'deleted')),
        basis text NOT NULL CHECK (basis IN ('hours', 'case', 'unpriced', 'none')),
        cost_minor bigint NOT NULL,
        worked_seconds bigint NOT NULL,
        rate_version integer,
        PRIMARY KEY (kind, case_id)
    )
    """,
    """
    CREATE INDEX case_costs_customer ON case_costs (customer_id, opened_at) WHERE customer_id IS NOT NULL
    """,
    """
    CREATE TABLE customer_costs (
        customer_id uuid NOT NULL,
        kind text NOT NULL CHECK (kind IN ('ticket', 'complaint')),
        cases bigint NOT NULL,
        by_hours bigint NOT NULL,
        by_case bigint NOT NULL,
        unpriced bigint NOT NULL,
        worked_seconds bigint NOT NULL,
        cost_minor bigint NOT NULL,
        PRIMARY KEY (customer_id, kind)
    )
    """,
    """
    CREATE TABLE cost_rates (
        case_kind text NOT NULL CHECK (case_kind IN ('ticket', 'complaint')),
        version integer NOT NULL,
        per_hour_minor bigint CHECK (per_hour_minor >= 0),
        per_case_minor bigint CHECK (per_case_minor >= 0),
        most_hours numeric(9, 2) CHECK (most_hours > 0),
        effective_from timestamptz NOT NULL,
        set_by text NOT NULL,
        PRIMARY KEY (case_kind, version),
        CHECK (per_hour_minor IS NOT NULL OR per_case_minor IS NOT NULL)
    )
    """,
    """
    CREATE TABLE exchange_rates (
        currency text NOT NULL,
        effective_on date NOT NULL,
        version integer NOT NULL,
        rate numeric(20, 10) NOT NULL CHECK (rate > 0),
        set_at timestamptz NOT NULL,
        set_by text NOT NULL,
        PRIMARY KEY (currency, effective_on, version)
    )
    """,
    """
    ALTER TABLE transactions
        ADD COLUMN ledger_amount_minor bigint,
        ADD COLUMN given_margin_minor bigint,
        ADD COLUMN exchange_rate numeric(20, 10),
        ADD COLUMN exchange_day date,
        ADD COLUMN exchange_version integer
    """,
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    for column in (
        "ledger_amount_minor",
        "given_margin_minor",
        "exchange_rate",
        "exchange_day",
        "exchange_version",
    ):
        op.execute(f"ALTER TABLE transactions DROP COLUMN {column}")
    for table in ("exchange_rates", "cost_rates", "customer_costs", "case_costs"):
        op.execute(f"DROP TABLE {table}")
