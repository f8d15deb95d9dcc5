"""Rebuild what is derived from the ledger, or check that it equals what was kept up event by event."""

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
from shared.db.work import Work


@dataclass(frozen=True, slots=True)
class RebuildStandings:
    """Compare the next customers after `after`, and repair unless `only_checks`."""

    after: UUID | None
    only_checks: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """One derived fact that is not what the ledger says. Holds ids and figures only."""

    customer_id: UUID | None
    what: str
    stored: str
    rebuilt: str


@dataclass
class RebuildReport:
    """What was looked at; `differences` shows what differs for the first of the `different` customers and cases."""

    customers: int = 0
    transactions: int = 0
    cases: int = 0
    different: int = 0
    differences: list[Difference] = field(default_factory=list)


async def rebuild_standings(
    command: RebuildStandings, work: Work, valuation: Valuation
) -> tuple[RebuildReport, UUID | None]:
    """One batch, and the customer after whom the next one starts (None: there is none)."""
    locked = await standings.lock_after(work, command.after, valuation.batch_rows)
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
    if wrong and not command.only_checks:
        await transactions.save_nets(work, nets, valuation.ledger.calendar)
        for standing in wrong:
            standing.needs_ledger = True
        in_force = await tier_rules.in_force(work, work.now)
        await judge_tiers(wrong, work, valuation, await tier_rules.book_of(work, wrong, in_force))
    return report, ids[-1] if len(ids) == valuation.batch_rows else None


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
