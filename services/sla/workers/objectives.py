"""The worker of availability objectives: looks where something was reported, or may have come about by itself."""

from datetime import datetime

from services.sla.persistence import availability_store
from services.sla.usecases.evaluate_objectives import EvaluateObjectives, evaluate_objectives
from shared.db.database import Database
from shared.kernel.context import Actor
from shared.kernel.signals import Signal

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
        return await self._database.run(lambda work: evaluate_objectives(self._command, work), actor=ACTOR)

    async def next_due_at(self) -> datetime | None:
        """When an objective is to be looked at."""
        async with self._database.session() as session:
            return await availability_store.next_evaluation_at(session)

    async def close(self) -> None:
        """Holds nothing between batches."""
