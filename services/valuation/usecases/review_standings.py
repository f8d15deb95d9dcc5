"""Look again at standings whose time has come, and at all of them when new rules take effect."""

from services.valuation.persistence import standings, tier_rules
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.judge_tiers import judge_tiers
from shared.db.work import Work


async def review_due(work: Work, valuation: Valuation) -> int:
    """One bounded batch of due reviews; how many standings were judged."""
    due = await standings.lock_due(work, work.now, valuation.batch_rows)
    if not due:
        return 0
    rules = await tier_rules.in_force(work, work.now)
    for standing in due:
        standing.needs_window = True
    await judge_tiers(due, work, valuation, rules)
    return len(due)


async def review_under_new_rules(work: Work, valuation: Valuation) -> int:
    """One bounded batch of customers under rules that took effect; resumes where the last batch ended.

    Returns how much was done, 0 when no version is left to review (or another worker has it).
    """
    stored = await tier_rules.lock_to_review(work, work.now)
    if stored is None:
        return 0
    batch = await standings.lock_after(work, stored.reviewed_through, valuation.batch_rows)
    rules = await tier_rules.in_force(work, work.now)
    for standing in batch:
        standing.needs_window = True
    await judge_tiers(batch, work, valuation, rules)
    is_last = len(batch) < valuation.batch_rows
    through = batch[-1].id if batch else stored.reviewed_through
    await tier_rules.advance(work, stored.rules.version, through, work.now if is_last else None)
    return max(1, len(batch))
