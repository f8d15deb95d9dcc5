"""The plumbing tables of `sql/0001.sql`, described for statements and for the drift check."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

SHARDS = 16
OUTBOX_GROUP = "outbox"

AT = sa.DateTime(timezone=True)


def add_to(metadata: sa.MetaData) -> None:
    """Add the plumbing tables to a service's metadata."""
    _add_outbound(metadata)
    _add_inbound(metadata)


def _event_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("key", sa.Uuid, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("occurred_at", AT, nullable=False),
        sa.Column("correlation_id", sa.Uuid, nullable=False),
        sa.Column("causation_id", sa.Uuid),
        sa.Column("traceparent", sa.Text),
        sa.Column("depth", sa.SmallInteger, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
    ]


def _record_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("consumer_group", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("partition", sa.Integer, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("headers", JSONB, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
    ]


def _add_outbound(metadata: sa.MetaData) -> None:
    sa.Table(
        "outbox",
        metadata,
        sa.Column("id", sa.BigInteger, sa.Identity(always=True, cache=1), primary_key=True),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("shard", sa.SmallInteger, nullable=False),
        *_event_columns(),
    )
    # Partitions are made by the running system, and the drift check leaves them out.
    sa.Table(
        "published_events",
        metadata,
        sa.Column("event_id", sa.Uuid, primary_key=True),
        sa.Column("outbox_id", sa.BigInteger, nullable=False),
        *_event_columns(),
        sa.Column("published_at", AT, nullable=False, server_default=sa.func.clock_timestamp()),
        postgresql_partition_by="RANGE (event_id)",
    )


def _add_inbound(metadata: sa.MetaData) -> None:
    inbox = sa.Table(
        "inbox",
        metadata,
        sa.Column("consumer_group", sa.Text, primary_key=True),
        sa.Column("event_id", sa.Uuid, primary_key=True),
        sa.Column("received_at", AT, nullable=False, server_default=sa.func.clock_timestamp()),
    )
    sa.Index("inbox_received_at", inbox.c.received_at, postgresql_using="brin")
    sa.Table(
        "held_keys",
        metadata,
        sa.Column("consumer_group", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("held_at", AT, nullable=False),
    )
    parked = sa.Table(
        "parked_events",
        metadata,
        sa.Column("id", sa.BigInteger, sa.Identity(always=True, cache=1), primary_key=True),
        *_record_columns(),
        sa.Column("parked_at", AT, nullable=False),
    )
    sa.Index("parked_events_key", parked.c.consumer_group, parked.c.key, parked.c.id)
    letters = sa.Table(
        "dead_letters",
        metadata,
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("direction", sa.Text, nullable=False),
        *_record_columns(),
        sa.Column("error_code", sa.Text, nullable=False),
        sa.Column("error_message", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("failed_at", AT, nullable=False),
        sa.Column("resolved_at", AT),
        sa.Column("resolved_by", sa.Text),
    )
    sa.Index("dead_letters_state", letters.c.state, letters.c.id)
    sa.Index(
        "dead_letters_open",
        letters.c.consumer_group,
        letters.c.event_id,
        unique=True,
        postgresql_where=letters.c.state == "open",
    )
    sa.Table(
        "consumer_progress",
        metadata,
        sa.Column("consumer_group", sa.Text, primary_key=True),
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("consumed_through_at", AT),
        sa.Column("caught_up", sa.Boolean, nullable=False),
        sa.Column("checked_at", AT, nullable=False),
        sa.Column("trusted_until", AT),
    )
