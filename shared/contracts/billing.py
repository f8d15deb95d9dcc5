"""Events of billing systems outside the suite (topic `billing.events`). Additive only.

The key is any UUID that stays the same for all transactions of one customer: what shares it stays in order, and a
message that cannot be booked holds back only those after it with the same key.
"""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.contracts.base import Contract

Reference = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]


class TransactionReportedV1(Contract):
    """A customer bought something (purchase), was given money back (refund), or a purchase was other than told.

    Name the customer by one of the two ids. Amounts are minor units of the currency (ISO 4217) and not negative.
    A refund or correction names the purchase, in whose currency it is; a correction replaces amount, instant and
    margin.
    """

    TYPE = "billing.transaction_reported.v1"

    external_id: Annotated[Reference, Field(examples=["order-20260301-17"])]
    customer_id: Annotated[UUID | None, Field(examples=[None])] = None
    customer_external_id: Annotated[Reference | None, Field(examples=["crm-4711"])] = None
    kind: Literal["purchase", "refund", "correction"] = "purchase"
    amount_minor: Annotated[int, Field(examples=[2933])]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["USD"])]
    occurred_at: AwareDatetime
    product_kind: Annotated[Reference | None, Field(examples=["support"])] = None
    margin_minor: Annotated[int | None, Field(examples=[None])] = None
    corrects_external_id: Annotated[Reference | None, Field(examples=[None])] = None
