"""The people of an account: contacts (联系人), the payer (付款人), users (用户)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.valuation.api.customers import ContactModel, Contacts, Name
from services.valuation.api.visibility import require_own
from services.valuation.domain.customers import Contact
from services.valuation.domain.profile.people import Person, PersonRole
from services.valuation.persistence import customers, people
from services.valuation.usecases import add_person as adding
from services.valuation.usecases import change_person as changing
from services.valuation.usecases import remove_person as removing
from services.valuation.usecases.add_person import AddPerson
from services.valuation.usecases.change_person import ChangePerson
from services.valuation.usecases.remove_person import RemovePerson
from shared.web.commands import CommandEdge, command
from shared.web.models import ApiModel, Instant
from shared.web.reads import Reader, reading

Roles = Annotated[list[PersonRole], Field(min_length=1, max_length=3)]


class AddPersonIn(ApiModel):
    """Somebody who acts for the account. An account has one payer, and any number of contacts and users."""

    roles: Roles
    name: Name
    reach: Contacts = Field(default_factory=list)


class ChangePersonIn(ApiModel):
    """What is sent is changed."""

    roles: Roles | None = None
    name: Name | None = None
    reach: Contacts | None = None


class PersonOut(ApiModel):
    """A person of the account; never published in events."""

    id: UUID
    customer_id: UUID
    roles: list[PersonRole]
    name: str
    reach: list[ContactModel]
    added_at: Instant
    version: int

    @classmethod
    def of(cls, person: Person) -> "PersonOut":
        return cls(
            id=person.id,
            customer_id=person.customer_id,
            roles=list(person.roles),
            name=person.name,
            reach=[ContactModel.of(one) for one in person.reach],
            added_at=person.added_at,
            version=person.version,
        )


class PeopleOut(ApiModel):
    """All people of the account, at most 100."""

    items: list[PersonOut]


def person_routes() -> APIRouter:
    router = APIRouter(tags=["people"])

    @router.get("/customers/{customer_id}/people", response_model=PeopleOut)
    async def list_people(
        customer_id: UUID, reader: Annotated[Reader, Depends(reading("list_people"))]
    ) -> Response:
        """The account's people, in the order in which they were added."""
        require_own(reader.principal, customer_id)
        async with reader.session() as session:
            await customers.require(session, customer_id)
            found = await people.of_customer(session, customer_id)
        return reader.answer(PeopleOut(items=[PersonOut.of(person) for person in found]))

    @router.post("/customers/{customer_id}/people", status_code=201, response_model=PersonOut)
    async def add_person(
        customer_id: UUID, body: AddPersonIn, edge: Annotated[CommandEdge, Depends(command("add_person"))]
    ) -> Response:
        """Add a person; `409 payer_already_named` for a second payer."""
        wanted = AddPerson(customer_id, _roles(body.roles), body.name, _reach(body.reach))
        return await edge.run(
            lambda work: adding.add_person(wanted, work),
            present=PersonOut.of,
            status=201,
            location=lambda person: f"/valuation/v1/customers/{customer_id}/people/{person.id}",
        )

    @router.patch("/customers/{customer_id}/people/{person_id}", response_model=PersonOut)
    async def change_person(
        customer_id: UUID,
        person_id: UUID,
        body: ChangePersonIn,
        edge: Annotated[CommandEdge, Depends(command("change_person"))],
    ) -> Response:
        """Change roles, name or reach; If-Match with the person's version."""
        wanted = ChangePerson(
            customer_id,
            person_id,
            edge.expected_version,
            roles=None if body.roles is None else _roles(body.roles),
            name=body.name,
            reach=None if body.reach is None else _reach(body.reach),
        )
        return await edge.run(lambda work: changing.change_person(wanted, work), present=PersonOut.of)

    @router.delete("/customers/{customer_id}/people/{person_id}", status_code=204)
    async def remove_person(
        customer_id: UUID,
        person_id: UUID,
        edge: Annotated[CommandEdge, Depends(command("remove_person"))],
    ) -> Response:
        """Take a person off the account, with the dates that were theirs; If-Match with the person's version."""
        wanted = RemovePerson(customer_id, person_id, edge.expected_version)
        return await edge.run(lambda work: removing.remove_person(wanted, work))

    return router


def _roles(roles: list[PersonRole]) -> tuple[PersonRole, ...]:
    return tuple(dict.fromkeys(roles))


def _reach(reach: list[ContactModel]) -> tuple[Contact, ...]:
    return tuple(Contact(one.kind, one.value) for one in reach)
