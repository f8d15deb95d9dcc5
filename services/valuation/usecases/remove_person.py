"""Take a person off an account."""

from dataclasses import dataclass
from uuid import UUID

from services.valuation.persistence import customers, people
from shared.db.work import Work
from shared.kernel.errors import PreconditionFailedError


@dataclass(frozen=True)
class RemovePerson:
    """The person no longer acts for the account; dates that were theirs go with them."""

    customer_id: UUID
    person_id: UUID
    expected_version: int


async def remove_person(command: RemovePerson, work: Work) -> None:
    """Raises what `customers.lock` does, `PersonNotFoundError`, `PreconditionFailedError`."""
    await customers.lock(work, command.customer_id)
    person = people.chosen(await people.of_customer(work, command.customer_id), command.person_id)
    if person.version != command.expected_version:
        raise PreconditionFailedError
    await people.remove(work, person.id)
