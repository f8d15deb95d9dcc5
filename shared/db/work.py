"""`Session` runs statements; `Transaction` is one database transaction; `Work` is one command's share of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from shared.db.statements import Statement
from shared.kernel.aggregates import DomainEvent
from shared.kernel.clock import Clock
from shared.kernel.context import Actor, Origin
from shared.kernel.ids import new_id


class Session:
    """Statements on one connection. Named parameters; rows are asyncpg records."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def fetch_all(self, statement: Statement, **params: Any) -> list[Any]:
        """All rows."""
        rows: list[Any] = await self.connection.fetch(statement.sql, *statement.arguments(params))
        return rows

    async def fetch_one(self, statement: Statement, **params: Any) -> Any | None:
        """The first row, or None."""
        return await self.connection.fetchrow(statement.sql, *statement.arguments(params))

    async def fetch_value(self, statement: Statement, **params: Any) -> Any:
        """The first column of the first row, or None."""
        return await self.connection.fetchval(statement.sql, *statement.arguments(params))

    async def execute(self, statement: Statement, **params: Any) -> int:
        """Run it; how many rows it touched."""
        status: str = await self.connection.execute(statement.sql, *statement.arguments(params))
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def execute_many(self, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run it once a row, in one round trip."""
        if rows:
            await self.connection.executemany(statement.sql, [statement.arguments(row) for row in rows])


class Recorded(NamedTuple):
    """One domain event with who caused it and why."""

    event: DomainEvent
    actor: Actor
    origin: Origin


class BeforeCommit(Protocol):
    """What a database does with the events of a transaction before it commits (the outbox)."""

    async def __call__(self, transaction: "Transaction") -> None: ...


class Transaction(Session):
    """One database transaction, in which one or more commands do their work."""

    def __init__(self, connection: Any, clock: Clock) -> None:
        super().__init__(connection)
        self.clock = clock
        self.recorded: list[Recorded] = []
        self.memo: dict[str, Any] = {}

    def work(self, actor: Actor, origin: Origin | None = None) -> "Work":
        """A command's share of this transaction. Without an origin, the command is one of its own."""
        return Work(self, actor, origin or Origin(correlation_id=new_id()))


class Work(Session):
    """One command: what it may know of its surroundings, and what happened in it.

    Committed (or not) by the edge that opened it, nowhere else.
    """

    def __init__(self, transaction: Transaction, actor: Actor, origin: Origin) -> None:
        super().__init__(transaction.connection)
        self._transaction = transaction
        self.actor = actor
        self.origin = origin
        self.now: datetime = transaction.clock.now()

    @property
    def memo(self) -> dict[str, Any]:
        """What earlier commands of this transaction loaded under its locks, by name; gone with it."""
        return self._transaction.memo

    def record(self, *events: DomainEvent) -> None:
        """Events to publish with this transaction's commit."""
        for event in events:
            self._transaction.recorded.append(Recorded(event, self.actor, self.origin))
