"""How long events are remembered, and the loop that forgets them. Runs on real time, also under simulation."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

from shared.db.database import Database
from shared.db.statements import Statement
from shared.events.envelope import topic_of
from shared.events.pacing import Wake
from shared.events.published import archive, days, drop, make_days
from shared.kernel.signals import Signal

DAYS_AHEAD = 7
MIN_PUBLISHED_DAYS = 7
EVERY_SECONDS = 3600.0
DELETE_BATCH = 5000
MAX_BATCHES = 200

_FORGET_INBOX = Statement(
    "DELETE FROM inbox WHERE ctid = ANY (ARRAY(SELECT ctid FROM inbox WHERE received_at < $1 LIMIT $2))",
    ("before", "limit"),
    {},
)
_FORGET_LETTERS = Statement(
    "DELETE FROM dead_letters WHERE state <> 'open' AND resolved_at < $1", ("before",), {}
)


class Log(Protocol):
    """A transport that keeps its records itself and must be told to forget them."""

    async def trim(self, topic: str, before: datetime) -> int: ...


@dataclass(frozen=True)
class RetentionRules:
    """Days, on real time. Nothing published is dropped unless `expired` says so.

    published_days  events can be published again for so long, at least 7
    expired         what happens to older ones: `keep`, `archive` (to `directory`, readable by republish), `drop`
    topic_days      records stay on the PostgreSQL transport's log for so long (Kafka has its own setting)
    inbox_days      ids of consumed events are known for so long; longer than both others
    letter_days     resolved dead letters are shown for so long
    """

    published_days: int = 30
    expired: Literal["keep", "archive", "drop"] = "keep"
    directory: Path | None = None
    topic_days: int = 30
    inbox_days: int = 60
    letter_days: int = 90

    def __post_init__(self) -> None:
        if self.published_days < MIN_PUBLISHED_DAYS:
            raise ValueError(f"published events are kept for at least {MIN_PUBLISHED_DAYS} days")
        if self.inbox_days <= max(self.published_days, self.topic_days):
            raise ValueError("the inbox is kept longer than topic and republish window")
        if self.expired == "archive" and self.directory is None:
            raise ValueError("an archive needs a directory")


class Retention:
    """A `Loop`: once an hour makes partitions ahead and forgets what the rules say.

    log  the PostgreSQL transport where this service's topic is kept, or None
    """

    def __init__(
        self, source: str, database: Database, rules: RetentionRules | None = None, *, log: Log | None = None
    ) -> None:
        self.name = f"{source}.retention"
        self.wake: Signal = Wake()
        self.poll_seconds = 60.0
        self._source = source
        self._database = database
        self._rules = rules or RetentionRules()
        self._log = log
        self._next_at = 0.0

    async def run_once(self) -> int:
        if time.monotonic() < self._next_at:
            return 0
        await self.tidy(datetime.now(UTC))
        self._next_at = time.monotonic() + EVERY_SECONDS
        return 0

    async def next_due_at(self) -> datetime | None:
        return None

    async def close(self) -> None:
        """Holds nothing."""

    async def tidy(self, now: datetime) -> None:
        """Do all of it now."""
        await make_days(self._database, now.date(), DAYS_AHEAD + 1)
        await self._expire(now - timedelta(days=self._rules.published_days))
        async with self._database.session() as session:
            before = now - timedelta(days=self._rules.inbox_days)
            for _ in range(MAX_BATCHES):
                if await session.execute(_FORGET_INBOX, before=before, limit=DELETE_BATCH) < DELETE_BATCH:
                    break
            await session.execute(_FORGET_LETTERS, before=now - timedelta(days=self._rules.letter_days))
        if self._log is not None:
            before = now - timedelta(days=self._rules.topic_days)
            for _ in range(MAX_BATCHES):
                if await self._log.trim(topic_of(self._source), before) == 0:
                    break

    async def _expire(self, before: datetime) -> None:
        rules = self._rules
        if rules.expired == "keep":
            return
        async with self._database.session() as session:
            expired = [day for day in await days(session.connection) if day.of < before.date()]
        for day in expired:
            if rules.expired == "archive" and rules.directory is not None:
                await archive(self._database, day, rules.directory / self._source)
            elif rules.expired == "drop":
                await drop(self._database, day)
