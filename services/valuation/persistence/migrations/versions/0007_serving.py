"""Versions of the value models, refit jobs, promotions, and kept scores.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE refit_jobs (
        id uuid PRIMARY KEY,
        cause text NOT NULL CHECK (cause IN ('nightly', 'asked', 'rollback')),
        status text NOT NULL CHECK (status IN ('fitting', 'scoring', 'completed', 'failed', 'superseded')),
        is_open boolean NOT NULL,
        history_day date NOT NULL,
        attempts integer NOT NULL,
        problem text,
        model_version integer,
        customers bigint NOT NULL,
        scored bigint NOT NULL,
        scored_through uuid,
        told bigint NOT NULL,
        started_at timestamptz NOT NULL,
        started_by text NOT NULL,
        completed_at timestamptz,
        CHECK (is_open = (completed_at IS NULL)),
        CHECK (is_open = (status IN ('fitting', 'scoring')))
    )
    """,
    "CREATE UNIQUE INDEX refit_jobs_open ON refit_jobs (is_open) WHERE is_open",
    """
    CREATE TABLE model_versions (
        version integer PRIMARY KEY,
        job_id uuid NOT NULL UNIQUE REFERENCES refit_jobs (id),
        state text NOT NULL CHECK (state IN ('promoted', 'rejected', 'retired')),
        buying jsonb NOT NULL,
        spend jsonb NOT NULL,
        unit text NOT NULL CHECK (unit = 'day'),
        history_day date NOT NULL,
        customers bigint NOT NULL,
        checks jsonb NOT NULL,
        fitted_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE model_promotions (
        place integer PRIMARY KEY,
        model_version integer NOT NULL REFERENCES model_versions (version),
        previous_version integer,
        cause text NOT NULL CHECK (cause IN ('refit', 'rollback')),
        reason text,
        promoted_at timestamptz NOT NULL,
        promoted_by text NOT NULL
    )
    """,
    """
    CREATE TABLE customer_scores (
        customer_id uuid PRIMARY KEY REFERENCES customers (id),
        model_version integer NOT NULL,
        scored_on date NOT NULL,
        p_alive double precision NOT NULL,
        expected_purchases double precision NOT NULL,
        clv_minor double precision NOT NULL,
        told_p_alive double precision NOT NULL,
        told_clv_minor double precision NOT NULL
    )
    """,
    "CREATE TABLE score_requests (customer_id uuid PRIMARY KEY)",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    for name in ("score_requests", "customer_scores", "model_promotions", "model_versions", "refit_jobs"):
        op.execute(f"DROP TABLE {name}")
