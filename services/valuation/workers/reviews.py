"""The loop that judges tiers when their time comes: warnings, demotions, and rules that take effect."""

from datetime import datetime

from services.valuation.persistence import standings, tier_rules
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.review_standings import review_due, review_under_new_rules
from shared.db.database import Database
from shared.kernel.context import Actor
from shared.kernel.signals import Signal

ACTOR = Actor("system", "valuation.reviews")


class ReviewLoop:
    """Reviews in bounded batches, a transaction each; cost grows with what is due.

    A batch that is lost with its process is simply still due: each row's next review moves in the
    transaction that judges it.
    """

    def __init__(self, database: Database, valuation: Valuation, *, poll_seconds: float) -> None:
        self.name = "valuation.reviews"
        self.wake = Signal()
        self.poll_seconds = poll_seconds
        self._database = database
        self._valuation = valuation

    async def run_once(self) -> int:
        """One batch under new rules, or one of due reviews; how many standings were judged."""
        judged = await self._database.run(
            lambda work: review_under_new_rules(work, self._valuation), actor=ACTOR
        )
        if judged:
            return judged
        return await self._database.run(lambda work: review_due(work, self._valuation), actor=ACTOR)

    async def next_due_at(self) -> datetime | None:
        """The earliest review, or when the next rules take effect."""
        async with self._database.session() as session:
            dues = [await standings.next_due_at(session), await tier_rules.next_review_at(session)]
        return min((due for due in dues if due is not None), default=None)

    async def close(self) -> None:
        """Nothing is held between batches."""
