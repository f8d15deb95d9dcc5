"""The loop that books imports too long for their request, and forgets those whose body broke off."""

from datetime import datetime

from services.valuation.usecases.book_import import book_import
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.receive_import import abandon_silent_import
from shared.db.database import Database
from shared.kernel.context import Actor
from shared.kernel.signals import Signal

ACTOR = Actor("system", "valuation.imports")


class ImportLoop:
    """One batch of one import at a time, a transaction each: a crash loses at most the batch in hand."""

    def __init__(self, database: Database, valuation: Valuation, *, poll_seconds: float) -> None:
        self.name = "valuation.imports"
        self.wake = Signal()
        self.poll_seconds = poll_seconds
        self._database = database
        self._valuation = valuation

    async def run_once(self) -> int:
        """Book the next batch; without one, give up one import that has fallen silent."""
        job = await self._database.run(lambda work: book_import(work, self._valuation), actor=ACTOR)
        if job is not None:
            return 1
        return await self._database.run(
            lambda work: abandon_silent_import(work, self._valuation), actor=ACTOR
        )

    async def next_due_at(self) -> datetime | None:
        """Imports wait for nothing but their turn."""
        return None

    async def close(self) -> None:
        """Nothing is held between batches."""
