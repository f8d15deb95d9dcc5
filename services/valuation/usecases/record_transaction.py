"""Record one purchase, refund or correction."""

from dataclasses import dataclass

from services.valuation.domain.ledger import Net, Transaction
from services.valuation.persistence import transactions
from services.valuation.usecases.book_transactions import Booking, book_transactions
from services.valuation.usecases.context import Valuation
from shared.db.work import Work


@dataclass(frozen=True, slots=True)
class Recorded:
    """The row of the ledger, what is left of it if it is a purchase, and whether it was written just now."""

    transaction: Transaction
    net: Net | None
    is_new: bool


async def record_transaction(booking: Booking, work: Work, valuation: Valuation) -> Recorded:
    """Raises the named error of what would be rejected; the same content again changes nothing."""
    outcome = (await book_transactions([booking], work, valuation))[0]
    if outcome.error is not None:
        raise outcome.error
    assert outcome.transaction is not None
    found = await transactions.find(work, outcome.transaction.id)
    assert found is not None
    return Recorded(*found, is_new=outcome.result == "accepted")
