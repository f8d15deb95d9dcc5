"""Look again at standings whose time has come."""

from services.valuation.persistence import standings, tier_rules
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.judge_tiers import judge_tiers
from shared.db.work import Work


async def review_due(work: Work, valuation: Valuation) -> int:
    """One bounded batch of due reviews; how many standings were judged."""
    due = await standings.lock_due(work, work.now, valuation.batch_rows)
    if not due:
        return 0
    in_force = await tier_rules.in_force(work, work.now)
    for standing in due:
        standing.needs_window = True
    await judge_tiers(due, work, valuation, await tier_rules.book_of(work, due, in_force))
    return len(due)
