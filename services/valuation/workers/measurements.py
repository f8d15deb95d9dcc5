"""The loop that measures the population, at each review instant and when asked."""

from datetime import datetime

from services.valuation.persistence import measurements
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.measure_population import (
    measure_step,
    next_measurement_at,
    start_due_measurement,
)
from shared.db.database import Database
from shared.kernel.context import Actor
from shared.kernel.signals import Signal

ACTOR = Actor("system", "valuation.measurements")


class MeasurementLoop:
    """One step of the running measurement at a time, a transaction each: a crash loses at most the step in hand."""

    def __init__(self, database: Database, valuation: Valuation, *, poll_seconds: float) -> None:
        self.name = "valuation.measurements"
        self.wake = Signal()
        self.poll_seconds = poll_seconds
        self._database = database
        self._valuation = valuation

    async def run_once(self) -> int:
        """The next step; without a job, start one if it is due."""
        job = await self._database.run(lambda work: measure_step(work, self._valuation), actor=ACTOR)
        if job is not None:
            return 1
        return await self._database.run(
            lambda work: start_due_measurement(work, self._valuation), actor=ACTOR
        )

    async def next_due_at(self) -> datetime | None:
        """When the next measurement begins; of a running one, when it began."""
        async with self._database.session() as session:
            running = await measurements.running(session)
            if running is not None:
                return running.started_at
            return await next_measurement_at(session, self._valuation)

    async def close(self) -> None:
        """Nothing is held between steps."""
