"""Accounts merged into others, and customers erased or exported on request."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.valuation.api.visibility import require_own
from services.valuation.domain.profile.errors import ErasureNotFoundError, ExportTooLargeError
from services.valuation.persistence import customer_data, customers, departures
from services.valuation.persistence.departures import Erasure, ErasureReason, Merge, MergeReason
from services.valuation.usecases import erase_customer as erasing
from services.valuation.usecases import merge_customers as merging
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.erase_customer import EraseCustomer
from services.valuation.usecases.merge_customers import MergeCustomers
from shared.web.commands import CommandEdge, command
from shared.web.models import ApiModel, Instant
from shared.web.reads import Reader, reading


class MergeCustomersIn(ApiModel):
    """The account that goes into this one."""

    merged_customer_id: UUID
    reason: MergeReason = "duplicate"


class MergeOut(ApiModel):
    """What the merge did. The merged id is not found from now on; the problem names the survivor."""

    merged_id: UUID
    survivor_id: UUID
    earlier_ids: list[UUID] = Field(description="Accounts that had gone into the merged one before.")
    reason: MergeReason
    moved: dict[str, int] = Field(description="Rows moved, by table.")
    merged_at: Instant
    version: int = Field(description="The survivor's.")

    @classmethod
    def of(cls, merge: Merge) -> "MergeOut":
        return cls.model_validate(merge)


class EraseCustomerIn(ApiModel):
    """Why: a code, for the record that stays."""

    reason: ErasureReason = "customer_request"


class ErasureOut(ApiModel):
    """The record of an erasure, which names nobody."""

    customer_id: UUID
    earlier_ids: list[UUID]
    reason: ErasureReason
    erased: dict[str, int] = Field(description="Rows deleted or blanked, by table.")
    erased_at: Instant
    erased_by: str

    @classmethod
    def of(cls, erasure: Erasure) -> "ErasureOut":
        return cls.model_validate(erasure)


class ExportOut(ApiModel):
    """Everything kept of one customer, by table, as it is stored; without who of the staff wrote it."""

    customer_id: UUID
    exported_at: Instant
    tables: dict[str, list[dict[str, Any]]]


def departure_routes(valuation: Valuation) -> APIRouter:
    router = APIRouter(tags=["merging and erasure"])

    @router.post("/customers/{customer_id}/merges", status_code=201, response_model=MergeOut)
    async def merge_customers(
        customer_id: UUID,
        body: MergeCustomersIn,
        edge: Annotated[CommandEdge, Depends(command("merge_customers"))],
    ) -> Response:
        """Merge another account into this one, whose standing is made anew; If-Match with this one's version.

        Later purchases and events for the merged id are booked on the survivor.
        """
        wanted = MergeCustomers(customer_id, body.merged_customer_id, edge.expected_version, body.reason)
        return await edge.run(
            lambda work: merging.merge_customers(wanted, work, valuation),
            present=MergeOut.of,
            status=201,
        )

    @router.post("/customers/{customer_id}/erasure", status_code=201, response_model=ErasureOut)
    async def erase_customer(
        customer_id: UUID,
        body: EraseCustomerIn,
        edge: Annotated[CommandEdge, Depends(command("erase_customer"))],
    ) -> Response:
        """Erase a customer for good, with the accounts merged into it. The ledger's figures stay, nameless."""
        return await edge.run(
            lambda work: erasing.erase_customer(EraseCustomer(customer_id, body.reason), work),
            present=ErasureOut.of,
            status=201,
            location=f"/valuation/v1/customers/{customer_id}/erasure",
        )

    @router.get("/customers/{customer_id}/erasure", response_model=ErasureOut)
    async def get_erasure(
        customer_id: UUID, reader: Annotated[Reader, Depends(reading("get_erasure"))]
    ) -> Response:
        """The record of an erasure."""
        async with reader.session() as session:
            erasure = await departures.find_erasure(session, customer_id)
        if erasure is None:
            raise ErasureNotFoundError
        return reader.answer(ErasureOut.of(erasure))

    @router.get("/customers/{customer_id}/export", response_model=ExportOut)
    async def export_customer(
        customer_id: UUID, reader: Annotated[Reader, Depends(reading("export_customer"))]
    ) -> Response:
        """Everything kept of the customer, and of the accounts merged into it."""
        require_own(reader.principal, customer_id)
        most = valuation.export_limit_rows
        async with reader.session() as session:
            await customers.require(session, customer_id)
            ids = [customer_id, *await departures.earlier_of(session, customer_id)]
            found = await customer_data.read_all(session, ids, most + 1)
        for table, rows in found.items():
            if len(rows) > most:
                raise ExportTooLargeError(f"{table} holds more than {most} rows of this customer")
        return reader.answer(
            ExportOut(
                customer_id=customer_id,
                exported_at=valuation.clock.now(),
                tables={table: [dict(row) for row in rows] for table, rows in found.items()},
            )
        )

    return router
