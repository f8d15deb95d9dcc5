"""Bring standings up to date with the ledger and judge their tiers: after bookings and at reviews."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from uuid import UUID

from services.valuation.domain.standing import Standing
from services.valuation.domain.tiering.rule_change import RuleBook
from services.valuation.domain.window import opening_day
from services.valuation.persistence import standings, tier_history, transactions
from services.valuation.usecases.context import Valuation
from shared.db.work import Work


async def judge_tiers(
    touched: Sequence[Standing],
    work: Work,
    valuation: Valuation,
    book: RuleBook,
    *,
    amended: AbstractSet[UUID] = frozenset(),
    causes: Mapping[UUID, Work] | None = None,
) -> None:
    """Judge locked standings at `work.now` and write them, reading the ledger only where it is needed.

    book     the rules in force and the older ones that some of these standings are judged by
    amended  customers whose ledger was corrected: a promotion that it no longer supports is taken back
    causes   the command of this transaction that changes of a customer follow from; `work` where none is named
    """
    ledger = valuation.ledger
    touched = sorted(touched, key=lambda one: one.id)
    rebuilt = await transactions.days_of(work, [one.id for one in touched if one.needs_ledger])
    stale = [one for one in touched if one.needs_window and not one.needs_ledger]
    # The longest window of their rules; each standing takes its own part.
    longest = max((book.of(one.rule_version).window_days for one in stale), default=1)
    refreshed = await transactions.days_of(
        work, [one.id for one in stale], opening_day(ledger.calendar.day_of(work.now), longest)
    )
    promotions = await tier_history.standing_promotions(work, sorted(amended))
    for standing in touched:
        rules = book.of(standing.rule_version)
        days = rebuilt.get(standing.id)
        if days is not None:
            standing.rebuild(days, work.now, rules, ledger)
            standing.revoke_promotions(promotions.get(standing.id, ()), days, work.now, rules, ledger)
        else:
            days = refreshed.get(standing.id)
            if days is not None:
                standing.refresh_window(days, work.now, rules, ledger)
        inside = None if days is None else [day for day in days if day.day >= standing.window.opens_on]
        standing.judge(work.now, rules, ledger, inside)
    await standings.save_many(work, touched, causes or {})
