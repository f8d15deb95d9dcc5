"""Tickets name the contract and the entitlement under which they are asked.

Revision: 0002.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE tickets ADD COLUMN contract text, ADD COLUMN entitlement text")


def downgrade() -> None:
    op.execute("ALTER TABLE tickets DROP COLUMN entitlement, DROP COLUMN contract")
