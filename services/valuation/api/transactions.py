"""Transactions: purchases, and the refunds and corrections that refer to them."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field, model_validator
from starlette.responses import Response

from services.valuation.api.visibility import require_own
from services.valuation.domain.errors import TransactionNotFoundError
from services.valuation.domain.ledger import Entry, Kind, LedgerRules, MarginSource, Net, Transaction
from services.valuation.persistence import customer_queries, customers, transactions
from services.valuation.persistence.transactions import net_of_row, transaction_of
from services.valuation.usecases import record_transaction as recording
from services.valuation.usecases.book_transactions import Booking
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.record_transaction import Recorded
from shared.kernel.errors import NotFoundError
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Instant, Page
from shared.web.reads import Reader, reading

Reference = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
# Every amount fits its column; what the ledger takes is the domain's to say.
Minor = Annotated[int, Field(ge=-(2**62), le=2**62)]


class TransactionIn(ApiModel):
    """A purchase, refund or correction; also one row of an import.

    A refund's amount is what was given back; a correction's amount, date and margin replace the purchase's.
    """

    external_id: Reference = Field(description="Your id for it; sending it again changes nothing.")
    customer_id: UUID | None = None
    customer_external_id: Reference | None = Field(default=None, description="Instead of `customer_id`.")
    kind: Kind = "purchase"
    amount_minor: Minor = Field(description="Minor units of the currency (cents, fen), not negative.")
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = Field(
        default=None,
        description="ISO 4217; the ledger's currency when absent. Another one is converted at the rate in force "
        "on the transaction's day.",
    )
    occurred_at: Annotated[Instant | date, Field(union_mode="left_to_right")] = Field(
        description="An instant with offset, or a day of the ledger's time zone.", examples=["2026-03-01"]
    )
    product_kind: Reference | None = Field(default=None, description="Finds the margin rate.")
    margin_minor: Minor | None = Field(default=None, description="The margin where it is known.")
    corrects_external_id: Reference | None = Field(
        default=None, description="The purchase that a refund or correction refers to."
    )

    @model_validator(mode="after")
    def _one_customer(self) -> Self:
        if (self.customer_id is None) == (self.customer_external_id is None):
            raise ValueError("name the customer by customer_id or by customer_external_id")
        return self

    def to_booking(self, ledger: LedgerRules) -> Booking:
        at = self.occurred_at
        entry = Entry(
            external_id=self.external_id,
            kind=self.kind,
            amount_minor=self.amount_minor,
            currency=self.currency or ledger.currency,
            occurred_at=at if isinstance(at, datetime) else ledger.calendar.start_of(at),
            product_kind=self.product_kind,
            margin_minor=self.margin_minor,
            corrects_external_id=self.corrects_external_id,
        )
        return Booking(entry, self.customer_id, self.customer_external_id)


class ExchangeOut(ApiModel):
    """The rate by which an amount in another currency was taken into the ledger's, and since when it held."""

    rate: Decimal
    effective_on: date
    version: int


class NetOut(ApiModel):
    """What its refunds and corrections leave of a purchase, in the ledger's currency.

    `counts` is false once all of it was refunded.
    """

    amount_minor: int
    margin_minor: int
    occurred_at: Instant
    counts: bool


class TransactionOut(ApiModel):
    """A row of the ledger. `margin_source` and `margin_rate` say how the margin was found.

    `amount_minor` is in `currency`, as it was told; `ledger_amount_minor` and the margin are in the ledger's.
    """

    id: UUID
    external_id: str
    customer_id: UUID
    kind: Kind
    amount_minor: int
    currency: str
    ledger_amount_minor: int
    exchange: ExchangeOut | None = Field(description="For amounts in another currency than the ledger's.")
    occurred_at: Instant
    product_kind: str | None
    margin_minor: int
    margin_source: MarginSource
    margin_rate: Decimal | None
    corrects_id: UUID | None
    corrects_external_id: str | None
    recorded_at: Instant
    net: NetOut | None = Field(description="Purchases only.")

    @classmethod
    def of(cls, one: Transaction, net: Net | None) -> "TransactionOut":
        return cls(
            id=one.id,
            external_id=one.entry.external_id,
            customer_id=one.customer_id,
            kind=one.entry.kind,
            amount_minor=one.entry.amount_minor,
            currency=one.entry.currency,
            ledger_amount_minor=one.ledger_amount_minor,
            exchange=None if one.exchange is None else ExchangeOut.model_validate(one.exchange),
            occurred_at=one.entry.occurred_at,
            product_kind=one.entry.product_kind,
            margin_minor=one.margin.minor,
            margin_source=one.margin.source,
            margin_rate=one.margin.rate,
            corrects_id=one.corrects_id,
            corrects_external_id=one.entry.corrects_external_id,
            recorded_at=one.recorded_at,
            net=None if net is None else NetOut.model_validate(net),
        )

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> "TransactionOut":
        return cls.of(transaction_of(row), net_of_row(row))


class RecordedOut(ApiModel):
    """`accepted` wrote the row; `repeated` found the same content under this external id and changed nothing."""

    result: Literal["accepted", "repeated"]
    transaction: TransactionOut

    @classmethod
    def of(cls, recorded: Recorded) -> "RecordedOut":
        return cls(
            result="accepted" if recorded.is_new else "repeated",
            transaction=TransactionOut.of(recorded.transaction, recorded.net),
        )


def transaction_routes(valuation: Valuation) -> APIRouter:
    router = APIRouter(tags=["transactions"])

    @router.post(
        "/transactions",
        status_code=201,
        response_model=RecordedOut,
        responses={200: {"model": RecordedOut, "description": "It was in the ledger already."}},
    )
    async def record_transaction(
        body: TransactionIn, edge: Annotated[CommandEdge, Depends(command("record_transaction"))]
    ) -> Response:
        """Book one transaction: 201 when it was written, 200 when the same one was there already."""
        booking = body.to_booking(valuation.ledger)
        return await edge.run(
            lambda work: recording.record_transaction(booking, work, valuation),
            present=RecordedOut.of,
            status=lambda recorded: 201 if recorded.is_new else 200,
            location=lambda recorded: f"/valuation/v1/transactions/{recorded.transaction.id}",
        )

    @router.get("/transactions/{transaction_id}", response_model=TransactionOut)
    async def get_transaction(
        transaction_id: UUID, reader: Annotated[Reader, Depends(reading("get_transaction"))]
    ) -> Response:
        """One row of the ledger, with what is left of a purchase."""
        async with reader.session() as session:
            found = await transactions.find(session, transaction_id)
        if found is None:
            raise TransactionNotFoundError
        try:
            require_own(reader.principal, found[0].customer_id)
        except NotFoundError:
            raise TransactionNotFoundError from None
        return reader.answer(TransactionOut.of(*found))

    @router.get("/customers/{customer_id}/transactions", response_model=Page[TransactionOut])
    async def list_customer_transactions(
        customer_id: UUID,
        reader: Annotated[Reader, Depends(reading("list_customer_transactions"))],
        paging: Annotated[Paging, Depends(paging)],
    ) -> Response:
        """The customer's rows of the ledger, the latest first."""
        require_own(reader.principal, customer_id)
        after = paging.after(datetime, UUID)
        async with reader.session() as session:
            await customers.require(session, customer_id)
            rows = await customer_queries.list_transactions(
                session, customer_id, None if after is None else (after[0], after[1]), paging.fetch
            )
        return paging.page(
            rows, present=TransactionOut.of_row, key=lambda row: (row["occurred_at"], row["id"])
        )

    return router
