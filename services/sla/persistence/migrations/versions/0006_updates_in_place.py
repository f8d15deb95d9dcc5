"""Firing a threshold changes no index: clocks are listed by whether they are over, and pages keep room for updates.

Revision: 0006.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE clocks ADD COLUMN is_over boolean NOT NULL"
        " GENERATED ALWAYS AS (run_state = ANY (ARRAY['ended', 'cancelled'])) STORED"
    )
    op.execute("CREATE INDEX clocks_by_end ON clocks (is_over, started_at, id, cycle)")
    op.execute("DROP INDEX clocks_by_state")
    op.execute("ALTER TABLE clocks SET (fillfactor = 60)")
    op.execute("ALTER TABLE subjects SET (fillfactor = 70)")


def downgrade() -> None:
    op.execute("ALTER TABLE subjects RESET (fillfactor)")
    op.execute("ALTER TABLE clocks RESET (fillfactor)")
    op.execute("CREATE INDEX clocks_by_state ON clocks (state, started_at, id, cycle)")
    op.execute("DROP INDEX clocks_by_end")
    op.execute("ALTER TABLE clocks DROP COLUMN is_over")
