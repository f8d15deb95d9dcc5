"""Rebuild what is derived from the facts of cases, or check that it equals what was kept up fact by fact."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.valuation.domain.costs.rates import CostTotal
from services.valuation.persistence import case_costs, cost_rates
from services.valuation.persistence.case_costs import CaseKey, PricedCase
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.note_case_costs import differences
from services.valuation.usecases.rebuild_standings import Difference, RebuildReport
from shared.db.work import Work


@dataclass(frozen=True, slots=True)
class RebuildCases:
    """Compare the next cases after `after`, and repair unless `only_checks`."""

    after: CaseKey | None
    only_checks: bool


@dataclass(frozen=True, slots=True)
class RebuildTotals:
    """Compare the sums of the next customers after `after`, and repair unless `only_checks`."""

    after: UUID | None
    only_checks: bool


async def rebuild_cases(
    command: RebuildCases, work: Work, valuation: Valuation
) -> tuple[RebuildReport, CaseKey | None]:
    """One batch, and the case after which the next one starts (None: there is none)."""
    stored = await case_costs.lock_after(work, command.after, valuation.batch_rows)
    rates = await cost_rates.all_rates(work)
    rebuilt = [PricedCase(one.case, rates.cost_of(one.case)) for one in stored]
    wrong = [(one, right) for one, right in zip(stored, rebuilt, strict=True) if one != right]
    if wrong and not command.only_checks:
        await case_costs.save(work, [right for _, right in wrong])
        await case_costs.add_totals(work, differences(wrong))
    report = RebuildReport(
        cases=len(stored),
        different=len(wrong),
        differences=[
            Difference(
                one.case.customer_id,
                f"cost of {one.case.kind} {one.case.case_id}",
                str(one.cost),
                str(right.cost),
            )
            for one, right in wrong
        ],
    )
    return report, _next_case(stored, valuation.batch_rows)


async def rebuild_totals(
    command: RebuildTotals, work: Work, valuation: Valuation
) -> tuple[RebuildReport, UUID | None]:
    """One batch, and the customer after whom the next one starts (None: there is none)."""
    owners = await case_costs.owners_after(work, command.after, valuation.batch_rows)
    kept = await case_costs.lock_totals(work, owners)
    sums = await case_costs.sums_of(work, owners)
    wrong = {
        key: sums.get(key, CostTotal())
        for key in sorted(kept.keys() | sums.keys())
        if kept.get(key, CostTotal()) != sums.get(key, CostTotal())
    }
    if wrong and not command.only_checks:
        await case_costs.put_totals(work, wrong)
    report = RebuildReport(
        different=len({owner for owner, _ in wrong}),
        differences=[
            Difference(owner, f"costs of {kind}s", str(kept.get((owner, kind))), str(right))
            for (owner, kind), right in wrong.items()
        ],
    )
    return report, owners[-1] if len(owners) == valuation.batch_rows else None


def _next_case(stored: Sequence[PricedCase], batch_rows: int) -> CaseKey | None:
    if len(stored) < batch_rows:
        return None
    return stored[-1].case.kind, stored[-1].case.case_id
