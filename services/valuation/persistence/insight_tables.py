"""Tables of insights: the suggestions, the rules that raise them, and when to look at whom."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from services.valuation.persistence.metadata import AT, metadata

# `cause` names what an insight was found on: the same thing is never suggested twice.
insights = sa.Table(
    "insights",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("customer_id", sa.Uuid, sa.ForeignKey("customers.id"), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("facts", JSONB, nullable=False),
    sa.Column("rule_version", sa.Integer, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("is_control", sa.Boolean, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("raised_at", AT, nullable=False),
    sa.Column("due_at", AT, nullable=False),
    sa.Column("expires_at", AT, nullable=False),
    sa.Column("taken_at", AT),
    sa.Column("taken_by", sa.Text),
    sa.Column("ended_at", AT),
    sa.Column("ended_by", sa.Text),
    sa.Column("outcome", sa.Text),
    sa.Column("note", sa.Text),
    sa.Column("version", sa.Integer, nullable=False),
    sa.UniqueConstraint("kind", "cause", name="insights_found_once"),
)
sa.Index("insights_by_customer", insights.c.customer_id, insights.c.id)
sa.Index("insights_by_status", insights.c.status, insights.c.id, postgresql_where=~insights.c.is_control)
sa.Index("insights_by_kind", insights.c.kind, insights.c.raised_at)
sa.Index("insights_raised", insights.c.raised_at)
sa.Index(
    "insights_expiring",
    insights.c.expires_at,
    postgresql_where=sa.text("status = ANY (ARRAY['open'::text, 'taken'::text])"),
)

insight_rules = sa.Table(
    "insight_rules",
    metadata,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("document", JSONB, nullable=False),
    sa.Column("created_at", AT, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
)

# When to look at a customer's purchases again, and what a model last said of them, where one did.
insight_watches = sa.Table(
    "insight_watches",
    metadata,
    sa.Column("customer_id", sa.Uuid, sa.ForeignKey("customers.id"), primary_key=True),
    sa.Column("look_on", sa.Date, nullable=False),
    sa.Column("p_alive", sa.Double),
    sa.Column("expected_on", sa.Date),
)
sa.Index("insight_watches_due", insight_watches.c.look_on, insight_watches.c.customer_id)
