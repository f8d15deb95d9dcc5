"""Versions of the cuts that segments are made by."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from services.valuation.persistence.metadata import AT, metadata

segment_rules = sa.Table(
    "segment_rules",
    metadata,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("cuts", JSONB, nullable=False),
    sa.Column("created_at", AT, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
)
