"""Look at what is due: customers who may be overdue, dates that are near, insights whose time has passed."""

from services.valuation.domain.insights.findings import date_near, next_look_on, purchase_overdue
from services.valuation.persistence import important_dates, insight_rules, insight_watches, insights
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.raise_insights import raise_insights
from shared.db.work import Work


async def look_at_customers(work: Work, valuation: Valuation) -> int:
    """One bounded batch of customers whose purchases are to be looked at; how many were."""
    today = valuation.ledger.calendar.day_of(work.now)
    due = await insight_watches.lock_due(work, today, valuation.batch_rows)
    if not due:
        return 0
    rules = await insight_rules.in_force(work)
    found = [
        finding
        for one in due
        if (finding := purchase_overdue(one.customer_id, one.rfm, today, rules, one.expected_on))
    ]
    await raise_insights(found, work, rules)
    for one in due:
        one.look_on = next_look_on(one.rfm, one.registered_on, today, rules, one.expected_on)
    await insight_watches.save_many(work, due)
    return len(due)


async def look_at_dates(work: Work, valuation: Valuation) -> int:
    """One bounded batch of important dates that are near; how many were told of."""
    today = valuation.ledger.calendar.day_of(work.now)
    due = await important_dates.lock_due(work, today, valuation.batch_rows)
    if not due:
        return 0
    rules = await insight_rules.in_force(work)
    await raise_insights([found for one in due if (found := date_near(one, today))], work, rules)
    await important_dates.look_again(
        work, [(one.id, one.look_after(today, rules.date_lead_days)) for one in due]
    )
    return len(due)


async def expire_insights(work: Work, valuation: Valuation) -> int:
    """One bounded batch of insights that nobody finished in time; how many expired."""
    return await insights.expire(work, valuation.batch_rows)
