"""Jobs: versions applied to what runs already, resumable; open subjects are found without the others.

Revision: 0005.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE jobs (
    id uuid NOT NULL PRIMARY KEY,
    kind text NOT NULL CONSTRAINT jobs_kind CHECK (kind = ANY (ARRAY['apply_policy', 'apply_calendar'])),
    version_id uuid NOT NULL,
    revision bigint NOT NULL,
    effective_from timestamptz NOT NULL,
    subject_kinds jsonb NOT NULL,
    applied_at timestamptz NOT NULL,
    state text NOT NULL
        CONSTRAINT jobs_state CHECK (state = ANY (ARRAY['pending', 'running', 'done', 'failed'])),
    after_id uuid,
    subjects_total integer NOT NULL,
    subjects_done integer NOT NULL,
    subjects_changed integer NOT NULL,
    error text,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    finished_at timestamptz,
    version integer NOT NULL
)
"""


def upgrade() -> None:
    op.execute(TABLE)
    op.execute("CREATE INDEX jobs_unfinished ON jobs (id) WHERE finished_at IS NULL")
    op.execute("CREATE INDEX subjects_open ON subjects (id) WHERE is_open")


def downgrade() -> None:
    op.execute("DROP INDEX subjects_open")
    op.execute("DROP TABLE jobs")
