"""The people of an account: contacts (联系人), the payer (付款人), users (用户). Value and tier are the account's."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.valuation.domain.customers import Contact
from services.valuation.domain.profile.errors import PayerAlreadyNamedError, TooManyPeopleError
from shared.kernel.errors import FieldError

PersonRole = Literal["contact", "payer", "user"]

MOST_PEOPLE = 100


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who acts for the account, in one role or several, and how to reach them."""

    id: UUID
    customer_id: UUID
    roles: tuple[PersonRole, ...]
    name: str
    reach: tuple[Contact, ...]
    added_at: datetime
    changed_at: datetime
    version: int = 1

    def changed(
        self, at: datetime, *, roles: tuple[PersonRole, ...], name: str, reach: tuple[Contact, ...]
    ) -> "Person":
        """The person with other roles, name and reach, one version on."""
        return replace(self, roles=roles, name=name, reach=reach, changed_at=at, version=self.version + 1)


def check_people(people: Sequence[Person]) -> None:
    """Raises `TooManyPeopleError`, and `PayerAlreadyNamedError` for a second payer of one account."""
    if len(people) > MOST_PEOPLE:
        raise TooManyPeopleError(f"the account would have {len(people)} people, at most {MOST_PEOPLE} may be")
    payers = [person.id for person in people if "payer" in person.roles]
    if len(payers) > 1:
        raise PayerAlreadyNamedError(
            f"person {payers[0]} pays for this account already",
            field_errors=[FieldError("roles", "one_payer", "An account has one payer")],
        )


def brought_together(kept: Sequence[Person], joining: Sequence[Person], at: datetime) -> list[Person]:
    """Those of `joining` whose roles change when their account becomes that of `kept`.

    The payer of the surviving account stays the payer; the other one goes on as a contact.
    """
    if not any("payer" in person.roles for person in kept):
        return []
    return [
        person.changed(
            at,
            roles=tuple(role for role in person.roles if role != "payer") or ("contact",),
            name=person.name,
            reach=person.reach,
        )
        for person in joining
        if "payer" in person.roles
    ]
