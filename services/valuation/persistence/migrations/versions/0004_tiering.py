"""Runs of the tier rules with their cap, overrides, contests, and the cuts of segments.

Revision ID: 0004
Revises: 0005
"""

from alembic import op

revision = "0004"
down_revision = "0005"
branch_labels = None
depends_on = None

REASONS = "'initial', 'promotion', 'demotion', 'correction', 'rule_change'"

TABLES = (
    "ALTER TABLE standings ADD COLUMN rule_version integer",
    "ALTER TABLE standings ADD COLUMN override_id uuid",
    "ALTER TABLE standings ADD COLUMN override_until timestamptz",
    "ALTER TABLE standings ADD CONSTRAINT standings_override CHECK ((override_id IS NULL) = (override_until IS NULL))",
    # Until now everybody was judged by the rules in effect.
    """
    UPDATE standings SET rule_version = (
        SELECT version FROM tier_rules WHERE effective_from <= now() ORDER BY effective_from DESC, version DESC LIMIT 1
    )
    """,
    "ALTER TABLE tier_changes ADD COLUMN override_id uuid",
    """
    CREATE TABLE tier_runs (
        id uuid PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('rule_change', 'release')),
        rule_version integer NOT NULL REFERENCES tier_rules (version),
        state text NOT NULL CHECK (state IN ('surveying', 'admitting', 'completed', 'superseded')),
        cap numeric(7, 6) NOT NULL CHECK (cap BETWEEN 0 AND 1),
        customers bigint NOT NULL,
        allowed bigint NOT NULL,
        admitted bigint NOT NULL,
        held bigint NOT NULL,
        moves jsonb NOT NULL,
        reason text,
        started_at timestamptz NOT NULL,
        started_by text NOT NULL,
        completed_at timestamptz,
        version integer NOT NULL
    )
    """,
    "CREATE INDEX tier_runs_open ON tier_runs (id) WHERE completed_at IS NULL",
    "CREATE INDEX tier_runs_rules ON tier_runs (rule_version, id)",
    """
    CREATE TABLE tier_run_candidates (
        rule_version integer NOT NULL REFERENCES tier_rules (version),
        customer_id uuid NOT NULL REFERENCES customers (id),
        tier text NOT NULL,
        falls_to text NOT NULL,
        value_minor bigint NOT NULL,
        keeps_at_minor bigint NOT NULL,
        shortfall numeric NOT NULL,
        settled_at timestamptz,
        run_id uuid,
        PRIMARY KEY (rule_version, customer_id)
    )
    """,
    """
    CREATE INDEX tier_run_candidates_waiting ON tier_run_candidates (rule_version, shortfall DESC, customer_id)
    WHERE settled_at IS NULL
    """,
    "CREATE INDEX tier_run_candidates_customer ON tier_run_candidates (customer_id) WHERE settled_at IS NULL",
    """
    CREATE TABLE tier_overrides (
        id uuid PRIMARY KEY,
        customer_id uuid NOT NULL REFERENCES customers (id),
        tier text NOT NULL,
        previous_tier text NOT NULL,
        rule_version integer NOT NULL,
        owner text NOT NULL,
        reason text NOT NULL,
        decided_at timestamptz NOT NULL,
        decided_by text NOT NULL,
        expires_at timestamptz NOT NULL CHECK (expires_at > decided_at),
        contest_id uuid,
        ended_at timestamptz,
        ended_how text CHECK (ended_how IN ('expired', 'withdrawn', 'replaced')),
        ended_by text,
        end_reason text,
        version integer NOT NULL,
        CHECK ((ended_at IS NULL) = (ended_how IS NULL))
    )
    """,
    "CREATE INDEX tier_overrides_customer ON tier_overrides (customer_id, id)",
    """
    CREATE TABLE tier_contests (
        id uuid PRIMARY KEY,
        customer_id uuid NOT NULL REFERENCES customers (id),
        tier text NOT NULL,
        rule_version integer NOT NULL,
        value_minor bigint NOT NULL,
        grounds text,
        filed_by text NOT NULL,
        filed_at timestamptz NOT NULL,
        decided_before_by text,
        status text NOT NULL CHECK (status IN ('open', 'in_review', 'upheld', 'overridden', 'withdrawn')),
        reviewer text,
        reason text,
        override_id uuid REFERENCES tier_overrides (id),
        decided_at timestamptz,
        version integer NOT NULL,
        CHECK ((status IN ('upheld', 'overridden')) = (decided_at IS NOT NULL)),
        CHECK ((status = 'overridden') = (override_id IS NOT NULL))
    )
    """,
    "CREATE INDEX tier_contests_customer ON tier_contests (customer_id, id)",
    "CREATE INDEX tier_contests_status ON tier_contests (status, id)",
    """
    CREATE UNIQUE INDEX tier_contests_one_open ON tier_contests (customer_id)
    WHERE decided_at IS NULL AND status <> 'withdrawn'
    """,
    """
    CREATE TABLE tier_contest_steps (
        contest_id uuid NOT NULL REFERENCES tier_contests (id),
        place integer NOT NULL,
        command text NOT NULL,
        status text NOT NULL,
        at timestamptz NOT NULL,
        by text NOT NULL,
        reason text,
        PRIMARY KEY (contest_id, place)
    )
    """,
    """
    CREATE TABLE segment_rules (
        version integer PRIMARY KEY,
        cuts jsonb NOT NULL,
        created_at timestamptz NOT NULL,
        created_by text NOT NULL
    )
    """,
    # Something must hold before anybody decided, as with the first tier rules.
    """
    INSERT INTO segment_rules (version, cuts, created_at, created_by)
    VALUES (1,
            '{"recent_days": 180, "frequent_days": 3, "large_spend_minor": 10000,
              "current_minor": [1000, 3000], "potential_minor": [1000, 3000]}',
            '1970-01-01 00:00+00', 'system:migration')
    """,
)

DROPPED = (
    "segment_rules",
    "tier_contest_steps",
    "tier_contests",
    "tier_overrides",
    "tier_run_candidates",
    "tier_runs",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    _allow(f"{REASONS}, 'override'")


def downgrade() -> None:
    for table in DROPPED:
        op.execute(f"DROP TABLE {table}")
    op.execute("DELETE FROM tier_changes WHERE reason = 'override'")
    _allow(REASONS)
    op.execute("ALTER TABLE tier_changes DROP COLUMN override_id")
    for column in ("override_until", "override_id", "rule_version"):
        op.execute(f"ALTER TABLE standings DROP COLUMN {column}")


def _allow(reasons: str) -> None:
    op.execute("ALTER TABLE tier_changes DROP CONSTRAINT tier_changes_reason_check")
    op.execute(
        f"ALTER TABLE tier_changes ADD CONSTRAINT tier_changes_reason_check CHECK (reason IN ({reasons}))"
    )
