"""`Idempotency-Key`: a write that is sent again gets the answer of the first time, and has no second effect.

A key is scoped by principal, method and path, and stored with the answer in the effect's own transaction, so
that neither exists without the other. Errors change nothing and are not stored: a retry does them anew.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shared.db.database import Database
from shared.db.statements import insert, statement
from shared.db.work import Work
from shared.kernel.errors import ConflictError, InvalidInputError
from shared.kernel.signals import Signal
from shared.web import tables

KEPT = timedelta(hours=24)
PURGED_AT_ONCE = 5_000
PURGE_POLL_SECONDS = 600.0
LONGEST_KEY = 255
_KEY = re.compile(rb"[\x21-\x7e]{1,255}")

_keys = tables.add_to(sa.MetaData())
# The lock and the look are one round trip. The look may be older than the lock: then the key is found
# taken at the insert, and the command is done again and sees it.
_LOCK_AND_LOOK = statement(
    sa.text(
        "SELECT pg_try_advisory_xact_lock(CAST(:lock AS bigint)) AS locked,"
        " k.fingerprint, k.status, k.headers, k.body"
        " FROM (SELECT 1) AS one LEFT JOIN idempotency_keys AS k"
        " ON k.digest = CAST(:digest AS bytea) AND k.expires_at > clock_timestamp()"
    )
)
_insert = cast("pg.Insert", insert(_keys))
_KEEP = statement(
    _insert.on_conflict_do_update(
        index_elements=[_keys.c.digest],
        set_={
            column.name: _insert.excluded[column.name] for column in _keys.columns if column.name != "digest"
        },
        where=_keys.c.expires_at <= sa.func.clock_timestamp(),
    )
)
_PURGE = statement(
    sa.text(
        "DELETE FROM idempotency_keys WHERE digest = ANY (ARRAY("
        "SELECT digest FROM idempotency_keys WHERE expires_at <= clock_timestamp()"
        " ORDER BY expires_at LIMIT CAST(:at_once AS integer) FOR UPDATE SKIP LOCKED))"
    )
)

# Keys live for a day, so this reads a day's writes at most; it is asked when a customer is erased.
_FORGET = statement(
    sa.text(
        "DELETE FROM idempotency_keys AS k WHERE EXISTS (SELECT FROM unnest(CAST(:words AS text[])) AS word"
        " WHERE position(convert_to(word, 'UTF8') IN k.body) > 0 OR position(word IN k.headers::text) > 0)"
    )
)


class IdempotencyKeyReusedError(InvalidInputError):
    """This Idempotency-Key was used for another request; send a new key with a new request."""


class IdempotentRequestInFlightError(ConflictError):
    """The first request with this Idempotency-Key is still being worked on; ask again in a moment."""


class KeyTakenMeanwhileError(Exception):
    """Another request stored this key between our look and our insert."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to the caller, as it is stored."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Key:
    """One `Idempotency-Key` in its scope."""

    digest: bytes
    fingerprint: bytes
    operation_id: str

    @classmethod
    def of(
        cls,
        key: bytes,
        *,
        principal: str,
        method: str,
        path: str,
        query: bytes,
        body: bytes,
        operation_id: str,
    ) -> "Key":
        """Raises `InvalidInputError` for a key that is not 1 to 255 visible ASCII characters."""
        if not _KEY.fullmatch(key):
            raise InvalidInputError.of(
                "Idempotency-Key",
                "idempotency_key",
                "Idempotency-Key takes 1 to 255 visible ASCII characters",
            )
        scope = b"\0".join((principal.encode(), method.encode(), path.encode(), key))
        content = b"\0".join((query, body))
        return cls(hashlib.sha256(scope).digest(), hashlib.sha256(content).digest(), operation_id)

    async def once(self, work: Work, answer: Callable[[], Awaitable[Answer]]) -> Answer:
        """Inside the effect's transaction: the stored answer, or that of `answer()`, which is stored."""
        lock = int.from_bytes(self.digest[:8], "big", signed=True)
        found: Any = await work.fetch_one(_LOCK_AND_LOOK, lock=lock, digest=self.digest)
        if not found["locked"]:
            raise IdempotentRequestInFlightError(retry_after_seconds=1)
        if found["fingerprint"] is not None:
            if found["fingerprint"] != self.fingerprint:
                raise IdempotencyKeyReusedError
            return Answer(found["status"], found["headers"], found["body"])
        given = await answer()
        stored = await work.execute(
            _KEEP,
            digest=self.digest,
            fingerprint=self.fingerprint,
            operation_id=self.operation_id,
            status=given.status,
            headers=given.headers,
            body=given.body,
            # Retention is on the real clock, even where the suite runs on a simulated one.
            expires_at=datetime.now(UTC) + KEPT,
        )
        if stored == 0:
            raise KeyTakenMeanwhileError
        return given


async def forget_answers(work: Work, words: Sequence[str]) -> int:
    """Delete stored answers that hold any of these words (ids of what is erased); how many there were.

    A request that is sent again afterwards is done anew, and finds that what it was about is gone.
    """
    return await work.execute(_FORGET, words=list(words))


class IdempotencyKeyPurge:
    """The loop that removes keys older than 24 h, a bounded batch at a time."""

    poll_seconds = PURGE_POLL_SECONDS

    def __init__(self, database: Database) -> None:
        self.name = f"{database.name}.idempotency_key_purge"
        self.wake = Signal()
        self._database = database

    async def run_once(self) -> int:
        async with self._database.session() as session:
            return await session.execute(_PURGE, at_once=PURGED_AT_ONCE)

    async def next_due_at(self) -> datetime | None:
        """None: retention is on the real clock, and a late purge hurts nobody."""
        return None

    async def close(self) -> None:
        """Nothing is held between two batches."""
