"""The worker of digests: tells each target what waited for it, when its time has come."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from services.sla.domain.storm_caps import StormCaps
from services.sla.persistence import digest_store
from services.sla.usecases.tell_digest import TellDigest, tell_digest
from shared.db.database import RETRIED, TRANSIENT, Database
from shared.db.work import Work
from shared.kernel import failpoints
from shared.kernel.context import Actor
from shared.kernel.signals import Signal

log = structlog.get_logger(__name__)

AFTER_COMMIT = failpoints.declare("digests.after_commit", "a digest is told, nobody was woken")
ACTOR = Actor("system", "sla.digests")
POLL_SECONDS = 1.0


class DigestWorker:
    """A `Loop`. Any number may run: they take turns at a target."""

    def __init__(self, database: Database, caps: StormCaps) -> None:
        self.name = "sla.digests"
        self.wake = Signal()
        self.poll_seconds = POLL_SECONDS
        self._database = database
        self._caps = caps

    async def run_once(self) -> int:
        """Every digest that is due; how many lines were told. Raises only what passes by itself."""
        now = self._database.clock.now()
        async with self._database.session() as session:
            waiting = await digest_store.waiting(session, self._caps.window)
        told = 0
        for one in waiting:
            if one.due_at(self._caps) <= now:
                told += await self._tell(TellDigest(one.target, one.window_start, self._caps))
        return told

    async def next_due_at(self) -> datetime | None:
        """When the next digest is to be told."""
        async with self._database.session() as session:
            waiting = await digest_store.waiting(session, self._caps.window)
        return min((one.due_at(self._caps) for one in waiting), default=None)

    async def close(self) -> None:
        """Holds nothing between batches."""

    async def _tell(self, command: TellDigest) -> int:
        try:
            told = await self._database.run(self._telling(command), actor=ACTOR)
        except (*TRANSIENT, *RETRIED):
            raise
        except Exception:
            # Tried again at the next look; other targets must not wait for it.
            log.exception("digest_failed", target=command.target)
            return 0
        failpoints.hit(AFTER_COMMIT)
        return told

    def _telling(self, command: TellDigest) -> Callable[[Work], Awaitable[int]]:
        return lambda work: tell_digest(command, work)
