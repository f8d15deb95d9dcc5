"""The table of the rates of exchange."""

import sqlalchemy as sa

from services.valuation.persistence.metadata import AT, metadata

# Every rate ever set; the newest version of a day holds from that day until the next day that has one.
exchange_rates = sa.Table(
    "exchange_rates",
    metadata,
    sa.Column("currency", sa.Text, primary_key=True),
    sa.Column("effective_on", sa.Date, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("rate", sa.Numeric(20, 10), nullable=False),
    sa.Column("set_at", AT, nullable=False),
    sa.Column("set_by", sa.Text, nullable=False),
)
