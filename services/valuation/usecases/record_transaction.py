"""Record one purchase, refund or correction."""

from services.valuation.usecases.book_transactions import Booking, Outcome, book_transactions
from services.valuation.usecases.context import Valuation
from shared.db.work import Work


async def record_transaction(booking: Booking, work: Work, valuation: Valuation) -> Outcome:
    """Accepted or repeated; raises the named error of what would be rejected."""
    outcome = (await book_transactions([booking], work, valuation))[0]
    if outcome.error is not None:
        raise outcome.error
    return outcome
