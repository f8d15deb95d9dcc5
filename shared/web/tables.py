"""Tables that the HTTP edge keeps in each service's database."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

IDEMPOTENCY_KEYS = "idempotency_keys"


def add_to(metadata: sa.MetaData) -> sa.Table:
    """Describe `idempotency_keys` in a service's metadata (made by `sql/0001.sql`); the same table every time.

    `digest` is the SHA-256 of principal, method, path and key; `fingerprint` that of query and body.
    """
    if IDEMPOTENCY_KEYS in metadata.tables:
        return metadata.tables[IDEMPOTENCY_KEYS]
    return sa.Table(
        IDEMPOTENCY_KEYS,
        metadata,
        sa.Column("digest", pg.BYTEA, primary_key=True),
        sa.Column("fingerprint", pg.BYTEA, nullable=False),
        sa.Column("operation_id", sa.Text, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("headers", pg.JSONB, nullable=False),
        sa.Column("body", pg.BYTEA, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Index("ix_idempotency_keys_expires_at", "expires_at"),
    )
