"""Take in what a model says of customers: probability of being a customer still, and the next purchase expected."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from services.valuation.domain.insights.findings import churn_risk_rose, next_look_on
from services.valuation.domain.insights.insight import Insight
from services.valuation.persistence import insight_rules, insight_watches, insights
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.raise_insights import raise_insights
from shared.db.work import Work


@dataclass(frozen=True, slots=True)
class Score:
    """One customer's: P(alive) from 0 to 1, and the day of the next purchase, where the model gives them.

    p_alive_before  what counts as the one before of a customer of whom none was noted yet
    """

    customer_id: UUID
    p_alive: float | None
    expected_on: date | None = None
    p_alive_before: float | None = None


async def note_scores(scores: Sequence[Score], work: Work, valuation: Valuation) -> list[Insight]:
    """Compare with the scores before, raise what rose, and look again when the expected purchase is overdue.

    The caller bounds the batch. A score for nobody who is watched is left out.
    """
    today = valuation.ledger.calendar.day_of(work.now)
    rules = await insight_rules.in_force(work)
    told = {one.customer_id: one for one in scores}
    watched = await insight_watches.lock_many(work, sorted(told))
    quiet = await insights.raised_since(
        work, sorted(told), "churn_risk_rose", work.now - timedelta(days=rules.churn_quiet_days)
    )
    found = [
        finding
        for one in watched
        if one.customer_id not in quiet
        and (
            finding := churn_risk_rose(
                one.customer_id,
                told[one.customer_id].p_alive_before if one.p_alive is None else one.p_alive,
                told[one.customer_id].p_alive,
                today,
                rules,
            )
        )
    ]
    for one in watched:
        one.p_alive, one.expected_on = told[one.customer_id].p_alive, told[one.customer_id].expected_on
        one.look_on = next_look_on(one.rfm, one.registered_on, today, rules, one.expected_on)
    await insight_watches.save_many(work, watched)
    return await raise_insights(found, work, rules)
