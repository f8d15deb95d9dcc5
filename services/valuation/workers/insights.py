"""The loop that looks at what is due: customers who may be overdue, dates that are near, insights too late."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime

from services.valuation.persistence import important_dates, insight_watches, insights
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.find_insights import expire_insights, look_at_customers, look_at_dates
from shared.db.database import Database
from shared.db.work import Work
from shared.kernel.context import Actor
from shared.kernel.signals import Signal

ACTOR = Actor("system", "valuation.insights")
Step = Callable[[Work, Valuation], Awaitable[int]]
STEPS: tuple[Step, ...] = (look_at_dates, look_at_customers, expire_insights)


class InsightLoop:
    """Looks in bounded batches, a transaction each; cost grows with what is due.

    A batch that is lost with its process is simply still due: the next look moves in the transaction that
    raises what was found.
    """

    def __init__(self, database: Database, valuation: Valuation, *, poll_seconds: float) -> None:
        self.name = "valuation.insights"
        self.wake = Signal()
        self.poll_seconds = poll_seconds
        self._database = database
        self._valuation = valuation

    async def run_once(self) -> int:
        """One batch of each; how much was done."""
        # Most looks find nothing due: one read is cheaper than three transactions.
        due_at = await self.next_due_at()
        if due_at is None or due_at > self._database.clock.now():
            return 0
        return sum([await self._database.run(self._with_rules(step), actor=ACTOR) for step in STEPS])

    async def next_due_at(self) -> datetime | None:
        """The start of the next day on which somebody is to be looked at, or the next expiry."""
        async with self._database.session() as session:
            days: list[date | None] = [
                await important_dates.next_look_on(session),
                await insight_watches.next_look_on(session),
            ]
            expiry = await insights.next_expiry_at(session)
        calendar = self._valuation.ledger.calendar
        dues = [calendar.start_of(day) for day in days if day is not None]
        return min([*dues, *([] if expiry is None else [expiry])], default=None)

    async def close(self) -> None:
        """Nothing is held between batches."""

    def _with_rules(self, step: Step) -> Callable[[Work], Awaitable[int]]:
        return lambda work: step(work, self._valuation)
