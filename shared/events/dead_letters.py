"""What operators do with events that failed: look, replay, discard. The same for both directions.

Inbound letters are events that a handler could not take, outbound ones records that the broker refused. Either
way later events of the key wait until the letter is resolved.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import structlog

from shared.db.database import Database
from shared.db.statements import Statement
from shared.db.work import Session, Transaction
from shared.events.dead_letter_rows import (
    ABANDONED,
    BURY,
    INBOUND,
    LET_GO,
    LOCK_HELD,
    NEXT_PARKED,
    OUTBOUND,
    UNPARK,
    letter_row,
    record_of,
)
from shared.events.delivery import Delivery
from shared.events.faults import describe, is_passing, is_suspect
from shared.events.tables import OUTBOX_GROUP
from shared.kernel import failpoints
from shared.kernel.context import Actor
from shared.kernel.errors import ConflictError, NotFoundError

log = structlog.get_logger(__name__)

State = Literal["open", "replayed", "discarded"]

# One call goes on with at most so many parked events; the consumer goes on with the rest by itself.
MAX_RELEASED = 10_000

AFTER_REPLAY = failpoints.declare(
    "dead_letters.after_replay",
    "the letter is resolved, its parked events wait: the consumer goes on with them",
)
AFTER_RELEASE = failpoints.declare("dead_letters.after_release", "some parked events are done, the rest wait")

_COLUMNS = (
    "id, direction, consumer_group, key, event_id, type, topic, partition, position, headers, value, "
    "error_code, error_message, state, attempts, failed_at, resolved_at, resolved_by, "
    "(SELECT count(*) FROM parked_events p WHERE p.consumer_group = d.consumer_group AND p.key = d.key) AS parked"
)
_LIST = Statement(
    f"SELECT {_COLUMNS} FROM dead_letters d "  # noqa: S608 - names of this module
    "WHERE state = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3",
    ("state", "after", "limit"),
    {},
)
_GET = Statement(f"SELECT {_COLUMNS} FROM dead_letters d WHERE id = $1", ("id",), {})  # noqa: S608
_LOCK = Statement("SELECT * FROM dead_letters WHERE id = $1 FOR UPDATE", ("id",), {})
_RESOLVE = Statement(
    "UPDATE dead_letters SET state = $2, resolved_at = clock_timestamp(), resolved_by = $3 WHERE id = $1",
    ("id", "state", "resolved_by"),
    {},
)
_FAILED_AGAIN = Statement(
    "UPDATE dead_letters SET attempts = attempts + 1, failed_at = clock_timestamp(), error_code = $2, "
    "error_message = $3 WHERE id = $1",
    ("id", "error_code", "error_message"),
    {},
)
_FORGET_EVENT = Statement("DELETE FROM outbox WHERE event_id = $1", ("event_id",), {})


class DeadLetterNotFoundError(NotFoundError):
    """There is no such dead letter."""


class DeadLetterResolvedError(ConflictError):
    """The dead letter was already replayed or discarded."""


class ReplayFailedError(ConflictError):
    """The event failed again; the dead letter stays open."""


class NotConsumedHereError(ConflictError):
    """This service does not handle such events any more; the dead letter can only be discarded."""


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """One event that failed; `parked` later events of its key wait behind it."""

    id: UUID
    direction: Literal["inbound", "outbound"]
    consumer_group: str
    key: str
    event_id: UUID
    type: str
    topic: str
    partition: int
    position: int
    headers: Mapping[str, str]
    value: bytes
    error_code: str
    error_message: str
    state: State
    attempts: int
    failed_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    parked: int

    @property
    def payload(self) -> str:
        """The event's payload as text; what is no UTF-8 is replaced."""
        return self.value.decode(errors="replace")


@dataclass(frozen=True)
class Resolution:
    """What became of a dead letter, and how many events parked behind it took effect since."""

    dead_letter: DeadLetter
    released: int


class DeadLetters:
    """The dead letters of one service.

    delivery  how events are handled; None where nothing is consumed (inbound letters cannot be replayed then)
    """

    def __init__(self, database: Database, delivery: Delivery | None) -> None:
        self._database = database
        self._delivery = delivery

    async def page(
        self, session: Session, *, state: State = "open", after: UUID | None = None, limit: int = 50
    ) -> list[DeadLetter]:
        """Dead letters in a state, oldest first, those after the one with id `after`."""
        rows = await session.fetch_all(_LIST, state=state, after=after, limit=limit)
        return [DeadLetter(**row) for row in rows]

    async def get(self, session: Session, dead_letter_id: UUID) -> DeadLetter:
        """One dead letter. Raises `DeadLetterNotFoundError`."""
        row = await session.fetch_one(_GET, id=dead_letter_id)
        if row is None:
            raise DeadLetterNotFoundError(f"there is no dead letter {dead_letter_id}")
        return DeadLetter(**row)

    async def replay(self, dead_letter_id: UUID, by: Actor) -> Resolution:
        """Handle (or publish) the event again, then the events parked behind it, in order.

        Raises `DeadLetterNotFoundError`, `DeadLetterResolvedError`, `NotConsumedHereError`, and
        `ReplayFailedError` when it fails again; a parked event that fails becomes a dead letter of its own.
        """
        try:
            async with self._database.transaction() as transaction:
                letter = await self._lock(transaction, dead_letter_id)
                if letter["direction"] == INBOUND:
                    await self._handle(transaction, letter)
                else:
                    await transaction.execute(LET_GO, consumer_group=OUTBOX_GROUP, key=letter["key"])
                await transaction.execute(_RESOLVE, id=letter["id"], state="replayed", resolved_by=str(by))
        except (DeadLetterNotFoundError, DeadLetterResolvedError, NotConsumedHereError):
            raise
        except Exception as error:
            if is_passing(error) or is_suspect(error):
                raise
            await self._failed_again(dead_letter_id, error)
            code, message = describe(error)
            raise ReplayFailedError(f"the event failed again: {code}", cause=code, reason=message) from error
        return await self._resolved(letter, by)

    async def discard(self, dead_letter_id: UUID, by: Actor) -> Resolution:
        """Give the event up, and go on with the events parked behind it, in order.

        Raises `DeadLetterNotFoundError` and `DeadLetterResolvedError`.
        """
        async with self._database.transaction() as transaction:
            letter = await self._lock(transaction, dead_letter_id)
            if letter["direction"] == OUTBOUND:
                await transaction.execute(_FORGET_EVENT, event_id=letter["event_id"])
                await transaction.execute(LET_GO, consumer_group=OUTBOX_GROUP, key=letter["key"])
            await transaction.execute(_RESOLVE, id=letter["id"], state="discarded", resolved_by=str(by))
        return await self._resolved(letter, by)

    async def release_abandoned(self) -> int:
        """Go on with keys that wait behind no open dead letter; how many events took effect."""
        if self._delivery is None:
            return 0
        async with self._database.session() as session:
            rows = await session.fetch_all(ABANDONED, consumer_group=self._delivery.group)
        released = 0
        for row in rows:
            released += await self._release(row["key"])
        return released

    async def _resolved(self, letter: Any, by: Actor) -> Resolution:
        failpoints.hit(AFTER_REPLAY)
        for notify in self._database.on_commit:
            # The relay may have work now that no commit of its own events announced.
            notify()
        if self._delivery is not None:
            self._delivery.announce()
        released = await self._release(letter["key"]) if letter["direction"] == INBOUND else 0
        async with self._database.session() as session:
            resolved = await self.get(session, letter["id"])
        log.info(
            "dead_letter_resolved",
            dead_letter_id=str(resolved.id),
            event_id=str(resolved.event_id),
            state=resolved.state,
            by_role=by.role,
            released=released,
        )
        return Resolution(resolved, released)

    async def _lock(self, transaction: Transaction, dead_letter_id: UUID) -> Any:
        letter = await transaction.fetch_one(_LOCK, id=dead_letter_id)
        if letter is None:
            raise DeadLetterNotFoundError(f"there is no dead letter {dead_letter_id}")
        if letter["state"] != "open":
            raise DeadLetterResolvedError(f"dead letter {dead_letter_id} was {letter['state']}")
        await transaction.fetch_one(LOCK_HELD, consumer_group=letter["consumer_group"], key=letter["key"])
        return letter

    async def _handle(self, transaction: Transaction, row: Mapping[str, Any]) -> None:
        delivery = self._delivery
        arrival = delivery.intake.arrival(record_of(row)) if delivery is not None else None
        if delivery is None or arrival is None:
            raise NotConsumedHereError(f"events of type {row['type']} are not handled here")
        await delivery.handle(transaction, [arrival])

    async def _failed_again(self, dead_letter_id: UUID, error: Exception) -> None:
        code, message = describe(error)
        async with self._database.transaction() as transaction:
            await transaction.execute(
                _FAILED_AGAIN, id=dead_letter_id, error_code=code, error_message=message
            )

    async def _release(self, key: str) -> int:
        """Handle the parked events of a key, one transaction each, until none is left or one fails."""
        delivery = self._delivery
        if delivery is None:
            return 0
        released = 0
        while released < MAX_RELEASED:
            parked: Any = None
            try:
                async with self._database.transaction() as transaction:
                    held = await transaction.fetch_one(LOCK_HELD, consumer_group=delivery.group, key=key)
                    parked = await transaction.fetch_one(NEXT_PARKED, consumer_group=delivery.group, key=key)
                    if held is None or parked is None:
                        await transaction.execute(LET_GO, consumer_group=delivery.group, key=key)
                        return released
                    arrival = delivery.intake.arrival(record_of(parked))
                    if arrival is not None:
                        await delivery.handle(transaction, [arrival])
                    await transaction.execute(UNPARK, id=parked["id"])
                delivery.announce()
            except Exception as error:
                if parked is None or is_passing(error) or is_suspect(error):
                    raise
                await self._bury_parked(delivery, parked, error)
                return released
            failpoints.hit(AFTER_RELEASE)
            released += 1
        return released

    async def _bury_parked(self, delivery: Delivery, parked: Any, error: Exception) -> None:
        async with self._database.transaction() as transaction:
            await transaction.fetch_one(LOCK_HELD, consumer_group=delivery.group, key=parked["key"])
            if await transaction.execute(UNPARK, id=parked["id"]):
                await transaction.execute(BURY, **letter_row(INBOUND, parked, error))
        arrival = delivery.intake.arrival(record_of(parked))
        if arrival is not None:
            delivery.report(arrival, error)
