"""Receive an import: its body goes into a queue, chunk by chunk, and nothing is booked before it has ended."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from services.valuation.domain.errors import ImportInterruptedError, TransactionImportNotFoundError
from services.valuation.persistence import imports
from services.valuation.persistence.imports import Import, ImportFormat, ImportRow, Rejection
from services.valuation.usecases.context import Valuation
from shared.db.work import Work
from shared.kernel.ids import new_id


@dataclass(frozen=True)
class StartImport:
    """A body begins to arrive. Unknown customers' external ids are registered if asked."""

    format: ImportFormat
    register_customers: bool


@dataclass(frozen=True)
class StageRows:
    """The next rows of the body, read and checked; `rejections` are those that could not be."""

    import_id: UUID
    rows: Sequence[ImportRow]
    rejections: Sequence[Rejection]


async def start_import(command: StartImport, work: Work) -> Import:
    job = Import(
        id=new_id(),
        state="receiving",
        format=command.format,
        register_customers=command.register_customers,
        rows_received=0,
        rows_processed=0,
        accepted=0,
        repeated=0,
        rejected=0,
        started_at=work.now,
        progress_at=work.now,
        completed_at=None,
        started_by=str(work.actor),
    )
    await imports.add(work, job)
    return job


async def stage_rows(command: StageRows, work: Work) -> Import:
    """Raises `ImportInterruptedError` when the import was given up in the meantime."""
    job = await _receiving(command.import_id, work)
    await imports.stage(work, job.id, command.rows)
    await imports.reject(work, job.id, command.rejections)
    refused = len(command.rejections)
    job = replace(
        job,
        rows_received=job.rows_received + len(command.rows) + refused,
        rows_processed=job.rows_processed + refused,
        rejected=job.rejected + refused,
        progress_at=work.now,
    )
    await imports.save(work, job)
    return job


async def end_import(import_id: UUID, work: Work) -> Import:
    """The body has ended: from now on its rows may be booked."""
    job = await _receiving(import_id, work)
    is_done = job.rows_processed == job.rows_received
    job = replace(
        job,
        state="completed" if is_done else "processing",
        progress_at=work.now,
        completed_at=work.now if is_done else None,
    )
    await imports.save(work, job)
    return job


async def abandon_import(import_id: UUID, work: Work) -> None:
    """The body broke off: forget its rows, of which none was booked."""
    job = await imports.lock(work, import_id)
    if job is not None and job.state == "receiving":
        await _abandon(job, work)


async def abandon_silent_import(work: Work, valuation: Valuation) -> int:
    """Give up one import whose receiving process died; 0 when there is none."""
    job = await imports.lock_silent(work, work.now - timedelta(seconds=valuation.receiving_seconds))
    if job is None:
        return 0
    await _abandon(job, work)
    return 1


async def _receiving(import_id: UUID, work: Work) -> Import:
    job = await imports.lock(work, import_id)
    if job is None:
        raise TransactionImportNotFoundError
    if job.state != "receiving":
        raise ImportInterruptedError(f"the import was given up after {job.rows_received} rows")
    return job


async def _abandon(job: Import, work: Work) -> None:
    await imports.drop_all_rows(work, job.id)
    await imports.save(work, replace(job, state="abandoned", progress_at=work.now, completed_at=work.now))
