"""Book transactions that another system reports by event: a batch is locked and loaded once, and written once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.valuation.usecases.books import Booking, Books
from services.valuation.usecases.context import Valuation
from shared.db.work import Work

_NAME = "valuation.reported_transactions"


@dataclass
class _Batch:
    """The books of the batch; `expected` bookings are still to come."""

    books: Books
    expected: int


async def prepare_transactions(bookings: Sequence[Booking], work: Work, valuation: Valuation) -> None:
    """Open the books for all bookings of this transaction, which follow one by one."""
    work.memo[_NAME] = _Batch(await Books.open(bookings, work, valuation), len(bookings))


async def report_transaction(booking: Booking, work: Work) -> None:
    """Book the next one of those prepared; the last one writes. The same content again changes nothing.

    Raises the named error of what cannot be booked: then nothing of the batch is.
    """
    batch: Any = work.memo[_NAME]
    assert isinstance(batch, _Batch)
    outcome = batch.books.book(booking, work)
    if outcome.error is not None:
        raise outcome.error
    batch.expected -= 1
    if batch.expected == 0:
        await batch.books.close(work)
