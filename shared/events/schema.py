"""Frozen SQL in the pieces that asyncpg runs: one statement at a time."""

import re
from typing import Protocol

from shared.db.migrations import frozen_sql

_COMMENT = re.compile(r"--[^\n]*")

DROPPED = (
    "consumer_progress",
    "dead_letters",
    "parked_events",
    "held_keys",
    "inbox",
    "published_events",
    "outbox",
)


class Operations(Protocol):
    """What is used of Alembic's `op`."""

    def execute(self, sqltext: str) -> None: ...


def statements(package: str = "shared.events", name: str = "0001") -> list[str]:
    """The statements of a frozen SQL file, without comments, in order.

    The files hold plain DDL: no function bodies, and neither `;` nor `--` inside quotes.
    """
    text = _COMMENT.sub("", frozen_sql(package, name))
    return [statement for piece in text.split(";") if (statement := piece.strip())]


def create_tables(op: Operations, name: str = "0001") -> None:
    """For a service's revision 0001: `create_tables(op)` with Alembic's `op` makes the plumbing of events."""
    for statement in statements("shared.events", name):
        op.execute(statement)


def drop_tables(op: Operations) -> None:
    """For the downgrade of that revision."""
    for table in DROPPED:
        op.execute(f"DROP TABLE {table}")
