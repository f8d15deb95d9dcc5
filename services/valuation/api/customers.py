"""Customers (客户): register, find, change, and the profile of one."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from services.valuation.api.profile import ProfileOut, read_profile
from services.valuation.api.visibility import require_own
from services.valuation.domain.customers import Contact, ContactKind, Customer, CustomerKind, number_text
from services.valuation.persistence import customer_queries
from services.valuation.persistence.customer_queries import CustomerFilter, CustomerSort
from services.valuation.usecases import change_customer as changing
from services.valuation.usecases import register_customers as registering
from services.valuation.usecases.change_customer import ChangeCustomer
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.register_customers import RegisterCustomer
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Instant, Page
from shared.web.reads import Reader, reading

ExternalId = Annotated[
    str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$", examples=["cdnow-00004"])
]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]


class ContactModel(ApiModel):
    """A way to reach the customer (联系人); never published in events."""

    kind: ContactKind
    value: Name

    @classmethod
    def of(cls, contact: Contact) -> "ContactModel":
        return cls(kind=contact.kind, value=contact.value)


Contacts = Annotated[list[ContactModel], Field(max_length=20)]


class RegisterCustomerIn(ApiModel):
    """A new customer account."""

    external_id: ExternalId | None = Field(default=None, description="Your own id for it; unique.")
    kind: CustomerKind = "person"
    display_name: Name | None = None
    contacts: Contacts = Field(default_factory=list)


class ChangeCustomerIn(ApiModel):
    """What is sent is changed; `display_name: null` removes the name."""

    kind: CustomerKind | None = None
    display_name: Name | None = None
    contacts: Contacts | None = None


class CustomerOut(ApiModel):
    """The register's entry."""

    id: UUID
    number: str = Field(examples=["C-000123"])
    external_id: str | None
    kind: CustomerKind
    display_name: str | None
    contacts: list[ContactModel]
    registered_at: Instant
    version: int

    @classmethod
    def of(cls, customer: Customer) -> "CustomerOut":
        return cls(
            id=customer.id,
            number=number_text(customer.number),
            external_id=customer.external_id,
            kind=customer.kind,
            display_name=customer.display_name,
            contacts=[ContactModel.of(contact) for contact in customer.contacts],
            registered_at=customer.registered_at,
            version=customer.version,
        )


class CustomerRowOut(ApiModel):
    """One customer in a list, with the tier held and the value realised (既成价值) in minor units."""

    id: UUID
    number: str
    external_id: str | None
    kind: CustomerKind
    display_name: str | None
    tier: str
    tier_since: Instant
    demotes_at: Instant | None = Field(description="Set while a demotion warning stands.")
    realised_value_minor: int
    spend_minor: int
    currency: str
    purchases: int
    last_purchase_on: str | None


def customer_routes(valuation: Valuation) -> APIRouter:
    router = APIRouter(tags=["customers"])
    currency = valuation.ledger.currency

    @router.post("/customers", status_code=201, response_model=CustomerOut)
    async def register_customer(
        body: RegisterCustomerIn, edge: Annotated[CommandEdge, Depends(command("register_customer"))]
    ) -> Response:
        """Register a customer; `409 customer_external_id_taken` when the external id is known."""
        wanted = RegisterCustomer(
            external_id=body.external_id,
            kind=body.kind,
            display_name=body.display_name,
            contacts=tuple(Contact(one.kind, one.value) for one in body.contacts),
        )
        return await edge.run(
            lambda work: registering.register_customer(wanted, work, valuation),
            present=CustomerOut.of,
            status=201,
            location=lambda customer: f"/valuation/v1/customers/{customer.id}",
        )

    @router.get("/customers", response_model=Page[CustomerRowOut])
    async def list_customers(
        reader: Annotated[Reader, Depends(reading("list_customers"))],
        paging: Annotated[Paging, Depends(paging)],
        tier: Annotated[str | None, Query(max_length=100, description="Tier held now.")] = None,
        external_id: Annotated[str | None, Query(max_length=200)] = None,
        sort: Annotated[CustomerSort, Query(description="Highest value or first registered first.")] = (
            "-realised_value"
        ),
    ) -> Response:
        """Customers with tier and realised value."""
        by_value = sort == "-realised_value"
        after = paging.after(int, UUID) if by_value else paging.after(UUID)
        async with reader.session() as session:
            rows = await customer_queries.list_customers(
                session, CustomerFilter(tier, external_id, sort), after, paging.fetch
            )
        return paging.page(
            rows,
            present=lambda row: _row(row, currency),
            key=lambda row: (row["margin_minor"], row["id"]) if by_value else (row["id"],),
        )

    @router.get("/customers/{customer_id}", response_model=ProfileOut)
    async def get_customer(
        customer_id: UUID, reader: Annotated[Reader, Depends(reading("get_customer"))]
    ) -> Response:
        """The profile: identity, tier and its outlook, purchases, realised value, service history."""
        require_own(reader.principal, customer_id)
        async with reader.session() as session:
            profile = await read_profile(session, customer_id, valuation)
        return reader.answer(profile)

    @router.patch("/customers/{customer_id}", response_model=CustomerOut)
    async def change_customer(
        customer_id: UUID,
        body: ChangeCustomerIn,
        edge: Annotated[CommandEdge, Depends(command("change_customer"))],
    ) -> Response:
        """Change kind, name or contacts; If-Match as last read."""
        contacts = body.contacts
        wanted = ChangeCustomer(
            customer_id=customer_id,
            expected_version=edge.expected_version,
            kind=body.kind,
            display_name=body.display_name,
            contacts=None if contacts is None else tuple(Contact(one.kind, one.value) for one in contacts),
            clears_display_name="display_name" in body.model_fields_set and body.display_name is None,
        )
        return await edge.run(lambda work: changing.change_customer(wanted, work), present=CustomerOut.of)

    return router


def _row(row: Any, currency: str) -> CustomerRowOut:
    last_day = row["last_day"]
    return CustomerRowOut(
        id=row["id"],
        number=number_text(row["number"]),
        external_id=row["external_id"],
        kind=row["kind"],
        display_name=row["display_name"],
        tier=row["tier"],
        tier_since=row["tier_since"],
        demotes_at=row["demotes_at"],
        realised_value_minor=row["margin_minor"],
        spend_minor=row["spend_minor"],
        currency=currency,
        purchases=row["purchases"],
        last_purchase_on=None if last_day is None else last_day.isoformat(),
    )
