"""The loop of refits: starts the nightly one, has a process of its own do the fit, and scores everybody after it."""

import asyncio
import contextlib
import os
import sys
from datetime import datetime
from typing import Any

import structlog

from services.valuation.domain.serving.refit_status import RefitStatus
from services.valuation.persistence import refit_jobs
from services.valuation.persistence.refit_jobs import RefitJob
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.refit_models import (
    begin_attempt,
    next_refit_at,
    note_problem,
    start_due_refit,
)
from services.valuation.usecases.score_customers import score_next
from services.valuation.workers.refit_process import ACTOR, FitTask
from shared.db.database import Database
from shared.kernel.signals import Signal

log = structlog.get_logger(__name__)

PROGRAM = ("-m", FitTask.__module__)
# A fit shares its machine with those who answer requests: one thread of arithmetic, whatever library does it.
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# How long a look at the process waits for it to end: so long a shutdown may have to wait.
LOOK_SECONDS = 1.0
_TAKE_TURN = "SELECT pg_try_advisory_lock(hashtext('valuation.refits'))"


class RefitLoop:
    """One step at a time: an attempt at the fit, a look at its process, or a batch of scores, a transaction each.

    Of several workers one does it: a lock of its session, which the database frees when the worker dies. Its process
    dies with it, and the next worker goes on from what was committed.
    """

    def __init__(
        self,
        database: Database,
        valuation: Valuation,
        *,
        poll_seconds: float,
        fit_seconds: float,
        program: tuple[str, ...] = PROGRAM,
    ) -> None:
        self.name = "valuation.refits"
        self.wake = Signal()
        self.poll_seconds = poll_seconds
        self._database = database
        self._valuation = valuation
        self._fit_seconds = fit_seconds
        self._program = program
        self._turn: Any = None
        self._process: asyncio.subprocess.Process | None = None
        self._fitting: RefitJob | None = None
        self._kill_at = 0.0

    @property
    def process_id(self) -> int | None:
        """The process that is fitting, if there is one."""
        return None if self._process is None else self._process.pid

    async def run_once(self) -> int:
        """The next step of the open job; without one, start the nightly one if it is due. 0 while another has it."""
        async with self._database.session() as session:
            job = await refit_jobs.find_open(session)
        if self._process is not None and (job is None or job != self._fitting):
            # It was concluded, or somebody went back to an earlier version.
            await self._end_process()
        if job is None:
            await self._give_turn_back()
            return await self._database.run(lambda work: start_due_refit(work, self._valuation), actor=ACTOR)
        if not await self._has_turn():
            return 0
        if job.status is RefitStatus.SCORING:
            return await self._database.run(lambda work: score_next(work, self._valuation), actor=ACTOR)
        if self._process is None:
            await self._start_process()
        else:
            await self._look_at_process()
        return 1

    async def next_due_at(self) -> datetime | None:
        """When the next nightly refit begins; of an open job, when it began."""
        async with self._database.session() as session:
            job = await refit_jobs.find_open(session)
            return await next_refit_at(session, self._valuation) if job is None else job.started_at

    async def close(self) -> None:
        """End the process of the fit, which is tried again, and let another worker have its turn."""
        await self._end_process()
        await self._give_turn_back()

    async def _has_turn(self) -> bool:
        if self._turn is not None and self._turn.is_closed():
            self._turn = None
        if self._turn is None:
            connection = await self._database.connect()
            if not await connection.fetchval(_TAKE_TURN):
                await connection.close()
                return False
            self._turn = connection
        return True

    async def _give_turn_back(self) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            await turn.close()

    async def _start_process(self) -> None:
        job = await self._database.run(lambda work: begin_attempt(work, self._valuation), actor=ACTOR)
        if job is None:
            return
        task = FitTask(
            database_url=self._database.url,
            job_id=job.id,
            history_day=job.history_day,
            buying_model=self._valuation.serving.buying_model,
            now=self._database.clock.now(),
            seconds=self._fit_seconds,
        )
        self._fitting = job
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *self._program,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            env={**os.environ, **ONE_THREAD},
        )
        self._kill_at = asyncio.get_running_loop().time() + self._fit_seconds
        assert self._process.stdin is not None
        self._process.stdin.write(task.to_line())

    async def _look_at_process(self) -> None:
        process, job = self._process, self._fitting
        assert process is not None
        assert job is not None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await process.wait()
        status = process.returncode
        if status is None and asyncio.get_running_loop().time() < self._kill_at:
            return
        await self._end_process()
        if status == 0:
            return
        problem = (
            f"the fit took more than {self._fit_seconds:g} s"
            if status is None
            else f"the fit's process ended with {status}"
        )
        log.warning("fit_failed", job=str(job.id), attempt=job.attempts, problem=problem)
        await self._database.run(lambda work: note_problem(work, job.id, problem), actor=ACTOR)

    async def _end_process(self) -> None:
        process, self._process, self._fitting = self._process, None, None
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()
        if process.stdin is not None:
            process.stdin.close()
