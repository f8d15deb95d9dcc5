"""Add a person to an account."""

from dataclasses import dataclass
from uuid import UUID

from services.valuation.domain.customers import Contact
from services.valuation.domain.profile.people import Person, PersonRole, check_people
from services.valuation.persistence import customers, people
from shared.db.work import Work
from shared.kernel.ids import new_id


@dataclass(frozen=True)
class AddPerson:
    """Somebody acts for the account, in these roles."""

    customer_id: UUID
    roles: tuple[PersonRole, ...]
    name: str
    reach: tuple[Contact, ...] = ()


async def add_person(command: AddPerson, work: Work) -> Person:
    """Raises what `customers.lock` does, `TooManyPeopleError`, `PayerAlreadyNamedError`."""
    await customers.lock(work, command.customer_id)
    present = await people.of_customer(work, command.customer_id)
    person = Person(
        id=new_id(),
        customer_id=command.customer_id,
        roles=command.roles,
        name=command.name,
        reach=command.reach,
        added_at=work.now,
        changed_at=work.now,
    )
    check_people([*present, person])
    await people.add(work, person)
    return person
