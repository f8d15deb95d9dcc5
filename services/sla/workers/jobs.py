"""The job worker: batch after batch until the job is done. Killed at any point, it goes on after the last commit."""

from datetime import datetime

import structlog

from services.sla.persistence import job_store
from services.sla.persistence.catalogue_store import Catalogues
from services.sla.usecases.apply_version import Ran, RunJob, run_job
from shared.db.database import RETRIED, TRANSIENT, Database
from shared.db.work import Work
from shared.kernel import failpoints
from shared.kernel.context import Actor
from shared.kernel.signals import Signal

log = structlog.get_logger(__name__)

AFTER_COMMIT = failpoints.declare("jobs.after_commit", "a batch is applied and counted, nobody knows yet")
POLL_SECONDS = 1.0
ACTOR = Actor("system", "sla.jobs")


class JobWorker:
    """A `Loop`. Any number may run: each takes a job that no other has."""

    def __init__(self, database: Database, command: RunJob, catalogues: Catalogues) -> None:
        self.name = "sla.jobs"
        self.wake = Signal()
        self.poll_seconds = POLL_SECONDS
        self._database = database
        self._command = command
        self._catalogues = catalogues

    async def run_once(self) -> int:
        """One batch of one job; how many subjects were looked at. Raises only what passes by itself."""
        async with self._database.session() as session:
            if not await job_store.is_any_unfinished(session):
                return 0
        try:
            ran = await self._batch()
        except (*TRANSIENT, *RETRIED):
            raise
        except Exception as error:
            log.exception("job_batch_failed", worker=self.name)
            await self._fail(f"{type(error).__name__}: {error}")
            return 1
        failpoints.hit(AFTER_COMMIT)
        return max(ran.subjects, int(ran.is_done))

    async def next_due_at(self) -> datetime | None:
        """Work comes with a job, at no instant that is known before."""
        return None

    async def close(self) -> None:
        """Holds nothing between batches."""

    async def _batch(self) -> Ran:
        async with self._database.transaction() as transaction:
            work = transaction.work(ACTOR)
            return await run_job(
                self._command, work, lambda: transaction.work(ACTOR), catalogues=self._catalogues
            )

    async def _fail(self, error: str) -> None:
        """The job that the batch was of: the same one is claimed again."""

        async def fail(work: Work) -> None:
            job = await job_store.claim(work)
            if job is not None:
                await job_store.finish(work, job["id"], error=error)

        await self._database.run(fail, actor=ACTOR)
