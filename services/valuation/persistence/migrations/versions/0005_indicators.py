"""Referrals, savings, measurements of the population, and versions of the indicator system with the first one.

Revision ID: 0005
Revises: 0002
"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE referrals (
        referred_id uuid PRIMARY KEY REFERENCES customers (id),
        referrer_id uuid NOT NULL REFERENCES customers (id),
        is_incentivised boolean NOT NULL,
        referred_at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL,
        recorded_by text NOT NULL,
        CHECK (referrer_id <> referred_id)
    )
    """,
    "CREATE INDEX referrals_referrer ON referrals (referrer_id, referred_id)",
    """
    CREATE TABLE cost_savings (
        id uuid PRIMARY KEY,
        external_id text NOT NULL UNIQUE,
        customer_id uuid NOT NULL REFERENCES customers (id),
        kind text NOT NULL CHECK (kind IN ('self_service', 'peer_support', 'fault_report', 'trial', 'planning')),
        amount_minor bigint NOT NULL CHECK (amount_minor > 0),
        occurred_at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL,
        recorded_by text NOT NULL
    )
    """,
    "CREATE INDEX cost_savings_customer ON cost_savings (customer_id, id)",
    """
    CREATE TABLE indicator_measurements (
        id uuid PRIMARY KEY,
        state text NOT NULL CHECK (state IN ('running', 'completed')),
        customers bigint NOT NULL,
        sources_total integer NOT NULL,
        sources_done integer NOT NULL,
        started_at timestamptz NOT NULL,
        completed_at timestamptz,
        started_by text NOT NULL,
        CHECK ((state = 'completed') = (completed_at IS NOT NULL))
    )
    """,
    "CREATE UNIQUE INDEX indicator_measurements_running ON indicator_measurements (state) WHERE state = 'running'",
    """
    CREATE TABLE source_distributions (
        measurement_id uuid NOT NULL REFERENCES indicator_measurements (id),
        source text NOT NULL,
        known bigint NOT NULL,
        grid double precision[] NOT NULL,
        PRIMARY KEY (measurement_id, source)
    )
    """,
    """
    CREATE TABLE indicator_systems (
        version integer PRIMARY KEY,
        content jsonb NOT NULL,
        weights jsonb NOT NULL,
        measurement_id uuid REFERENCES indicator_measurements (id),
        created_at timestamptz NOT NULL,
        created_by text NOT NULL
    )
    """,
)


def ahp(matrix: list[list[float]]) -> dict[str, Any]:
    return {"method": "ahp", "matrix": matrix, "weights": None, "ahp_share": None}


def group(
    name: str, label: str, label_zh: str, sources: list[tuple[str, str]], matrix: list[list[float]]
) -> dict[str, Any]:
    indicators = [
        {"source": source, "direction": direction, "lowest": 0.01, "highest": 0.99}
        for source, direction in sources
    ]
    return {
        "name": name,
        "label": label,
        "label_zh": label_zh,
        "indicators": indicators,
        "weighting": ahp(matrix),
    }


def level(weights: list[float]) -> dict[str, Any]:
    return {"weights": weights, "divergences": None}


# Complaints are no indicator here: to complain shall not make a customer count for less.
FIRST_SYSTEM = {
    "groups": [
        group(
            "realised",
            "Realised value",
            "既成价值",
            [("realised_margin", "higher"), ("cost_saved", "higher")],
            [[1, 5], [1 / 5, 1]],
        ),
        group("potential", "Potential value", "潜在价值", [("potential_clv", "higher")], [[1]]),
        group(
            "influence",
            "Influence",
            "影响价值",
            [("referrals", "higher"), ("incentivised_referrals", "higher")],
            [[1, 3], [1 / 3, 1]],
        ),
        group(
            "behaviour",
            "Behaviour",
            "消费行为",
            [
                ("recency", "lower"),
                ("frequency", "higher"),
                ("average_spend", "higher"),
                ("tenure", "higher"),
            ],
            [[1, 1, 2, 4], [1, 1, 2, 4], [1 / 2, 1 / 2, 1, 2], [1 / 4, 1 / 4, 1 / 2, 1]],
        ),
        group(
            "service",
            "Service",
            "服务",
            [("cost_to_serve", "lower"), ("csat", "higher"), ("nps", "higher")],
            [[1, 2, 3], [1 / 2, 1, 2], [1 / 3, 1 / 2, 1]],
        ),
    ],
    "weighting": ahp(
        [
            [1, 2, 4, 3, 4],
            [1 / 2, 1, 3, 2, 3],
            [1 / 4, 1 / 3, 1, 1 / 2, 1],
            [1 / 3, 1 / 2, 2, 1, 2],
            [1 / 4, 1 / 3, 1, 1 / 2, 1],
        ]
    ),
}
# The principal eigenvectors of these matrices, to the last digit that matters.
FIRST_WEIGHTS = {
    "groups": level([0.414680403897, 0.257292860747, 0.087566037162, 0.152894661031, 0.087566037162]),
    "within": [
        level([0.833333333333, 0.166666666667]),
        level([1.0]),
        level([0.75, 0.25]),
        level([0.363636363636, 0.363636363636, 0.181818181818, 0.090909090909]),
        level([0.539614550221, 0.296961331212, 0.163424118566]),
    ],
}

DROPPED = (
    "indicator_systems",
    "source_distributions",
    "indicator_measurements",
    "cost_savings",
    "referrals",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    op.execute(
        sa.text(
            "INSERT INTO indicator_systems (version, content, weights, created_at, created_by)"
            " VALUES (1, CAST(:content AS jsonb), CAST(:weights AS jsonb),"
            " '1970-01-01 00:00+00', 'system:migration')"
        ).bindparams(content=json.dumps(FIRST_SYSTEM), weights=json.dumps(FIRST_WEIGHTS))
    )


def downgrade() -> None:
    for table in DROPPED:
        op.execute(f"DROP TABLE {table}")
