"""Tables of runs of the tier rules, overrides and contests."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from services.valuation.persistence.metadata import AT, metadata

# One row a run: a version of the rules that reaches the customers, or a release of those it held back.
tier_runs = sa.Table(
    "tier_runs",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("rule_version", sa.Integer, sa.ForeignKey("tier_rules.version"), nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("cap", sa.Numeric(7, 6), nullable=False),
    sa.Column("customers", sa.BigInteger, nullable=False),
    sa.Column("allowed", sa.BigInteger, nullable=False),
    sa.Column("admitted", sa.BigInteger, nullable=False),
    sa.Column("held", sa.BigInteger, nullable=False),
    sa.Column("moves", JSONB, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("started_at", AT, nullable=False),
    sa.Column("started_by", sa.Text, nullable=False),
    sa.Column("completed_at", AT),
    sa.Column("version", sa.Integer, nullable=False),
)
sa.Index(
    "tier_runs_open",
    tier_runs.c.id,
    postgresql_where=tier_runs.c.completed_at.is_(None),
)
sa.Index("tier_runs_rules", tier_runs.c.rule_version, tier_runs.c.id)

# Customers whose tier only the new version questions. They are judged by the version before while they wait.
tier_run_candidates = sa.Table(
    "tier_run_candidates",
    metadata,
    sa.Column("rule_version", sa.Integer, sa.ForeignKey("tier_rules.version"), primary_key=True),
    sa.Column("customer_id", sa.Uuid, sa.ForeignKey("customers.id"), primary_key=True),
    sa.Column("tier", sa.Text, nullable=False),
    sa.Column("falls_to", sa.Text, nullable=False),
    sa.Column("value_minor", sa.BigInteger, nullable=False),
    sa.Column("keeps_at_minor", sa.BigInteger, nullable=False),
    sa.Column("shortfall", sa.Numeric, nullable=False),
    sa.Column("settled_at", AT),
    sa.Column("run_id", sa.Uuid),
)
sa.Index(
    "tier_run_candidates_waiting",
    tier_run_candidates.c.rule_version,
    tier_run_candidates.c.shortfall.desc(),
    tier_run_candidates.c.customer_id,
    postgresql_where=tier_run_candidates.c.settled_at.is_(None),
)
sa.Index(
    "tier_run_candidates_customer",
    tier_run_candidates.c.customer_id,
    postgresql_where=tier_run_candidates.c.settled_at.is_(None),
)

tier_overrides = sa.Table(
    "tier_overrides",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("customer_id", sa.Uuid, sa.ForeignKey("customers.id"), nullable=False),
    sa.Column("tier", sa.Text, nullable=False),
    sa.Column("previous_tier", sa.Text, nullable=False),
    sa.Column("rule_version", sa.Integer, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("decided_at", AT, nullable=False),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("expires_at", AT, nullable=False),
    sa.Column("contest_id", sa.Uuid),
    sa.Column("ended_at", AT),
    sa.Column("ended_how", sa.Text),
    sa.Column("ended_by", sa.Text),
    sa.Column("end_reason", sa.Text),
    sa.Column("version", sa.Integer, nullable=False),
)
sa.Index("tier_overrides_customer", tier_overrides.c.customer_id, tier_overrides.c.id)

tier_contests = sa.Table(
    "tier_contests",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("customer_id", sa.Uuid, sa.ForeignKey("customers.id"), nullable=False),
    sa.Column("tier", sa.Text, nullable=False),
    sa.Column("rule_version", sa.Integer, nullable=False),
    sa.Column("value_minor", sa.BigInteger, nullable=False),
    sa.Column("grounds", sa.Text),
    sa.Column("filed_by", sa.Text, nullable=False),
    sa.Column("filed_at", AT, nullable=False),
    sa.Column("decided_before_by", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("reviewer", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("override_id", sa.Uuid, sa.ForeignKey("tier_overrides.id")),
    sa.Column("decided_at", AT),
    sa.Column("version", sa.Integer, nullable=False),
)
sa.Index("tier_contests_customer", tier_contests.c.customer_id, tier_contests.c.id)
sa.Index("tier_contests_status", tier_contests.c.status, tier_contests.c.id)
sa.Index(
    "tier_contests_one_open",
    tier_contests.c.customer_id,
    unique=True,
    postgresql_where=tier_contests.c.decided_at.is_(None) & (tier_contests.c.status != "withdrawn"),
)

# The audit of contests: appended, never altered.
tier_contest_steps = sa.Table(
    "tier_contest_steps",
    metadata,
    sa.Column("contest_id", sa.Uuid, sa.ForeignKey("tier_contests.id"), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("at", AT, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
)
