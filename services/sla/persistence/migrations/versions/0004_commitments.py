"""Promised dates: the policy that measures them where nobody wrote one, and timers for dates at risk.

Revision: 0004.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

POLICY = "0197a3c1-0000-7000-8000-0000000c0001"
VERSION = "0197a3c1-0000-7000-8000-0000000c0002"

ADD = f"""
INSERT INTO policies (id, name, version, created_at)
VALUES ('{POLICY}', 'commitments (default)', 1, '2000-01-01T00:00:00+00');

INSERT INTO policy_versions
    (id, policy_id, number, effective_from, effective_until, revision, document, created_at, created_by)
VALUES ('{VERSION}', '{POLICY}', 1, '2000-01-01T00:00:00+00', NULL, 0,
    '{{"agreement": "sla", "match": {{"subject_kind": "ticket"}}, "targets": [{{"metric": "committed_resolution"}}]}}',
    '2000-01-01T00:00:00+00', 'system:sla')
"""  # noqa: S608 - literals of this module


def upgrade() -> None:
    _allow("'warning', 'at_risk', 'breach', 'escalation'")
    for statement in ADD.split(";"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DELETE FROM timers WHERE kind = 'at_risk'")
    _allow("'warning', 'breach', 'escalation'")
    op.execute(f"DELETE FROM policy_versions WHERE policy_id = '{POLICY}'")  # noqa: S608
    op.execute(f"DELETE FROM policies WHERE id = '{POLICY}'")  # noqa: S608


def _allow(kinds: str) -> None:
    op.execute("ALTER TABLE timers DROP CONSTRAINT timers_kind")
    op.execute(f"ALTER TABLE timers ADD CONSTRAINT timers_kind CHECK (kind = ANY (ARRAY[{kinds}]))")
