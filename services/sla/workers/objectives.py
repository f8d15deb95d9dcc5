"""The worker of availability objectives: looks where something was reported, or may have come about by itself."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import structlog

from services.sla.persistence import availability_store
from services.sla.usecases.evaluate_objectives import (
    EvaluateObjectives,
    evaluate_objectives,
    postpone_objective,
)
from shared.db.database import RETRIED, TRANSIENT, Database
from shared.db.work import Work
from shared.kernel.context import Actor
from shared.kernel.signals import Signal

log = structlog.get_logger(__name__)

ACTOR = Actor("system", "sla.objectives")
POLL_SECONDS = 1.0


class ObjectiveWorker:
    """A `Loop`. Any number may run: they skip each other's objectives."""

    def __init__(self, database: Database, command: EvaluateObjectives) -> None:
        self.name = "sla.objectives"
        self.wake = Signal()
        self.poll_seconds = POLL_SECONDS
        self._database = database
        self._command = command

    async def run_once(self) -> int:
        """One batch; how many objectives were looked at."""
        due_at = await self.next_due_at()
        if due_at is None or due_at > self._database.clock.now():
            return 0
        try:
            return await self._database.run(
                lambda work: evaluate_objectives(self._command, work), actor=ACTOR
            )
        except (*TRANSIENT, *RETRIED):
            raise
        except Exception:
            log.exception("objective_batch_failed", worker=self.name)
            return await self._one_by_one()

    async def next_due_at(self) -> datetime | None:
        """When an objective is to be looked at."""
        async with self._database.session() as session:
            return await availability_store.next_evaluation_at(session)

    async def _one_by_one(self) -> int:
        """A batch failed: each of its objectives alone, and what fails then is put off."""
        async with self._database.session() as session:
            now = self._database.clock.now()
            due = await availability_store.due_ids(session, now, self._command.limit)
        for objective_id in due:
            try:
                await self._database.run(self._evaluating(objective_id), actor=ACTOR)
            except (*TRANSIENT, *RETRIED):
                raise
            except Exception:
                log.exception("objective_put_off", objective_id=str(objective_id))
                await self._database.run(self._postponing(objective_id), actor=ACTOR)
        return len(due)

    def _evaluating(self, objective_id: UUID) -> Callable[[Work], Awaitable[int]]:
        return lambda work: evaluate_objectives(self._command, work, objective_id)

    def _postponing(self, objective_id: UUID) -> Callable[[Work], Awaitable[None]]:
        return lambda work: postpone_objective(self._command, objective_id, work)

    async def close(self) -> None:
        """Holds nothing between batches."""
