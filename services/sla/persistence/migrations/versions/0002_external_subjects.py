"""External subjects: things of other systems may have clocks.

Revision: 0002.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _allow("'ticket', 'complaint', 'external'")


def downgrade() -> None:
    _allow("'ticket', 'complaint'")


def _allow(kinds: str) -> None:
    op.execute("ALTER TABLE subjects DROP CONSTRAINT subjects_kind")
    op.execute(f"ALTER TABLE subjects ADD CONSTRAINT subjects_kind CHECK (kind = ANY (ARRAY[{kinds}]))")
