"""The register's entry of a customer (客户): an account, with the people's data that stays inside."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

CustomerKind = Literal["person", "company"]
ContactKind = Literal["email", "phone", "address", "other"]


@dataclass(frozen=True, slots=True)
class Contact:
    """A way to reach the customer (联系人). Never published, never logged."""

    kind: ContactKind
    value: str


@dataclass(frozen=True, slots=True)
class Customer:
    """Who a customer is; what the customer is worth is the standing's."""

    id: UUID
    number: int
    external_id: str | None
    kind: CustomerKind
    display_name: str | None
    contacts: tuple[Contact, ...]
    registered_at: datetime
    changed_at: datetime
    version: int = 1
    merged_into_id: UUID | None = None
    erased_at: datetime | None = None

    def changed(
        self,
        at: datetime,
        *,
        kind: CustomerKind,
        display_name: str | None,
        contacts: tuple[Contact, ...],
    ) -> "Customer":
        """The entry with another kind, name and contacts, one version on."""
        return replace(
            self,
            kind=kind,
            display_name=display_name,
            contacts=contacts,
            changed_at=at,
            version=self.version + 1,
        )

    def absorbing(self, other: "Customer", at: datetime) -> "Customer":
        """The entry after `other` was merged into it: its own name first, and the contacts of both."""
        return replace(
            self,
            display_name=self.display_name or other.display_name,
            contacts=tuple(dict.fromkeys((*self.contacts, *other.contacts))),
            changed_at=at,
            version=self.version + 1,
        )

    def merged_into(self, survivor_id: UUID, at: datetime) -> "Customer":
        """What stays of an entry that went into another: its ids, so that later events find the survivor."""
        return replace(
            self,
            display_name=None,
            contacts=(),
            merged_into_id=survivor_id,
            changed_at=at,
            version=self.version + 1,
        )


def number_text(number: int) -> str:
    """`C-000123`: the number that people use."""
    return f"C-{number:06d}"
