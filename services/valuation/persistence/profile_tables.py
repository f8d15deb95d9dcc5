"""Tables of the profile: people, wishes, consent, dates; and what became of accounts merged or erased."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.valuation.persistence.metadata import AT, metadata

account_people = sa.Table(
    "account_people",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("customer_id", sa.Uuid, sa.ForeignKey("customers.id"), nullable=False),
    sa.Column("roles", ARRAY(sa.Text), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("reach", JSONB, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("added_at", AT, nullable=False),
    sa.Column("changed_at", AT, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
)
sa.Index("account_people_of", account_people.c.customer_id, account_people.c.id)
# The domain promises one payer an account; here no race can pass it by.
sa.Index(
    "account_people_payer",
    account_people.c.customer_id,
    unique=True,
    postgresql_where=sa.text("'payer'::text = ANY (roles)"),
)

preferences = sa.Table(
    "preferences",
    metadata,
    sa.Column("customer_id", sa.Uuid, sa.ForeignKey("customers.id"), primary_key=True),
    sa.Column("language", sa.Text),
    sa.Column("channel", sa.Text),
    sa.Column("timezone", sa.Text, nullable=False),
    sa.Column("quiet_from", sa.Time),
    sa.Column("quiet_until", sa.Time),
    sa.Column("interests", ARRAY(sa.Text), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("changed_at", AT, nullable=False),
    sa.Column("changed_by", sa.Text, nullable=False),
)

# Decisions are appended; the latest of a purpose and channel holds.
consents = sa.Table(
    "consents",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("customer_id", sa.Uuid, sa.ForeignKey("customers.id"), nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("decision", sa.Text, nullable=False),
    sa.Column("at", AT, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("evidence", sa.Text),
    sa.Column("recorded_at", AT, nullable=False),
    sa.Column("recorded_by", sa.Text, nullable=False),
)
sa.Index("consents_of", consents.c.customer_id, consents.c.id)

important_dates = sa.Table(
    "important_dates",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("customer_id", sa.Uuid, sa.ForeignKey("customers.id"), nullable=False),
    sa.Column("person_id", sa.Uuid, sa.ForeignKey("account_people.id", ondelete="CASCADE")),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("label", sa.Text),
    sa.Column("calendar", sa.Text, nullable=False),
    sa.Column("month", sa.SmallInteger, nullable=False),
    sa.Column("day", sa.SmallInteger, nullable=False),
    sa.Column("year", sa.SmallInteger),
    sa.Column("is_leap_month", sa.Boolean, nullable=False),
    sa.Column("leap_rule", sa.Text, nullable=False),
    sa.Column("added_at", AT, nullable=False),
    sa.Column("added_by", sa.Text, nullable=False),
    # The local day on which somebody should be told that the date is near; moves on when that is done.
    sa.Column("look_on", sa.Date, nullable=False),
)
sa.Index("important_dates_of", important_dates.c.customer_id, important_dates.c.id)
sa.Index("important_dates_person", important_dates.c.person_id)
sa.Index("important_dates_due", important_dates.c.look_on, important_dates.c.id)

# One row a merge: which account went into which, and when. Later merges lead on from the survivor.
customer_merges = sa.Table(
    "customer_merges",
    metadata,
    sa.Column("merged_id", sa.Uuid, sa.ForeignKey("customers.id"), primary_key=True),
    sa.Column("survivor_id", sa.Uuid, sa.ForeignKey("customers.id"), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("moved", JSONB, nullable=False),
    sa.Column("merged_at", AT, nullable=False),
    sa.Column("merged_by", sa.Text, nullable=False),
)
sa.Index("customer_merges_survivor", customer_merges.c.survivor_id)

# The proof that somebody was erased, without anything of them.
customer_erasures = sa.Table(
    "customer_erasures",
    metadata,
    sa.Column("customer_id", sa.Uuid, sa.ForeignKey("customers.id"), primary_key=True),
    sa.Column("earlier_ids", ARRAY(sa.Uuid), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("erased", JSONB, nullable=False),
    sa.Column("erased_at", AT, nullable=False),
    sa.Column("erased_by", sa.Text, nullable=False),
)
