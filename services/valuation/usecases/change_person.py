"""Change a person of an account."""

from dataclasses import dataclass
from uuid import UUID

from services.valuation.domain.customers import Contact
from services.valuation.domain.profile.people import Person, PersonRole, check_people
from services.valuation.persistence import customers, people
from shared.db.work import Work
from shared.kernel.errors import PreconditionFailedError


@dataclass(frozen=True)
class ChangePerson:
    """Roles, name and reach as they shall be; None leaves a field as it is."""

    customer_id: UUID
    person_id: UUID
    expected_version: int
    roles: tuple[PersonRole, ...] | None = None
    name: str | None = None
    reach: tuple[Contact, ...] | None = None


async def change_person(command: ChangePerson, work: Work) -> Person:
    """Raises what `customers.lock` does, `PersonNotFoundError`, `PayerAlreadyNamedError`, `PreconditionFailedError`."""
    await customers.lock(work, command.customer_id)
    present = await people.of_customer(work, command.customer_id)
    person = people.chosen(present, command.person_id)
    if person.version != command.expected_version:
        raise PreconditionFailedError
    changed = person.changed(
        work.now,
        roles=command.roles or person.roles,
        name=command.name or person.name,
        reach=person.reach if command.reach is None else command.reach,
    )
    check_people([*(one for one in present if one.id != person.id), changed])
    await people.save(work, changed)
    return changed
