"""Rebuild what is derived from the ledger, or check that it equals what was kept up event by event."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.valuation.domain.ledger import Net, Transaction, by_day, net_of
from services.valuation.domain.rfm import Rfm
from services.valuation.domain.standing import Standing
from services.valuation.domain.window import Window
from services.valuation.persistence import standings, tier_rules, transactions
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.judge_tiers import judge_tiers
from shared.db.database import Database
from shared.db.work import Work
from shared.kernel.context import Actor

ACTOR = Actor("system", "valuation.rebuild")
SHOWN_DIFFERENCES = 100


@dataclass(frozen=True, slots=True)
class Difference:
    """One derived fact that is not what the ledger says. Holds ids and figures only."""

    customer_id: UUID
    what: str
    stored: str
    rebuilt: str


@dataclass
class RebuildReport:
    """What was looked at; `differences` shows the first of `different` customers' differences."""

    customers: int = 0
    transactions: int = 0
    different: int = 0
    differences: list[Difference] = field(default_factory=list)


async def rebuild_standings(
    database: Database,
    valuation: Valuation,
    *,
    check: bool,
    on_progress: Callable[[RebuildReport], None] = lambda report: None,
) -> RebuildReport:
    """Go through all customers in bounded batches, each locked for one transaction.

    check  True compares only; False also writes what differs, and judges the tiers concerned
    """
    report, after = RebuildReport(), None
    while True:
        batch, start = await _batch(database, valuation, after, check=check)
        report.customers += batch.customers
        report.transactions += batch.transactions
        report.different += batch.different
        report.differences += batch.differences[: SHOWN_DIFFERENCES - len(report.differences)]
        on_progress(report)
        if start is None:
            return report
        after = start


async def _batch(
    database: Database, valuation: Valuation, after: UUID | None, *, check: bool
) -> tuple[RebuildReport, UUID | None]:
    """One batch, and the customer after whom the next one starts (None: there is none)."""

    async def rebuild(work: Work) -> tuple[RebuildReport, UUID | None]:
        locked = await standings.lock_after(work, after, valuation.batch_rows)
        ids = [one.id for one in locked]
        ledgers = await transactions.of_customers(work, ids)
        days = await transactions.days_of(work, ids)
        report = RebuildReport(customers=len(locked))
        nets: dict[UUID, Net] = {}
        wrong: list[Standing] = []
        for standing in locked:
            rows = ledgers[standing.id]
            report.transactions += len(rows)
            right, changed = _nets(rows)
            rebuilt = by_day(right.values(), valuation.ledger.calendar)
            facts: list[tuple[str, Any, Any]] = [
                *((f"net of transaction {one}", stored, right[one]) for one, stored in changed.items()),
                ("days", days[standing.id], rebuilt),
                ("rfm", standing.rfm, Rfm.of(rebuilt)),
                ("window", standing.window, Window.of(rebuilt, standing.window.opens_on)),
            ]
            found = [
                Difference(standing.id, what, str(stored), str(expected))
                for what, stored, expected in facts
                if stored != expected
            ]
            if found:
                report.different += 1
                report.differences += found
                wrong.append(standing)
                nets |= right
        if wrong and not check:
            await transactions.save_nets(work, nets, valuation.ledger.calendar)
            for standing in wrong:
                standing.needs_ledger = True
            await judge_tiers(wrong, work, valuation, await tier_rules.in_force(work, work.now))
        return report, ids[-1] if len(ids) == valuation.batch_rows else None

    return await database.run(rebuild, actor=ACTOR)


def _nets(
    rows: list[tuple[Transaction, Net | None]],
) -> tuple[dict[UUID, Net], dict[UUID, Net | None]]:
    """The net of every purchase as the ledger has it, and those stored that differ."""
    amendments: dict[UUID, list[Transaction]] = {}
    for row, _ in rows:
        if row.corrects_id is not None:
            amendments.setdefault(row.corrects_id, []).append(row)
    right = {row.id: net_of(row, amendments.get(row.id, ())) for row, _ in rows if row.corrects_id is None}
    return right, {row.id: stored for row, stored in rows if row.id in right and stored != right[row.id]}
