"""Who publishes which shards of an outbox: session advisory locks on a connection of their own."""

import time
from typing import Any

import asyncpg

from shared.db.database import TRANSIENT, Database
from shared.events.tables import SHARDS

# Another relay may end: see whether its shards are free this often.
CLAIM_SECONDS = 1.0
_NAMESPACE = 7_021

_CLAIM = """
SELECT s FROM unnest($1::int[]) AS s WHERE pg_try_advisory_lock($2::int, s)
"""


class Shards:
    """The shards of one outbox that this process owns.

    A session lock belongs to its connection, so the connection never goes back to a pool and is the one that
    the owner reads and moves rows with: who lost it can move nothing that another owns now.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._claimed_at = 0.0
        self.connection: Any = None
        self.owned: list[int] = []

    async def claim(self) -> list[int]:
        """Connect when necessary, take what is free, and return what is owned."""
        if self.connection is None or self.connection.is_closed():
            self.owned = []
            self.connection = await self._database.connect()
            self._claimed_at = 0.0
        now = time.monotonic()
        if len(self.owned) < SHARDS and now - self._claimed_at >= CLAIM_SECONDS:
            self._claimed_at = now
            missing = sorted(set(range(SHARDS)) - set(self.owned))
            rows = await self.connection.fetch(_CLAIM, missing, _NAMESPACE)
            self.owned += [row["s"] for row in rows]
        return self.owned

    async def release(self) -> None:
        """Give all up; whoever asks next may have them."""
        connection, self.connection = self.connection, None
        self.owned = []
        if connection is not None:
            try:
                await connection.close(timeout=2)
            except (*TRANSIENT, asyncpg.PostgresError):
                connection.terminate()
