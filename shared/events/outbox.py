"""The outbox: events go into the database with the decision that they report, last in its transaction."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID
from zlib import crc32

from shared.contracts.base import Contract
from shared.db.database import Database
from shared.db.statements import Statement
from shared.db.work import Recorded, Transaction
from shared.events.tables import SHARDS
from shared.kernel import failpoints
from shared.kernel.aggregates import DomainEvent
from shared.kernel.errors import InvalidInputError
from shared.kernel.ids import new_id

MAX_PAYLOAD_BYTES = 256 * 1024
# From so many events on COPY costs less than arrays; below, its round trips cost more.
COPIED_FROM = 100

ToContract = Callable[[Any], Contract | None]
KeyOf = Callable[[DomainEvent, Contract], UUID]

BEFORE_COMMIT = failpoints.declare("outbox.before_commit", "event and effect both roll back")
AFTER_COMMIT = failpoints.declare("outbox.after_commit", "the event is in the outbox, nobody was woken")

_COLUMNS = (
    ("event_ids", "event_id", "uuid"),
    ("shards", "shard", "smallint"),
    ("keys", "key", "uuid"),
    ("sequences", "sequence", "bigint"),
    ("types", "type", "text"),
    ("occurred_ats", "occurred_at", "timestamptz"),
    ("correlation_ids", "correlation_id", "uuid"),
    ("causation_ids", "causation_id", "uuid"),
    ("traceparents", "traceparent", "text"),
    ("depths", "depth", "smallint"),
    ("payloads", "payload", "text"),
)
_NAMES = ", ".join(column for _, column, _ in _COLUMNS)
_PLACES = ", ".join(f"${place}::{kind}[]" for place, (_, _, kind) in enumerate(_COLUMNS, 1))
_INSERT = Statement(
    # The order of the rows is the order in which identities are taken.
    f"INSERT INTO outbox ({_NAMES}) "  # noqa: S608 - names of this module
    f"SELECT {_NAMES} FROM unnest({_PLACES}) WITH ORDINALITY AS e ({_NAMES}, place) ORDER BY place",
    tuple(name for name, _, _ in _COLUMNS),
    {},
)
# Most commands record one event, and scalars are encoded in a third of the time that arrays take.
_INSERT_ONE = Statement(
    f"INSERT INTO outbox ({_NAMES}) "  # noqa: S608 - names of this module
    f"VALUES ({', '.join(f'${place}' for place in range(1, len(_COLUMNS) + 1))})",
    tuple(column for _, column, _ in _COLUMNS),
    {},
)


class EventTooLargeError(InvalidInputError):
    """An event may hold at most 256 KB."""


class UnmappedEventError(Exception):
    """The service's `outbound` says nothing about this domain event."""


class ForeignContractError(Exception):
    """A service publishes its own contracts only."""


def shard_of(key: UUID) -> int:
    """The shard of a key, 0 to `SHARDS` - 1; the same in every process and for ever."""
    return crc32(key.bytes) % SHARDS


def key_of_aggregate(event: DomainEvent, contract: Contract) -> UUID:
    """The usual key: the aggregate's id."""
    return event.aggregate_id


class OutboxWriter:
    """The before-commit hook of a service's `Database`.

    source    the service's name, e.g. `ticketing`
    outbound  for every domain event how it is published; a function that returns None keeps it inside
    key_of    which row orders the event: the aggregate's id unless said otherwise (sla: the subject's)
    """

    def __init__(
        self,
        source: str,
        outbound: Mapping[type[DomainEvent], ToContract],
        *,
        key_of: KeyOf = key_of_aggregate,
    ) -> None:
        self.source = source
        self._prefix = f"{source}."
        self._outbound = dict(outbound)
        self._key_of = key_of

    def attach(self, database: Database) -> None:
        """Set this writer as the database's hook."""
        database.before_commit = self
        database.on_commit.append(self.after_commit)

    async def __call__(self, transaction: Transaction) -> None:
        """Insert the transaction's events, in the order in which they were recorded, in one statement.

        Raises `EventTooLargeError` for a payload above 256 KB, `UnmappedEventError` and `ForeignContractError`
        for a service that is wired wrongly. Nothing is committed then.
        """
        rows = [row for recorded in transaction.recorded if (row := self._row(recorded)) is not None]
        if len(rows) == 1:
            one = dict(zip((column for _, column, _ in _COLUMNS), rows[0], strict=True))
            await transaction.execute(_INSERT_ONE, **one)
        elif len(rows) >= COPIED_FROM:
            # Identities are taken in the order of the records, as in the statement below.
            await transaction.connection.copy_records_to_table(
                "outbox", records=rows, columns=[column for _, column, _ in _COLUMNS]
            )
        elif rows:
            columns = dict(zip((name for name, _, _ in _COLUMNS), zip(*rows, strict=True), strict=True))
            await transaction.execute(_INSERT, **columns)
        failpoints.hit(BEFORE_COMMIT)

    def after_commit(self) -> None:
        """Called once the events are safe."""
        failpoints.hit(AFTER_COMMIT)

    def _row(self, recorded: Recorded) -> tuple[Any, ...] | None:
        event, origin = recorded.event, recorded.origin
        to_contract = self._outbound.get(type(event))
        if to_contract is None:
            raise UnmappedEventError(f"{self.source}: {type(event).__name__} is missing in outbound")
        contract = to_contract(event)
        if contract is None:
            return None
        if not contract.TYPE.startswith(self._prefix):
            raise ForeignContractError(f"{self.source} may not publish {contract.TYPE}")
        payload = contract.model_dump_json()
        # A character takes four bytes at most, so that nearly all need not be encoded to be measured.
        if len(payload) > MAX_PAYLOAD_BYTES // 4 and (size := len(payload.encode())) > MAX_PAYLOAD_BYTES:
            raise EventTooLargeError.of(
                "payload", "max_bytes", f"{contract.TYPE} would take {size} bytes of {MAX_PAYLOAD_BYTES}"
            )
        key = self._key_of(event, contract)
        return (
            new_id(),
            shard_of(key),
            key,
            event.sequence,
            contract.TYPE,
            event.occurred_at,
            origin.correlation_id,
            origin.causation_id,
            origin.traceparent,
            origin.depth,
            payload,
        )
