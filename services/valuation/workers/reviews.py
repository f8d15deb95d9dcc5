"""The loop that judges tiers when their time comes: warnings, demotions, overrides that end, rules that take effect."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from services.valuation.persistence import standings, tier_rules, tier_runs
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.release_held_customers import advance_release
from services.valuation.usecases.review_standings import review_due
from services.valuation.usecases.run_tier_rules import advance_run
from shared.db.database import Database
from shared.db.work import Work
from shared.kernel.context import Actor
from shared.kernel.signals import Signal

ACTOR = Actor("system", "valuation.reviews")
Step = Callable[[Work, Valuation], Awaitable[int]]


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
        """One batch of a run of new rules, of a release, or of due reviews; how many standings were looked at."""
        for step in (advance_run, advance_release, review_due):

            async def run(work: Work, step: Step = step) -> int:
                return await step(work, self._valuation)

            judged = await self._database.run(run, actor=ACTOR)
            if judged:
                return judged
        return 0

    async def next_due_at(self) -> datetime | None:
        """The earliest review, when the next rules take effect, or the run that is not done."""
        async with self._database.session() as session:
            dues = [
                await standings.next_due_at(session),
                await tier_rules.next_review_at(session),
                await tier_runs.open_since(session),
            ]
        return min((due for due in dues if due is not None), default=None)

    async def close(self) -> None:
        """Nothing is held between batches."""
