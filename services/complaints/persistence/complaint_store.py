"""Complaints and their timelines: added, locked, saved."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from services.complaints.domain.complaint import Complaint
from services.complaints.domain.contact import Contact
from services.complaints.domain.errors import ComplaintNotFoundError
from services.complaints.persistence.complaint_rows import complaint_of, row_of
from services.complaints.persistence.tables import complaint_numbers, complaints, contacts, timeline
from shared.db.statements import insert, statement, update
from shared.db.work import Session, Work
from shared.kernel.errors import PreconditionFailedError

# Said at intake and never again.
FIXED = frozenset(
    {
        "id",
        "number",
        "external_number",
        "customer_id",
        "ticket_id",
        "follows_complaint_id",
        "channel",
        "category",
        "description",
        "language",
        "received_at",
    }
)
CHANGING = tuple(column.name for column in complaints.columns if column.name not in FIXED)

_NEXT_NUMBER = statement(sa.select(complaint_numbers.next_value()))
_ADD = statement(insert(complaints))
_SAVE = statement(
    update(complaints, *CHANGING).where(complaints.c.id == sa.bindparam("row_id", type_=sa.Uuid))
)
_GET = statement(sa.select(complaints).where(complaints.c.id == sa.bindparam("row_id", type_=sa.Uuid)))
_LOCK = statement(
    sa.select(complaints)
    .where(complaints.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
    .order_by(complaints.c.id)
    .with_for_update()
)
_APPEND = statement(insert(timeline))
_ADD_CONTACT = statement(insert(contacts))
_CONTACT = statement(
    sa.select(contacts).where(contacts.c.complaint_id == sa.bindparam("row_id", type_=sa.Uuid))
)
# Two decisions on one customer and cause take turns, or neither would see the other as the earlier one.
_TAKE_TURNS = statement(
    sa.text("SELECT pg_advisory_xact_lock(hashtextextended(CAST(:customer_and_cause AS text), 0))")
)
_DECIDED_BEFORE = statement(
    sa.select(
        sa.exists().where(
            complaints.c.customer_id == sa.bindparam("customer_id", type_=sa.Uuid),
            complaints.c.cause_code == sa.bindparam("cause_code", type_=sa.Text),
            complaints.c.decided_at > sa.bindparam("after", type_=sa.DateTime(timezone=True)),
            complaints.c.id != sa.bindparam("row_id", type_=sa.Uuid),
        )
    )
)


async def next_number(work: Work) -> str:
    """`C-000123`, each once; gaps are allowed."""
    return f"C-{await work.fetch_value(_NEXT_NUMBER):06d}"


async def add(work: Work, complaint: Complaint, contact: Contact) -> None:
    """Store a new complaint and, apart from it, how to reach whoever complained."""
    await work.execute(_ADD, **row_of(complaint))
    await work.execute(
        _ADD_CONTACT, complaint_id=complaint.id, name=contact.name, email=contact.email, phone=contact.phone
    )
    await _record(work, complaint)


async def get(session: Session, complaint_id: UUID, *, of_customer: UUID | None = None) -> Complaint:
    """The complaint as committed; `of_customer`: only this customer's will do.

    Raises `ComplaintNotFoundError`, for another customer's too.
    """
    row = await session.fetch_one(_GET, row_id=complaint_id)
    return _visible(complaint_of(row) if row is not None else None, of_customer)


async def lock(
    work: Work, complaint_id: UUID, *, expected_version: int | None = None, of_customer: UUID | None = None
) -> Complaint:
    """The complaint, locked until commit. Raises `ComplaintNotFoundError`, `PreconditionFailedError`."""
    found = _visible((await lock_all(work, [complaint_id])).get(complaint_id), of_customer)
    if expected_version is not None and found.version != expected_version:
        raise PreconditionFailedError
    return found


async def lock_all(work: Work, complaint_ids: Sequence[UUID]) -> dict[UUID, Complaint]:
    """Those that exist, locked in the order of their ids, whatever order is asked."""
    rows = await work.fetch_all(_LOCK, ids=list(complaint_ids))
    return {row["id"]: complaint_of(row) for row in rows}


async def save(work: Work, complaint: Complaint, *, new_version: bool = True) -> None:
    """Store what a command did, with its timeline and events; nothing when it had no effect.

    What the suite itself finds out (a mail accepted, a breach) leaves the version alone: it takes nothing
    away from what a person is writing meanwhile, and the ETag's digest changes all the same.
    """
    if not complaint.is_changed:
        return
    if new_version:
        complaint.version += 1
    row = row_of(complaint)
    await work.execute(_SAVE, row_id=complaint.id, **{name: row[name] for name in CHANGING})
    await _record(work, complaint)


async def contact_of(session: Session, complaint_id: UUID) -> Contact:
    """How to reach whoever complained, as given at intake."""
    row: Any = await session.fetch_one(_CONTACT, row_id=complaint_id)
    return Contact() if row is None else Contact(row["name"], row["email"], row["phone"])


async def was_decided_after(
    work: Work, customer_id: UUID, cause_code: str, after: datetime, *, but: UUID
) -> bool:
    """Whether another complaint of this customer was decided with this cause code after `after`."""
    await work.fetch_value(_TAKE_TURNS, customer_and_cause=f"{customer_id} {cause_code}")
    found: bool = await work.fetch_value(
        _DECIDED_BEFORE, customer_id=customer_id, cause_code=cause_code, after=after, row_id=but
    )
    return found


def _visible(found: Complaint | None, of_customer: UUID | None) -> Complaint:
    if found is None or (of_customer is not None and found.customer_id != of_customer):
        raise ComplaintNotFoundError
    return found


async def _record(work: Work, complaint: Complaint) -> None:
    lines = [
        {
            "complaint_id": complaint.id,
            "kind": entry.kind,
            "at": entry.at,
            "actor_role": work.actor.role,
            "actor_id": work.actor.id,
            "text": entry.text,
            "facts": entry.facts,
        }
        for entry in complaint.take_timeline()
    ]
    await work.execute_many(_APPEND, lines)
    work.record(*complaint.take_events())
