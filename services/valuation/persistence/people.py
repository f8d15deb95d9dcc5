"""The people of accounts."""

from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

import asyncpg
import sqlalchemy as sa

from services.valuation.domain.customers import Contact
from services.valuation.domain.profile.errors import PayerAlreadyNamedError, PersonNotFoundError
from services.valuation.domain.profile.people import Person
from services.valuation.persistence.profile_tables import account_people
from shared.db.statements import insert, statement, update
from shared.db.work import Session, Work

_ADD = statement(insert(account_people))
_OF = statement(
    sa.select(account_people)
    .where(account_people.c.customer_id == sa.bindparam("customer"))
    .order_by(account_people.c.id)
)
_SAVE = statement(
    update(account_people, "roles", "name", "reach", "version", "changed_at", "changed_by").where(
        account_people.c.id == sa.bindparam("person_id")
    )
)
_REMOVE = statement(sa.delete(account_people).where(account_people.c.id == sa.bindparam("person_id")))


async def of_customer(session: Session, customer_id: UUID) -> list[Person]:
    """The account's people, in the order in which they were added. A command locks the customer first."""
    return [_person(row) for row in await session.fetch_all(_OF, customer=customer_id)]


def chosen(people: Sequence[Person], person_id: UUID) -> Person:
    """The one asked for. Raises `PersonNotFoundError`."""
    found = next((person for person in people if person.id == person_id), None)
    if found is None:
        raise PersonNotFoundError
    return found


async def add(work: Work, person: Person) -> None:
    """Raises `PayerAlreadyNamedError` when somebody else named a payer at the same moment."""
    try:
        await work.execute(
            _ADD,
            id=person.id,
            customer_id=person.customer_id,
            added_at=person.added_at,
            **_changing(work, person),
        )
    except asyncpg.exceptions.UniqueViolationError as error:
        raise PayerAlreadyNamedError from error


async def save(work: Work, person: Person) -> None:
    """Write what may change."""
    await work.execute(_SAVE, person_id=person.id, **_changing(work, person))


async def remove(work: Work, person_id: UUID) -> None:
    """Take a person off the account, with the dates that were theirs."""
    await work.execute(_REMOVE, person_id=person_id)


def _changing(work: Work, person: Person) -> dict[str, Any]:
    return {
        "roles": list(person.roles),
        "name": person.name,
        "reach": [{"kind": one.kind, "value": one.value} for one in person.reach],
        "version": person.version,
        "changed_at": person.changed_at,
        "changed_by": str(work.actor),
    }


def _person(row: Mapping[str, Any]) -> Person:
    return Person(
        id=row["id"],
        customer_id=row["customer_id"],
        roles=cast("Any", tuple(row["roles"])),
        name=row["name"],
        reach=tuple(Contact(one["kind"], one["value"]) for one in row["reach"]),
        added_at=row["added_at"],
        changed_at=row["changed_at"],
        version=row["version"],
    )
