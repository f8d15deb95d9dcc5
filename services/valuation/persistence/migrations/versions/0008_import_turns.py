"""Rows of imports have a turn, by which they are booked customer by customer.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STATEMENTS = (
    # Rows received before stay in the order of their body.
    "ALTER TABLE import_rows ADD COLUMN turn smallint NOT NULL DEFAULT 0",
    "CREATE INDEX import_rows_turn ON import_rows (import_id, turn, row_number)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE import_rows DROP COLUMN turn")
