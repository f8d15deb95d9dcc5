"""Book an import's rows, batch by batch: a batch, its outcome and the progress commit together."""

from dataclasses import replace
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


async def book_import(work: Work, valuation: Valuation, import_id: UUID | None = None) -> Import | None:
    """The next batch of the oldest open import (or of this one); the job as it is then, None without one."""
    job = await imports.lock_open(work, import_id)
    if job is None:
        return None
    rows = await imports.next_rows(work, job.id, valuation.import_batch_rows)
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
        await imports.drop_rows(work, job.id, rows[-1].row_number)
    is_done = len(rows) < valuation.import_batch_rows
    job = replace(
        job,
        state="completed" if is_done else "processing",
        rows_processed=job.rows_processed + len(rows),
        accepted=job.accepted + sum(1 for one in outcomes if one.result == "accepted"),
        repeated=job.repeated + sum(1 for one in outcomes if one.result == "repeated"),
        rejected=job.rejected + len(refused),
        progress_at=work.now,
        completed_at=work.now if is_done else None,
    )
    await imports.save(work, job)
    failpoints.hit(BATCH_BOOKED)
    return job


def _rejection(row: ImportRow, outcome: Outcome) -> Rejection:
    assert outcome.error is not None
    error = outcome.error
    field = error.field_errors[0].field if error.field_errors else None
    return Rejection(row.row_number, row.entry.external_id, error.code, field, error.detail)
