"""Transactions that billing systems report, turned into bookings: a batch of events is one of the ledger's."""

from collections.abc import Sequence
from typing import Any

from services.valuation.domain.errors import CustomerNotNamedOnceError
from services.valuation.domain.ledger import Entry
from services.valuation.usecases.books import Booking
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.report_transactions import prepare_transactions, report_transaction
from shared.contracts.billing import TransactionReportedV1
from shared.db.work import Work
from shared.events.consumer import Subscription
from shared.events.envelope import Envelope


def billing_subscription(valuation: Valuation) -> Subscription:
    """Book what is reported; what the ledger refuses becomes a dead letter with the named error."""

    async def prepare(work: Work, arrived: Sequence[tuple[Envelope, Any]]) -> None:
        await prepare_transactions([_booking(event) for _, event in arrived], work, valuation)

    async def handle(work: Work, envelope: Envelope, event: TransactionReportedV1) -> None:
        await report_transaction(_booking(event), work)

    return Subscription(TransactionReportedV1, handle, prepare)


def _booking(event: TransactionReportedV1) -> Booking:
    if (event.customer_id is None) == (event.customer_external_id is None):
        raise CustomerNotNamedOnceError(f"{event.external_id} names its customer twice or not at all")
    entry = Entry(
        external_id=event.external_id,
        kind=event.kind,
        amount_minor=event.amount_minor,
        currency=event.currency,
        occurred_at=event.occurred_at,
        product_kind=event.product_kind,
        margin_minor=event.margin_minor,
        corrects_external_id=event.corrects_external_id,
    )
    return Booking(entry, event.customer_id, event.customer_external_id)
