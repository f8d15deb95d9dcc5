"""One service's database: its pool, its transactions, and the retry of those that lost a race."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import asyncpg

from shared.db.work import BeforeCommit, Session, Transaction, Work
from shared.kernel.clock import Clock, SystemClock
from shared.kernel.context import Actor, Origin
from shared.kernel.errors import UnavailableError

T = TypeVar("T")

ATTEMPTS = 3
# A cached statement is invalid once after ALTER TYPE: the next attempt prepares it anew.
RETRIED = (
    asyncpg.exceptions.DeadlockDetectedError,
    asyncpg.exceptions.SerializationError,
    asyncpg.exceptions.InvalidCachedStatementError,
)
TRANSIENT = (
    asyncpg.exceptions.PostgresConnectionError,
    asyncpg.exceptions.CannotConnectNowError,
    asyncpg.exceptions.AdminShutdownError,
    asyncpg.exceptions.CrashShutdownError,
    asyncpg.exceptions.TooManyConnectionsError,
    asyncpg.exceptions.InterfaceError,
    ConnectionError,
    TimeoutError,
)


class DatabaseUnavailableError(UnavailableError):
    """The database does not answer; nothing was changed."""


async def nothing_before_commit(transaction: Transaction) -> None:
    """For a database without an outbox."""


class Database:
    """A pool on one database.

    `before_commit` gets every transaction that recorded events (the outbox writer); `on_commit` callables
    run after such a commit, in this process (they wake the relay). Both are set by the composition.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        name: str,
        min_size: int = 1,
        max_size: int = 10,
        command_timeout_seconds: float = 30.0,
        server_settings: dict[str, str] | None = None,
    ) -> None:
        self.url = url
        self.clock = clock
        self.name = name
        self.before_commit: BeforeCommit = nothing_before_commit
        self.on_commit: list[Callable[[], None]] = []
        # How many transactions were committed: whoever caches what he read can tell that it may be stale.
        self.commits = 0
        self._sizes = (min_size, max_size)
        self._command_timeout = command_timeout_seconds
        self._server_settings = {"application_name": name, "timezone": "UTC", **(server_settings or {})}
        self._pool: Any = None

    async def open(self) -> None:
        """Connect; raises what asyncpg raises when the server cannot be reached."""
        if self._pool is None:
            self._pool = await asyncpg.create_pool(
                self.url,
                min_size=self._sizes[0],
                max_size=self._sizes[1],
                command_timeout=self._command_timeout,
                server_settings=self._server_settings,
                init=_use_json,
                reset=_nothing_to_reset,
            )

    async def close(self, timeout_seconds: float = 10.0) -> None:
        """Give connections back; those still busy after `timeout_seconds` are cut."""
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                async with asyncio.timeout(timeout_seconds):
                    await pool.close()
            except TimeoutError:
                pool.terminate()

    async def connect(self) -> Any:
        """A connection of its own outside the pool (for session locks); the caller closes it."""
        connection = await asyncpg.connect(
            self.url, command_timeout=self._command_timeout, server_settings=self._server_settings
        )
        await _use_json(connection)
        return connection

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Statements outside a transaction, for reads."""
        async with self._acquire() as connection:
            yield Session(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        async with self._acquire() as connection, connection.transaction():
            transaction = Transaction(connection, self.clock)
            yield transaction
            if transaction.recorded:
                await self.before_commit(transaction)
        self.commits += 1
        if transaction.recorded:
            for notify in self.on_commit:
                notify()

    async def run(
        self,
        command: Callable[[Work], Awaitable[T]],
        *,
        actor: Actor,
        origin: Origin | None = None,
    ) -> T:
        """One command, one transaction; a lost race is tried again, at most `ATTEMPTS` times in all."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with self.transaction() as transaction:
                    return await command(transaction.work(actor, origin))
            except RETRIED:
                if attempt == ATTEMPTS:
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def measure_clock(self) -> timedelta:
        """Database time minus this machine's, and correct a `SystemClock` by it."""
        before = datetime.now(UTC)
        async with self._acquire() as connection:
            theirs: datetime = await connection.fetchval("SELECT clock_timestamp()")
        after = datetime.now(UTC)
        offset = theirs - (before + (after - before) / 2)
        if isinstance(self.clock, SystemClock):
            self.clock.correct(offset)
        return offset

    @asynccontextmanager
    async def _acquire(self) -> AsyncIterator[Any]:
        if self._pool is None:
            raise DatabaseUnavailableError(f"the pool of {self.name} is not open")
        async with self._pool.acquire(timeout=self._command_timeout) as connection:
            yield connection


async def _use_json(connection: Any) -> None:
    for kind in ("jsonb", "json"):
        await connection.set_type_codec(kind, encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


async def _nothing_to_reset(connection: Any) -> None:
    """On release asyncpg rolls back what is open; the rest of its reset is a round trip for nothing.

    Settings and locks here end with their transaction (`SET LOCAL`, `pg_advisory_xact_lock`); who needs a session's
    own state takes a connection of its own (`Database.connect`).
    """
