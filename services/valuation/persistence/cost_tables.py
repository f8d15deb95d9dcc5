"""Tables of the cost to serve: cases, what they come to for each customer, and rates."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from services.valuation.persistence.metadata import AT, metadata

# One row a ticket or complaint: what happened to it (down to `ended`) and what that costs.
case_costs = sa.Table(
    "case_costs",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("case_id", sa.Uuid, primary_key=True),
    sa.Column("customer_id", sa.Uuid),
    sa.Column("owner_sequence", sa.BigInteger, nullable=False),
    sa.Column("opened_at", AT),
    sa.Column("marks", JSONB, nullable=False),
    sa.Column("ended", sa.Text),
    sa.Column("basis", sa.Text, nullable=False),
    sa.Column("cost_minor", sa.BigInteger, nullable=False),
    sa.Column("worked_seconds", sa.BigInteger, nullable=False),
    sa.Column("rate_version", sa.Integer),
)
sa.Index(
    "case_costs_customer",
    case_costs.c.customer_id,
    case_costs.c.opened_at,
    postgresql_where=case_costs.c.customer_id.is_not(None),
)

# Sums of `case_costs`, kept up by addition.
customer_costs = sa.Table(
    "customer_costs",
    metadata,
    sa.Column("customer_id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("cases", sa.BigInteger, nullable=False),
    sa.Column("by_hours", sa.BigInteger, nullable=False),
    sa.Column("by_case", sa.BigInteger, nullable=False),
    sa.Column("unpriced", sa.BigInteger, nullable=False),
    sa.Column("worked_seconds", sa.BigInteger, nullable=False),
    sa.Column("cost_minor", sa.BigInteger, nullable=False),
)

cost_rates = sa.Table(
    "cost_rates",
    metadata,
    sa.Column("case_kind", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("per_hour_minor", sa.BigInteger),
    sa.Column("per_case_minor", sa.BigInteger),
    sa.Column("most_hours", sa.Numeric(9, 2)),
    sa.Column("effective_from", AT, nullable=False),
    sa.Column("set_by", sa.Text, nullable=False),
)
