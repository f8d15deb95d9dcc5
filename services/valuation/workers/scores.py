"""The loop that scores customers who bought since they were scored."""

from datetime import datetime

from services.valuation.usecases.context import Valuation
from services.valuation.usecases.score_customers import score_requested
from shared.db.database import Database
from shared.kernel.context import Actor
from shared.kernel.signals import Signal

ACTOR = Actor("system", "valuation.scores")


class ScoreLoop:
    """Bounded batches, a transaction each, in which the requests go and the scores come."""

    def __init__(self, database: Database, valuation: Valuation, *, poll_seconds: float) -> None:
        self.name = "valuation.scores"
        self.wake = Signal()
        self.poll_seconds = poll_seconds
        self._database = database
        self._valuation = valuation

    async def run_once(self) -> int:
        """One batch; how many customers it held."""
        return await self._database.run(lambda work: score_requested(work, self._valuation), actor=ACTOR)

    async def next_due_at(self) -> datetime | None:
        """Requests wait for nothing but their turn."""
        return None

    async def close(self) -> None:
        """Nothing is held between batches."""
