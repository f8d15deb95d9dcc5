"""A draft of the tier rules against all customers; nothing is changed."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from services.valuation.domain.tiering.rule_change import RuleBook, Tally
from services.valuation.domain.tiers import TierRules
from services.valuation.persistence import standings, tier_rules
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.plan_tier_rules import PlanTierRules
from services.valuation.usecases.run_tier_rules import days_for, effect_on
from shared.db.work import Session

# So many customers are in memory at once.
BATCH = 1_000
Sessions = Callable[[], AbstractAsyncContextManager[Session]]


@dataclass(frozen=True, slots=True)
class Progress:
    """`customers_total` as counted at the beginning; `tally` as far as it has come."""

    customers_total: int
    tally: Tally
    is_last: bool


async def draft_tier_rules(wanted: PlanTierRules, session: Session, valuation: Valuation) -> TierRules:
    """The version that planning would make, as if in force now. Raises `ThresholdsOutOfOrderError`."""
    now = valuation.clock.now()
    newest = (await tier_rules.page(session, tier_rules.NEWEST, 1))[0]
    return wanted.rules(newest.rules.version + 1, now)


async def preview_tier_rules(
    draft: TierRules, valuation: Valuation, sessions: Sessions, *, batch: int = BATCH
) -> AsyncIterator[Progress]:
    """Progress after each batch, the whole at the end. Memory holds one batch, however many customers there are."""
    whole, after = Tally(), None
    today = valuation.ledger.calendar.day_of(valuation.clock.now())
    async with sessions() as session:
        total = await standings.count(session)
        in_force = await tier_rules.in_force(session, valuation.clock.now())
    while True:
        async with sessions() as session:
            read = await standings.read_after(session, after, batch)
            book = await tier_rules.book_of(session, read, in_force)
            book = RuleBook(draft, {**book.others, in_force.version: in_force})
            days = await days_for(session, read, book, today)
        for standing in read:
            standing.rule_version = standing.rule_version or in_force.version
            whole.add(standing.id, effect_on(standing, days[standing.id], book, today))
        if len(read) < batch:
            break
        after = read[-1].id
        yield Progress(total, whole, is_last=False)
    yield Progress(total, whole, is_last=True)
