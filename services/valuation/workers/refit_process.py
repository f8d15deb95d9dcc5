"""The process of one fit: `python -m services.valuation.workers.refit_process`, started by the refit loop.

Its task is the first line of stdin, one JSON object, so that no address of a database stands in a command line or an
environment. When stdin ends, whoever started it is gone, and it ends at once: what is not committed is not there.
"""

import asyncio
import json
import os
import sys
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from services.valuation.domain.models.catalogue import model_named
from services.valuation.domain.models.errors import NoCustomersError
from services.valuation.domain.serving.refit import Refitted, refit
from services.valuation.persistence import model_versions, purchase_histories
from services.valuation.usecases.refit_models import ConcludeFit, conclude_fit, give_up
from shared.db.database import Database
from shared.db.work import Session
from shared.kernel import failpoints
from shared.kernel.clock import SystemClock
from shared.kernel.context import Actor

ACTOR = Actor("system", "valuation.refits")
ORPHANED = 3

HISTORIES_READ = failpoints.declare(
    "valuation.histories_read", "nothing was written; the job tries the fit again"
)


@dataclass(frozen=True, slots=True)
class FitTask:
    """What the process is told.

    now          the starter's clock, which the process goes on with
    history_day  the last day of the histories
    seconds      the longest that one statement may take
    """

    database_url: str
    job_id: UUID
    history_day: date
    buying_model: str
    now: datetime
    seconds: float

    def to_line(self) -> bytes:
        return json.dumps(asdict(self), default=str).encode() + b"\n"

    @classmethod
    def of_line(cls, line: bytes) -> "FitTask":
        given = json.loads(line)
        return cls(
            database_url=given["database_url"],
            job_id=UUID(given["job_id"]),
            history_day=date.fromisoformat(given["history_day"]),
            buying_model=given["buying_model"],
            now=datetime.fromisoformat(given["now"]),
            seconds=given["seconds"],
        )


async def carry_out(task: FitTask) -> None:
    """Read, fit, and conclude in one transaction."""
    clock = SystemClock()
    clock.correct(task.now - datetime.now(UTC))
    database = Database(
        task.database_url, clock=clock, name="valuation", max_size=2, command_timeout_seconds=task.seconds
    )
    await database.open()
    try:
        async with database.transaction() as session:
            found = await _fit(session, task)
        if found is None:
            await database.run(
                lambda work: give_up(work, task.job_id, "nobody has bought anything yet"), actor=ACTOR
            )
        else:
            concluded = ConcludeFit(task.job_id, found)
            await database.run(lambda work: conclude_fit(concluded, work), actor=ACTOR)
    finally:
        await database.close()


async def _fit(session: Session, task: FitTask) -> Refitted | None:
    try:
        histories = await purchase_histories.histories(session, task.history_day)
    except NoCustomersError:
        return None
    spends = await purchase_histories.spends(session)
    current = await model_versions.in_force(session)
    failpoints.hit(HISTORIES_READ)
    return refit(
        model_named(task.buying_model), histories, spends, None if current is None else current.model()
    )


def _end_with_starter() -> None:
    sys.stdin.buffer.read()
    os._exit(ORPHANED)


def main() -> None:
    task = FitTask.of_line(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_starter, daemon=True).start()
    asyncio.run(carry_out(task))


if __name__ == "__main__":
    main()
