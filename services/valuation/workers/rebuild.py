"""The job behind `careloop value rebuild`: customers, cases and sums of costs, batch by batch, a transaction each."""

from collections.abc import Callable
from typing import Any

from services.valuation.usecases.context import Valuation
from services.valuation.usecases.rebuild_costs import (
    RebuildCases,
    RebuildTotals,
    rebuild_cases,
    rebuild_totals,
)
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

# Costs of cases before the sums that they add up to.
STEPS: tuple[tuple[Any, Any], ...] = (
    (RebuildStandings, rebuild_standings),
    (RebuildCases, rebuild_cases),
    (RebuildTotals, rebuild_totals),
)


async def rebuild_all(
    database: Database,
    valuation: Valuation,
    *,
    check: bool,
    on_progress: Callable[[RebuildReport], None] = lambda report: None,
) -> RebuildReport:
    """Compare every standing with its ledger, and every sum of costs with its cases.

    check  True compares only; False also writes what differs, and judges the tiers concerned
    """
    report = RebuildReport()
    for command, rebuild in STEPS:
        after: Any = None
        while True:
            batch, after = await _batch(database, valuation, command(after, only_checks=check), rebuild)
            report.customers += batch.customers
            report.transactions += batch.transactions
            report.cases += batch.cases
            report.different += batch.different
            report.differences += batch.differences[: SHOWN_DIFFERENCES - len(report.differences)]
            on_progress(report)
            if after is None:
                break
    return report


async def _batch(
    database: Database, valuation: Valuation, command: Any, rebuild: Any
) -> tuple[RebuildReport, Any]:
    async def run(work: Work) -> tuple[RebuildReport, Any]:
        result: tuple[RebuildReport, Any] = await rebuild(command, work, valuation)
        return result

    return await database.run(run, actor=ACTOR)
