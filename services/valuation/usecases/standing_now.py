"""A customer's standing, locked, with the window that its rules judge today."""

from uuid import UUID

from services.valuation.domain.errors import CustomerNotFoundError
from services.valuation.domain.standing import Standing
from services.valuation.domain.tiering.rule_change import RuleBook
from services.valuation.domain.window import opening_day
from services.valuation.persistence import standings, tier_rules, transactions
from services.valuation.usecases.context import Valuation
from shared.db.work import Work


async def lock_standing_now(work: Work, valuation: Valuation, customer_id: UUID) -> tuple[Standing, RuleBook]:
    """The standing and the rules that it is judged by. Raises `CustomerNotFoundError`."""
    standing = (await standings.lock_many(work, [customer_id])).get(customer_id)
    if standing is None:
        raise CustomerNotFoundError
    book = await tier_rules.book_of(work, [standing], await tier_rules.in_force(work, work.now))
    rules, calendar = book.of(standing.rule_version), valuation.ledger.calendar
    opens_on = opening_day(calendar.day_of(work.now), rules.window_days)
    days = (await transactions.days_of(work, [customer_id], opens_on))[customer_id]
    standing.refresh_window(days, work.now, rules, valuation.ledger)
    return standing, book
