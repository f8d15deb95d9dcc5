"""Messages to customers: queued, claimed by the mail worker, settled."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.complaints.domain.errors import MessageNotFoundError
from services.complaints.domain.message import Message, MessageKind, MessageStatus
from services.complaints.domain.outcomes import Channel, Language
from services.complaints.persistence.tables import AT, contacts, messages
from shared.db.statements import insert, statement, update
from shared.db.work import Session, Work

COLUMNS = tuple(column.name for column in messages.columns)
CHANGING = (
    "status",
    "next_attempt_at",
    "delivered_at",
    "delivered_channel",
    "failed_at",
    "last_error",
)

_id = sa.bindparam("row_id", type_=sa.Uuid)
_ADD = statement(insert(messages))
_OF = statement(
    sa.select(messages).where(messages.c.complaint_id == _id).order_by(messages.c.created_at, messages.c.id)
)
_LOCK = statement(sa.select(messages).where(messages.c.id == _id).with_for_update())
_LOCK_UNSENT = statement(
    sa.select(messages)
    .where(
        messages.c.complaint_id == _id,
        messages.c.kind == sa.bindparam("wanted_kind", type_=sa.Text),
        messages.c.delivered_at.is_(None),
    )
    .order_by(messages.c.id)
    .with_for_update()
)
_SAVE = statement(update(messages, *CHANGING).where(messages.c.id == _id))
_due = (
    sa.select(messages.c.id)
    .where(messages.c.next_attempt_at <= sa.bindparam("now", type_=AT))
    .order_by(messages.c.next_attempt_at)
    .limit(sa.bindparam("at_once", type_=sa.Integer))
    .with_for_update(skip_locked=True)
    .cte("due")
    .prefix_with("MATERIALIZED", dialect="postgresql")
)
# A claim is a promise to settle before `claimed_until`; whoever dies on the way lets it lapse.
_CLAIM = statement(
    sa.update(messages)
    .where(messages.c.id == _due.c.id)
    .values(attempts=messages.c.attempts + 1, next_attempt_at=sa.bindparam("claimed_until", type_=AT))
    .returning(
        *messages.columns,
        sa.select(contacts.c.email)
        .where(contacts.c.complaint_id == messages.c.complaint_id)
        .scalar_subquery()
        .label("address"),
    )
)
_ADDRESS = statement(sa.select(contacts.c.email).where(contacts.c.complaint_id == _id))
_NEXT_DUE = statement(
    sa.select(sa.func.min(messages.c.next_attempt_at)).where(messages.c.next_attempt_at.is_not(None))
)


async def add(work: Work, message: Message) -> None:
    await work.execute(_ADD, **{name: getattr(message, name) for name in COLUMNS})


async def of_complaint(session: Session, complaint_id: UUID) -> list[Message]:
    """All messages of a complaint, oldest first."""
    return [message_of(row) for row in await session.fetch_all(_OF, row_id=complaint_id)]


async def lock(work: Work, message_id: UUID) -> Message:
    """The message, locked until commit; its complaint is locked before it, always. Raises if unknown."""
    row = await work.fetch_one(_LOCK, row_id=message_id)
    if row is None:
        raise MessageNotFoundError
    return message_of(row)


async def lock_unsent(work: Work, complaint_id: UUID, kind: MessageKind) -> list[Message]:
    """The complaint's messages of one kind that have not reached the customer, locked."""
    return [
        message_of(row) for row in await work.fetch_all(_LOCK_UNSENT, row_id=complaint_id, wanted_kind=kind)
    ]


async def save(work: Work, message: Message) -> None:
    await work.execute(_SAVE, row_id=message.id, **{name: getattr(message, name) for name in CHANGING})


async def claim_due(work: Work, *, at_once: int, claimed_until: datetime) -> list[tuple[Message, str | None]]:
    """At most `at_once` messages that are due, each with the address given at intake (None: it is gone).

    Counted as attempted, and nobody else's until `claimed_until`.
    """
    rows = await work.fetch_all(_CLAIM, now=work.now, at_once=at_once, claimed_until=claimed_until)
    return [(message_of(row), row["address"]) for row in rows]


async def address_of(session: Session, complaint_id: UUID) -> str | None:
    """The e-mail address given at intake."""
    address: str | None = await session.fetch_value(_ADDRESS, row_id=complaint_id)
    return address


async def next_due_at(session: Session) -> datetime | None:
    """When the next queued message may be taken."""
    due_at: datetime | None = await session.fetch_value(_NEXT_DUE)
    return due_at


def message_of(row: Any) -> Message:
    facts = {name: row[name] for name in COLUMNS}
    channel = facts["delivered_channel"]
    facts |= {
        "kind": MessageKind(facts["kind"]),
        "status": MessageStatus(facts["status"]),
        "language": Language(facts["language"]),
        "delivered_channel": Channel(channel) if channel else None,
    }
    return Message(**facts)
