"""Note what happened to cases, and what that costs whom: a batch of facts at once."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from services.valuation.domain.costs.cases import CaseFact
from services.valuation.domain.costs.rates import CostTotal
from services.valuation.persistence import case_costs, cost_rates, customers
from services.valuation.persistence.case_costs import OwnerKey, PricedCase
from shared.db.work import Work


async def note_case_costs(facts: Sequence[CaseFact], work: Work) -> None:
    """Facts that are known already change nothing, whatever their order."""
    if not facts:
        return
    facts = await _of_survivors(facts, work)
    before = await case_costs.lock_or_add(work, {(fact.kind, fact.case_id) for fact in facts})
    cases = {key: priced.case for key, priced in before.items()}
    for fact in facts:
        key = (fact.kind, fact.case_id)
        cases[key] = cases[key].told(fact)
    rates = await cost_rates.all_rates(work)
    changed = [
        (before[key], after)
        for key, case in cases.items()
        if (after := PricedCase(case, rates.cost_of(case))) != before[key]
    ]
    await case_costs.save(work, [after for _, after in changed])
    await case_costs.add_totals(work, differences(changed))


async def _of_survivors(facts: Sequence[CaseFact], work: Work) -> list[CaseFact]:
    """What is told of a merged account is its survivor's."""
    owners = {fact.customer_id for fact in facts if fact.customer_id is not None}
    accounts = await customers.accounts_of(work, sorted(owners))
    return [
        fact
        if fact.customer_id is None
        else replace(fact, customer_id=accounts.get(fact.customer_id, fact.customer_id))
        for fact in facts
    ]


def differences(changed: Iterable[tuple[PricedCase, PricedCase]]) -> dict[OwnerKey, CostTotal]:
    """What cases that changed (before, after) add to their customers' sums."""
    found: dict[OwnerKey, CostTotal] = {}
    for before, after in changed:
        shares = (
            (before.case, CostTotal() - CostTotal.of(before.cost)),
            (after.case, CostTotal.of(after.cost)),
        )
        for case, share in shares:
            if case.customer_id is not None:
                key = (case.customer_id, case.kind)
                found[key] = found.get(key, CostTotal()) + share
    return {key: total for key, total in found.items() if total != CostTotal()}
