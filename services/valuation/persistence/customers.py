"""The register's rows."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.valuation.domain.customers import Contact, Customer
from services.valuation.domain.errors import CustomerNotFoundError
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
    sa.select(customers).where(customers.c.id == sa.bindparam("customer_id")).with_for_update()
)
_SAVE = statement(
    update(customers, "kind", "display_name", "contacts", "version", "changed_at", "changed_by").where(
        customers.c.id == sa.bindparam("customer_id")
    )
)
_IDS = statement(
    sa.text(
        "SELECT id, external_id FROM customers"
        " WHERE id = ANY(CAST(:ids AS uuid[])) OR external_id = ANY(CAST(:external_ids AS text[]))"
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
        )
        for one in added
    ]
    names = [column.name for column in customers.columns]
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    return {row["id"] for row in await work.fetch_all(_ADD, **columns)}


async def find(session: Session, customer_id: UUID) -> Customer | None:
    """The customer, or None."""
    row = await session.fetch_one(_BY_ID, customer_id=customer_id)
    return None if row is None else _customer(row)


async def require(session: Session, customer_id: UUID) -> Customer:
    """Raises `CustomerNotFoundError`."""
    customer = await find(session, customer_id)
    if customer is None:
        raise CustomerNotFoundError
    return customer


async def lock(work: Work, customer_id: UUID) -> Customer | None:
    """The customer, locked until the command ends, or None."""
    row = await work.fetch_one(_LOCKED, customer_id=customer_id)
    return None if row is None else _customer(row)


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
    )


async def resolve(
    session: Session, ids: Sequence[UUID], external_ids: Sequence[str]
) -> tuple[set[UUID], dict[str, UUID]]:
    """Which of `ids` exist, and the ids behind `external_ids`."""
    if not ids and not external_ids:
        return set(), {}
    rows = await session.fetch_all(_IDS, ids=list(ids), external_ids=list(external_ids))
    return {row["id"] for row in rows}, {
        row["external_id"]: row["id"] for row in rows if row["external_id"] is not None
    }


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
    )
