"""Book transactions: one from a request, or a batch of an import, by the same rules."""

from collections.abc import Sequence
from uuid import UUID

from services.valuation.usecases.books import Booking, Books, Outcome
from services.valuation.usecases.context import Valuation
from shared.db.work import Work

__all__ = ["Booking", "Outcome", "book_transactions"]


async def book_transactions(
    bookings: Sequence[Booking],
    work: Work,
    valuation: Valuation,
    *,
    register_customers: bool = False,
    import_id: UUID | None = None,
) -> list[Outcome]:
    """Book each booking or say why not, in the order given.

    Purchases of the batch are booked before the refunds and corrections in it, so that a file may name them
    in any order. Each customer's tier is judged once, after all of them.
    """
    books = await Books.open(bookings, work, valuation, register=register_customers)
    outcomes: list[Outcome | None] = [None] * len(bookings)
    for is_purchase in (True, False):
        for place, booking in enumerate(bookings):
            if (booking.entry.kind == "purchase") is is_purchase:
                outcomes[place] = books.book(booking, work)
    await books.close(work, import_id)
    return [outcome for outcome in outcomes if outcome is not None]
