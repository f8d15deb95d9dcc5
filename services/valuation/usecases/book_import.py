"""Book an import's rows, batch by batch: a batch, its outcome and the progress commit together."""

from collections import Counter
from uuid import UUID

from services.valuation.persistence import imports
from services.valuation.persistence.imports import Import, ImportRow, Rejection
from services.valuation.usecases.book_transactions import Booking, Outcome, book_transactions
from services.valuation.usecases.context import Valuation
from shared.db.work import Work
from shared.kernel import failpoints

BATCH_BOOKED = failpoints.declare(
    "valuation.import_batch_booked", "the batch rolls back and is booked again from its first row"
)


async def book_import(
    work: Work, valuation: Valuation, import_id: UUID | None = None, lane: int | None = None
) -> Import | None:
    """The next batch of the oldest open import (or of this one); the job as it is then, None without one.

    With a lane only its purchases are booked: what amends them waits until no lane has any left, and is booked by
    who claims the whole import.
    """
    job = await imports.claim(work, import_id, lane)
    if job is None:
        return None
    rows = await imports.next_rows(work, job.id, lane, valuation.import_batch_rows)
    if not rows and lane is not None:
        return None
    outcomes = await book_transactions(
        [Booking(row.entry, row.customer_id, row.customer_external_id) for row in rows],
        work,
        valuation,
        register_customers=job.register_customers,
        import_id=job.id,
    )
    refused = [
        _rejection(row, outcome)
        for row, outcome in zip(rows, outcomes, strict=True)
        if outcome.error is not None
    ]
    await imports.reject(work, job.id, refused)
    if rows:
        await imports.drop_rows(work, job.id, lane, rows[-1])
    results = Counter(outcome.result for outcome in outcomes)
    # Last, since from here on the other lanes wait for this one's commit.
    advanced = await imports.advance(
        work,
        job.id,
        rows=len(rows),
        accepted=results["accepted"],
        repeated=results["repeated"],
        rejected=len(refused),
    )
    failpoints.hit(BATCH_BOOKED)
    return advanced


def _rejection(row: ImportRow, outcome: Outcome) -> Rejection:
    assert outcome.error is not None
    error = outcome.error
    field = error.field_errors[0].field if error.field_errors else None
    return Rejection(row.row_number, row.entry.external_id, error.code, field, error.detail)
