"""One service's database: its pool, its transactions, and the retry of those that lost a race."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import TracebackType
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


class TransactionAbortedError(Exception):
    """A statement of this transaction failed, so nothing of it was kept, and yet it was to be committed."""


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
        self.command_timeout_seconds = command_timeout_seconds
        self._server_settings = {"application_name": name, "timezone": "UTC", **(server_settings or {})}
        self._pool: Any = None

    async def open(self) -> None:
        """Connect; raises what asyncpg raises when the server cannot be reached."""
        if self._pool is None:
            self._pool = await asyncpg.create_pool(
                self.url,
                min_size=self._sizes[0],
                max_size=self._sizes[1],
                command_timeout=self.command_timeout_seconds,
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
            self.url, command_timeout=self.command_timeout_seconds, server_settings=self._server_settings
        )
        await _use_json(connection)
        return connection

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Statements outside a transaction, for reads."""
        async with self._acquire() as connection:
            yield Session(connection)

    def transaction(self) -> "TransactionScope":
        """`async with database.transaction() as transaction`: committed when the block ends, rolled back when it
        raises. Raises `TransactionAbortedError` when a statement failed and the block went on as if it had not.
        """
        return TransactionScope(self)

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

    def opened(self) -> Any:
        """The pool. Raises `DatabaseUnavailableError` when it is not open."""
        if self._pool is None:
            raise DatabaseUnavailableError(f"the pool of {self.name} is not open")
        return self._pool

    @asynccontextmanager
    async def _acquire(self) -> AsyncIterator[Any]:
        async with self.opened().acquire(timeout=self.command_timeout_seconds) as connection:
            yield connection


class TransactionScope:
    """One transaction on a connection of the pool.

    Written out rather than nested from context managers, because every command of every service goes through it.
    """

    __slots__ = ("_connection", "_database", "_pool", "_transaction")

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __aenter__(self) -> Transaction:
        self._pool = self._database.opened()
        # asyncpg's own timeout makes a task for each acquisition; this one only sets an alarm.
        async with asyncio.timeout(self._database.command_timeout_seconds):
            self._connection = await self._pool.acquire()
        try:
            await self._connection.execute("BEGIN")
        except BaseException:
            await self._pool.release(self._connection)
            raise
        self._transaction = Transaction(self._connection, self._database.clock)
        return self._transaction

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        recorded = self._transaction.recorded
        try:
            if kind is not None:
                await self._roll_back()
                return
            try:
                if recorded:
                    await self._database.before_commit(self._transaction)
                outcome = await self._connection.execute("COMMIT")
            except BaseException:
                await self._roll_back()
                raise
        finally:
            await self._pool.release(self._connection)
        if outcome != "COMMIT":
            raise TransactionAbortedError(f"{self._database.name}: PostgreSQL answered {outcome} to COMMIT")
        self._database.commits += 1
        if recorded:
            for notify in self._database.on_commit:
                notify()

    async def _roll_back(self) -> None:
        # A connection that was lost has nothing left to roll back, and the error that matters is on its way.
        if not self._connection.is_closed():
            await self._connection.execute("ROLLBACK")


async def _use_json(connection: Any) -> None:
    for kind in ("jsonb", "json"):
        await connection.set_type_codec(kind, encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


async def _nothing_to_reset(connection: Any) -> None:
    """On release asyncpg rolls back what is open; the rest of its reset is a round trip for nothing.

    Settings and locks here end with their transaction (`SET LOCAL`, `pg_advisory_xact_lock`); who needs a session's
    own state takes a connection of its own (`Database.connect`).
    """
