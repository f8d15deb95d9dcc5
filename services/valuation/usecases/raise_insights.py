"""Raise insights from findings: recorded once a cause, told to others unless the customer is held back."""

from collections.abc import Sequence
from dataclasses import replace

from services.valuation.domain.events import InsightRaised
from services.valuation.domain.insights.findings import Finding
from services.valuation.domain.insights.insight import Insight
from services.valuation.domain.insights.rules import InsightRules
from services.valuation.persistence import customers, insights, standings
from shared.db.work import Work
from shared.kernel.ids import new_id


async def raise_insights(found: Sequence[Finding], work: Work, rules: InsightRules) -> list[Insight]:
    """The insights that are new. A finding for a merged account is its survivor's; nobody is there for an
    unknown or erased customer, and kinds that are switched off raise nothing.
    """
    wanted = [one for one in found if rules.kinds[one.kind].is_enabled]
    named = sorted({one.customer_id for one in wanted})
    accounts, _ = await customers.resolve(work, named, [])
    locked = await standings.lock_many(work, sorted(set(accounts.values())))
    if not locked.keys() >= set(accounts.values()):
        # Merged by somebody else between the look and the lock: the second look finds the survivor.
        accounts, _ = await customers.resolve(work, named, [])
        locked |= await standings.lock_many(work, sorted(set(accounts.values())))
    raised = [
        Insight.of(replace(one, customer_id=account), new_id(), work.now, rules)
        for one in wanted
        if (account := accounts.get(one.customer_id)) in locked and account is not None
    ]
    new = await insights.add_new(work, raised)
    raised = [one for one in raised if one.id in new]
    touched = {}
    for one in raised:
        if one.is_control:
            continue
        standing = touched[one.customer_id] = locked[one.customer_id]
        standing.happened(
            InsightRaised,
            work.now,
            insight_id=one.id,
            kind=one.kind,
            rule_version=one.rule_version,
            due_at=one.due_at,
        )
    await standings.save_many(work, list(touched.values()))
    return raised
