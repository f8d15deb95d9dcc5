"""The loop that books imports too long for their request, and forgets those whose body broke off."""

import asyncio
from datetime import datetime

from services.valuation.domain.import_turns import LANES
from services.valuation.persistence.imports import Import
from services.valuation.usecases.book_import import book_import
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.receive_import import abandon_silent_import
from shared.db.database import Database
from shared.kernel.clock import SystemClock
from shared.kernel.context import Actor
from shared.kernel.signals import Signal

# With a long import one lane computes while the database works for the other.
BATCHES_A_LANE = 8
ACTOR = Actor("system", "valuation.imports")


class ImportLoop:
    """Batches of imports, a transaction each: a crash loses at most the batches in hand."""

    def __init__(self, database: Database, valuation: Valuation, *, poll_seconds: float) -> None:
        self.name = "valuation.imports"
        self.wake = Signal()
        self.poll_seconds = poll_seconds
        self._database = database
        self._valuation = valuation
        self._is_long = False

    async def run_once(self) -> int:
        """Book the next batch, or batches in lanes; without any, give up one import that has fallen silent."""
        if self._is_long and isinstance(self._database.clock, SystemClock):
            self._is_long = False
            booked = await self._book_lanes()
            if booked:
                self._is_long = booked > LANES
                return booked
        job = await self._book(None)
        if job is not None:
            self._is_long = job.rows_received - job.rows_processed > LANES * self._valuation.import_batch_rows
            return 1
        return await self._database.run(
            lambda work: abandon_silent_import(work, self._valuation), actor=ACTOR
        )

    async def next_due_at(self) -> datetime | None:
        """Imports wait for nothing but their turn."""
        return None

    async def close(self) -> None:
        """Nothing is held between batches."""

    async def _book_lanes(self) -> int:
        """How many batches the lanes booked; raises what one of them raised, when all are over."""
        outcomes = await asyncio.gather(*map(self._book_lane, range(LANES)), return_exceptions=True)
        booked = 0
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
            booked += outcome
        return booked

    async def _book_lane(self, lane: int) -> int:
        for batches in range(BATCHES_A_LANE):
            if await self._book(lane) is None:
                return batches
        return BATCHES_A_LANE

    async def _book(self, lane: int | None) -> Import | None:
        return await self._database.run(
            lambda work: book_import(work, self._valuation, lane=lane), actor=ACTOR
        )
