"""Tables of the three values and the indicator system."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.valuation.persistence.metadata import AT, metadata

# One row a referred customer, so that each has one referrer.
referrals = sa.Table(
    "referrals",
    metadata,
    sa.Column("referred_id", sa.Uuid, sa.ForeignKey("customers.id"), primary_key=True),
    sa.Column("referrer_id", sa.Uuid, sa.ForeignKey("customers.id"), nullable=False),
    sa.Column("is_incentivised", sa.Boolean, nullable=False),
    sa.Column("referred_at", AT, nullable=False),
    sa.Column("recorded_at", AT, nullable=False),
    sa.Column("recorded_by", sa.Text, nullable=False),
)
sa.Index("referrals_referrer", referrals.c.referrer_id, referrals.c.referred_id)

cost_savings = sa.Table(
    "cost_savings",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("external_id", sa.Text, nullable=False, unique=True),
    sa.Column("customer_id", sa.Uuid, sa.ForeignKey("customers.id"), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("occurred_at", AT, nullable=False),
    sa.Column("recorded_at", AT, nullable=False),
    sa.Column("recorded_by", sa.Text, nullable=False),
)
sa.Index("cost_savings_customer", cost_savings.c.customer_id, cost_savings.c.id)

# A measurement of all customers, source by source; what is running is a job.
indicator_measurements = sa.Table(
    "indicator_measurements",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("customers", sa.BigInteger, nullable=False),
    sa.Column("sources_total", sa.Integer, nullable=False),
    sa.Column("sources_done", sa.Integer, nullable=False),
    sa.Column("started_at", AT, nullable=False),
    sa.Column("completed_at", AT),
    sa.Column("started_by", sa.Text, nullable=False),
)
sa.Index(
    "indicator_measurements_running",
    indicator_measurements.c.state,
    unique=True,
    postgresql_where=indicator_measurements.c.state == "running",
)

source_distributions = sa.Table(
    "source_distributions",
    metadata,
    sa.Column("measurement_id", sa.Uuid, sa.ForeignKey("indicator_measurements.id"), primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("known", sa.BigInteger, nullable=False),
    sa.Column("grid", ARRAY(sa.Double), nullable=False),
)

# Append-only; the weights are computed once, when the version is made.
indicator_systems = sa.Table(
    "indicator_systems",
    metadata,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("content", JSONB, nullable=False),
    sa.Column("weights", JSONB, nullable=False),
    sa.Column("measurement_id", sa.Uuid, sa.ForeignKey("indicator_measurements.id")),
    sa.Column("created_at", AT, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
)
