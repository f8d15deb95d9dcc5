"""The job behind `careloop value rebuild`: all customers, batch by batch, a transaction each."""

from collections.abc import Callable
from uuid import UUID

from services.valuation.usecases.context import Valuation
from services.valuation.usecases.rebuild_standings import (
    RebuildReport,
    RebuildStandings,
    rebuild_standings,
)
from shared.db.database import Database
from shared.db.work import Work
from shared.kernel.context import Actor

ACTOR = Actor("system", "valuation.rebuild")
SHOWN_DIFFERENCES = 100


async def rebuild_all(
    database: Database,
    valuation: Valuation,
    *,
    check: bool,
    on_progress: Callable[[RebuildReport], None] = lambda report: None,
) -> RebuildReport:
    """Compare every standing with its ledger.

    check  True compares only; False also writes what differs, and judges the tiers concerned
    """
    report, after = RebuildReport(), None
    while True:
        batch, after = await _batch(database, valuation, RebuildStandings(after, only_checks=check))
        report.customers += batch.customers
        report.transactions += batch.transactions
        report.different += batch.different
        report.differences += batch.differences[: SHOWN_DIFFERENCES - len(report.differences)]
        on_progress(report)
        if after is None:
            return report


async def _batch(
    database: Database, valuation: Valuation, command: RebuildStandings
) -> tuple[RebuildReport, UUID | None]:
    async def run(work: Work) -> tuple[RebuildReport, UUID | None]:
        return await rebuild_standings(command, work, valuation)

    return await database.run(run, actor=ACTOR)
