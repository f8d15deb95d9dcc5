"""Tables of the value models in service: versions, who put them in force, refits, and kept scores."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from services.valuation.persistence.metadata import AT, metadata

# A job of a fit (or, after going back, of scoring only); one may be open at a time.
refit_jobs = sa.Table(
    "refit_jobs",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("is_open", sa.Boolean, nullable=False),
    sa.Column("history_day", sa.Date, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("problem", sa.Text),
    sa.Column("model_version", sa.Integer),
    sa.Column("customers", sa.BigInteger, nullable=False),
    sa.Column("scored", sa.BigInteger, nullable=False),
    sa.Column("scored_through", sa.Uuid),
    sa.Column("told", sa.BigInteger, nullable=False),
    sa.Column("started_at", AT, nullable=False),
    sa.Column("started_by", sa.Text, nullable=False),
    sa.Column("completed_at", AT),
)
sa.Index("refit_jobs_open", refit_jobs.c.is_open, unique=True, postgresql_where=refit_jobs.c.is_open)

# One row a fit that came to an end, refused ones too; written once, except for its state.
model_versions = sa.Table(
    "model_versions",
    metadata,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("job_id", sa.Uuid, sa.ForeignKey("refit_jobs.id"), nullable=False, unique=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("buying", JSONB, nullable=False),
    sa.Column("spend", JSONB, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("history_day", sa.Date, nullable=False),
    sa.Column("customers", sa.BigInteger, nullable=False),
    sa.Column("checks", JSONB, nullable=False),
    sa.Column("fitted_at", AT, nullable=False),
)

# Append-only; the newest says which version is in force.
model_promotions = sa.Table(
    "model_promotions",
    metadata,
    sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("model_version", sa.Integer, sa.ForeignKey("model_versions.version"), nullable=False),
    sa.Column("previous_version", sa.Integer),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("promoted_at", AT, nullable=False),
    sa.Column("promoted_by", sa.Text, nullable=False),
)

# Potential value kept for lists; what was last told in an event is what moves are measured against.
customer_scores = sa.Table(
    "customer_scores",
    metadata,
    sa.Column("customer_id", sa.Uuid, sa.ForeignKey("customers.id"), primary_key=True),
    sa.Column("model_version", sa.Integer, nullable=False),
    sa.Column("scored_on", sa.Date, nullable=False),
    sa.Column("p_alive", sa.Double, nullable=False),
    sa.Column("expected_purchases", sa.Double, nullable=False),
    sa.Column("clv_minor", sa.Double, nullable=False),
    sa.Column("told_p_alive", sa.Double, nullable=False),
    sa.Column("told_clv_minor", sa.Double, nullable=False),
)

# Customers who bought since they were scored: a queue, at most one row each.
score_requests = sa.Table(
    "score_requests",
    metadata,
    sa.Column("customer_id", sa.Uuid, primary_key=True),
)
