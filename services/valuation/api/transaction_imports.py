"""Imports of transactions: a body of any length in, an outcome a row out."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from services.valuation.api.import_rows import CsvReader, NdjsonReader, RowReader
from services.valuation.api.import_staging import Staging
from services.valuation.domain.errors import (
    ImportFormatUnsupportedError,
    ImportInterruptedError,
    LedgerRaceError,
    TransactionImportNotFoundError,
)
from services.valuation.persistence import imports
from services.valuation.persistence.imports import Import, ImportFormat, ImportRow, ImportState, Rejection
from services.valuation.usecases import book_import as booking
from services.valuation.usecases import receive_import as receiving
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.receive_import import StartImport
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.middleware import BODY_LIMIT
from shared.web.models import ApiModel, Instant, Page
from shared.web.reads import Reader, reading

SHOWN_REJECTIONS = 100
FORMATS: dict[str, ImportFormat] = {"text/csv": "csv", "application/x-ndjson": "ndjson"}
READERS: dict[ImportFormat, type[RowReader]] = {"csv": CsvReader, "ndjson": NdjsonReader}
_CSV_EXAMPLE = "external_id,customer_external_id,occurred_at,amount_minor\no-1,cdnow-4,1997-01-01,2933\n"
_BODY = {
    "requestBody": {
        "required": True,
        "description": "UTF-8. Columns or members as in TransactionIn; CSV has a header line.",
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": _CSV_EXAMPLE},
            "application/x-ndjson": {"schema": {"type": "string"}},
        },
    }
}


class RejectionOut(ApiModel):
    """Why one row was refused; `row_number` counts data rows from 1."""

    row_number: int
    external_id: str | None
    outcome: Literal["rejected"] = "rejected"
    code: str
    field: str | None
    message: str

    @classmethod
    def of(cls, rejection: Rejection) -> "RejectionOut":
        return cls(
            row_number=rejection.row_number,
            external_id=rejection.external_id,
            code=rejection.code,
            field=rejection.field,
            message=rejection.message,
        )


class TransactionImportOut(ApiModel):
    """An import and how far it is; counts are of rows."""

    id: UUID
    state: ImportState = Field(
        description="receiving, processing, completed, or abandoned (the body broke off)."
    )
    format: ImportFormat
    register_customers: bool
    rows_received: int
    rows_processed: int
    accepted: int
    repeated: int = Field(description="Rows that were in the ledger already.")
    rejected: int
    progress: float = Field(description="Share of the received rows that was processed, 0 to 1.")
    started_at: Instant
    progress_at: Instant
    completed_at: Instant | None
    first_rejections: list[RejectionOut] = Field(
        description=f"The first {SHOWN_REJECTIONS}; all of them are at /rows?outcome=rejected."
    )

    @classmethod
    def of(cls, job: Import, rejections: list[Rejection]) -> "TransactionImportOut":
        return cls(
            id=job.id,
            state=job.state,
            format=job.format,
            register_customers=job.register_customers,
            rows_received=job.rows_received,
            rows_processed=job.rows_processed,
            accepted=job.accepted,
            repeated=job.repeated,
            rejected=job.rejected,
            progress=job.rows_processed / job.rows_received if job.rows_received else 1.0,
            started_at=job.started_at,
            progress_at=job.progress_at,
            completed_at=job.completed_at,
            first_rejections=[RejectionOut.of(one) for one in rejections],
        )


def import_routes(valuation: Valuation, wake_imports: Callable[[], None], limit_bytes: int) -> APIRouter:
    router = APIRouter(tags=["transaction imports"])

    @router.post(
        "/transaction-imports",
        response_model=TransactionImportOut,
        responses={202: {"model": TransactionImportOut, "description": "Received; poll its Location."}},
        openapi_extra=_BODY,
    )
    async def import_transactions(
        request: Request,
        edge: Annotated[CommandEdge, Depends(command("import_transactions"))],
        register_customers: Annotated[
            bool, Query(description="Register unknown customers by their external id.")
        ] = False,
    ) -> Response:
        """Import rows of CSV or NDJSON: 200 with the outcome when they are few, else 202 with a job to poll.

        Rows are idempotent by their external id, so a body may be sent again after any failure. Nothing is
        booked before the whole body has arrived.
        """
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        kind = FORMATS.get(media_type)
        if kind is None:
            raise ImportFormatUnsupportedError(
                f"send text/csv or application/x-ndjson, not {media_type or 'nothing'}"
            )
        request.scope[BODY_LIMIT] = limit_bytes
        job = await edge.perform(
            lambda work: receiving.start_import(StartImport(kind, register_customers), work)
        )
        job = await _receive(request, edge, job, valuation)
        if job.state == "processing" and job.rows_received <= valuation.inline_rows:
            job = await _book_now(edge, job, valuation)
        refused = await edge.perform(lambda work: imports.rejections(work, job.id, 0, SHOWN_REJECTIONS))
        headers = {"location": f"/valuation/v1/transaction-imports/{job.id}"}
        status = 200
        if job.state == "processing":
            status = 202
            wake_imports()
        body = TransactionImportOut.of(job, refused).model_dump_json()
        return Response(body, status, headers, "application/json")

    @router.get("/transaction-imports/{import_id}", response_model=TransactionImportOut)
    async def get_transaction_import(
        import_id: UUID, reader: Annotated[Reader, Depends(reading("get_transaction_import"))]
    ) -> Response:
        """How far an import is, and its first rejections."""
        async with reader.session() as session:
            job = await imports.find(session, import_id)
            if job is None:
                raise TransactionImportNotFoundError
            refused = await imports.rejections(session, import_id, 0, SHOWN_REJECTIONS)
        return reader.answer(TransactionImportOut.of(job, refused))

    @router.get("/transaction-imports/{import_id}/rows", response_model=Page[RejectionOut])
    async def list_import_rows(
        import_id: UUID,
        reader: Annotated[Reader, Depends(reading("list_import_rows"))],
        paging: Annotated[Paging, Depends(paging)],
        outcome: Annotated[Literal["rejected"], Query(description="Rows with this outcome.")] = "rejected",
    ) -> Response:
        """The rows that were refused, in the order of the body."""
        after = paging.after(int)
        async with reader.session() as session:
            if await imports.find(session, import_id) is None:
                raise TransactionImportNotFoundError
            rows = await imports.rejections(session, import_id, after[0] if after else 0, paging.fetch)
        return paging.page(rows, present=RejectionOut.of, key=lambda row: (row.row_number,))

    return router


async def _receive(request: Request, edge: CommandEdge, job: Import, valuation: Valuation) -> Import:
    """Queue the body's rows in bounded chunks; a body that breaks off leaves nothing behind."""
    reader = READERS[job.format](valuation.ledger, valuation.clock.now())
    staging = Staging(edge, job.id)
    try:
        async for one in _rows(request, reader):
            await staging.add(one)
        await staging.end()
        return await edge.perform(lambda work: receiving.end_import(job.id, work))
    except Exception as error:
        await staging.stop()
        await edge.perform(lambda work: receiving.abandon_import(job.id, work))
        if isinstance(error, ClientDisconnect):
            raise ImportInterruptedError from error
        raise


async def _rows(request: Request, reader: RowReader) -> AsyncIterator[ImportRow | Rejection]:
    async for chunk in request.stream():
        for one in reader.feed(chunk):
            yield one
    for one in reader.finish():
        yield one


async def _book_now(edge: CommandEdge, job: Import, valuation: Valuation) -> Import:
    """Book a short import within its request; what cannot be done now is left to the worker."""
    import_id, latest = job.id, job
    batches = -(-job.rows_received // valuation.import_batch_rows) + 1
    for _ in range(batches):
        try:
            booked = await edge.perform(lambda work: booking.book_import(work, valuation, import_id))
        except LedgerRaceError:
            break
        if booked is None:
            break
        latest = booked
        if latest.state != "processing":
            break
    return latest
