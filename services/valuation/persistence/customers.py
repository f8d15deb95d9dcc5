"""The register's rows."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.valuation.domain.customers import Contact, Customer
from services.valuation.domain.errors import CustomerNotFoundError
from services.valuation.domain.profile.errors import CustomerErasedError, CustomerMergedError
from services.valuation.persistence.rows import insert_rows
from services.valuation.persistence.tables import customers
from shared.db.statements import statement, update
from shared.db.work import Session, Work

_NUMBERS = statement(
    sa.text("SELECT nextval('customer_numbers') AS number FROM generate_series(1, CAST(:count AS integer))")
)
_ADD = insert_rows(customers, suffix="ON CONFLICT DO NOTHING RETURNING id")
_BY_ID = statement(sa.select(customers).where(customers.c.id == sa.bindparam("customer_id")))
_LOCKED = statement(
    sa.text("SELECT * FROM customers WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE")
)
_SAVE = statement(
    update(
        customers,
        "kind",
        "display_name",
        "contacts",
        "version",
        "changed_at",
        "changed_by",
        "merged_into_id",
    ).where(customers.c.id == sa.bindparam("customer_id"))
)
_IDS = statement(
    sa.text(
        "SELECT id, external_id, COALESCE(merged_into_id, id) AS account_id FROM customers"
        " WHERE (id = ANY(CAST(:ids AS uuid[])) OR external_id = ANY(CAST(:external_ids AS text[])))"
        " AND erased_at IS NULL"
    )
)
# The lock waits for a merge that is under way.
_ACCOUNTS = statement(
    sa.text(
        "SELECT id, COALESCE(merged_into_id, id) AS account_id FROM customers"
        " WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR KEY SHARE"
    )
)


async def next_numbers(work: Work, count: int) -> list[int]:
    """The next `count` numbers; those of a transaction that fails are never used again."""
    return [row["number"] for row in await work.fetch_all(_NUMBERS, count=count)]


async def add_many(work: Work, added: Sequence[Customer]) -> set[UUID]:
    """Add customers; the ids of those whose external id was still free."""
    if not added:
        return set()
    rows = [
        (
            one.id,
            one.number,
            one.external_id,
            one.kind,
            one.display_name,
            json.dumps(_contacts(one)),
            one.version,
            one.registered_at,
            one.changed_at,
            str(work.actor),
            one.merged_into_id,
            one.erased_at,
        )
        for one in added
    ]
    names = [column.name for column in customers.columns]
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    return {row["id"] for row in await work.fetch_all(_ADD, **columns)}


async def require(session: Session, customer_id: UUID) -> Customer:
    """Raises `CustomerNotFoundError`, `CustomerMergedError`, `CustomerErasedError`."""
    row = await session.fetch_one(_BY_ID, customer_id=customer_id)
    return present(None if row is None else _customer(row))


async def lock(work: Work, customer_id: UUID) -> Customer:
    """The customer, locked until the command ends. Raises as `require` does."""
    return present((await lock_many(work, [customer_id])).get(customer_id))


async def lock_many(work: Work, customer_ids: Sequence[UUID]) -> dict[UUID, Customer]:
    """Those that exist, merged and erased ones too, locked in the order of their ids."""
    rows = await work.fetch_all(_LOCKED, ids=list(customer_ids))
    return {row["id"]: _customer(row) for row in rows}


def present(customer: Customer | None) -> Customer:
    """The customer, if there is one to work with. Raises as `require` does."""
    if customer is None:
        raise CustomerNotFoundError
    if customer.erased_at is not None:
        raise CustomerErasedError
    if customer.merged_into_id is not None:
        raise CustomerMergedError(
            f"this account goes on as {customer.merged_into_id}", survivor_id=str(customer.merged_into_id)
        )
    return customer


async def save(work: Work, customer: Customer) -> None:
    """Write what may change; the caller has locked the row."""
    await work.execute(
        _SAVE,
        customer_id=customer.id,
        kind=customer.kind,
        display_name=customer.display_name,
        contacts=_contacts(customer),
        version=customer.version,
        changed_at=customer.changed_at,
        changed_by=str(work.actor),
        merged_into_id=customer.merged_into_id,
    )


async def resolve(
    session: Session, ids: Sequence[UUID], external_ids: Sequence[str]
) -> tuple[dict[UUID, UUID], dict[str, UUID]]:
    """The accounts behind `ids` and `external_ids`: of a merged one its survivor; erased ones are not found."""
    if not ids and not external_ids:
        return {}, {}
    rows = await session.fetch_all(_IDS, ids=list(ids), external_ids=list(external_ids))
    return {row["id"]: row["account_id"] for row in rows}, {
        row["external_id"]: row["account_id"] for row in rows if row["external_id"] is not None
    }


async def accounts_of(work: Work, customer_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """For each of these that the register knows the account that it goes on as; nobody merges it meanwhile."""
    if not customer_ids:
        return {}
    rows = await work.fetch_all(_ACCOUNTS, ids=list(customer_ids))
    return {row["id"]: row["account_id"] for row in rows}


def _contacts(customer: Customer) -> list[dict[str, str]]:
    return [{"kind": contact.kind, "value": contact.value} for contact in customer.contacts]


def _customer(row: Mapping[str, Any]) -> Customer:
    return Customer(
        id=row["id"],
        number=row["number"],
        external_id=row["external_id"],
        kind=row["kind"],
        display_name=row["display_name"],
        contacts=tuple(Contact(one["kind"], one["value"]) for one in row["contacts"]),
        version=row["version"],
        registered_at=row["registered_at"],
        changed_at=row["changed_at"],
        merged_into_id=row["merged_into_id"],
        erased_at=row["erased_at"],
    )
