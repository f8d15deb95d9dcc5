"""Digests are told to each target over all subjects: their lines, and how far each target was told.

Revision: 0007.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

LINES = """
CREATE TABLE digest_lines (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    target text NOT NULL,
    subject_kind text NOT NULL,
    subject_id uuid NOT NULL,
    clock_id uuid NOT NULL,
    cycle integer NOT NULL,
    metric text NOT NULL,
    kind text NOT NULL,
    level smallint NOT NULL,
    threshold_at timestamptz NOT NULL,
    fired_at timestamptz NOT NULL,
    is_capped boolean NOT NULL,
    told_at timestamptz
)
"""
TARGETS = """
CREATE TABLE digest_targets (
    id uuid NOT NULL PRIMARY KEY,
    target text NOT NULL CONSTRAINT digest_targets_target UNIQUE,
    sequence bigint NOT NULL,
    last_occurred_at timestamptz,
    window_start timestamptz,
    part integer NOT NULL
)
"""


def upgrade() -> None:
    op.execute(LINES)
    op.execute(
        "CREATE INDEX digest_lines_waiting ON digest_lines (target, fired_at, is_capped) WHERE told_at IS NULL"
    )
    op.execute(TARGETS)


def downgrade() -> None:
    op.execute("DROP TABLE digest_targets")
    op.execute("DROP TABLE digest_lines")
