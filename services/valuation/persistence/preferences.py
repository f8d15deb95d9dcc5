"""Wishes of customers: one row an account."""

from uuid import UUID

import sqlalchemy as sa

from services.valuation.domain.profile.preferences import Preferences
from services.valuation.persistence.profile_tables import preferences
from shared.db.statements import insert, statement, update
from shared.db.work import Session, Work

_CHANGING = (
    "language",
    "channel",
    "timezone",
    "quiet_from",
    "quiet_until",
    "interests",
    "version",
    "changed_at",
    "changed_by",
)
_FIND = statement(sa.select(preferences).where(preferences.c.customer_id == sa.bindparam("customer")))
_ADD = statement(insert(preferences))
_SAVE = statement(
    update(preferences, *_CHANGING).where(preferences.c.customer_id == sa.bindparam("customer"))
)


async def find(session: Session, customer_id: UUID) -> Preferences | None:
    """What the customer wishes, or None. A command locks the customer first."""
    row = await session.fetch_one(_FIND, customer=customer_id)
    if row is None:
        return None
    facts = {name: row[name] for name in ("customer_id", *_CHANGING) if name != "changed_by"}
    return Preferences(**facts | {"interests": tuple(row["interests"])})


async def put(work: Work, wished: Preferences, *, is_new: bool) -> None:
    """Write the account's wishes."""
    row = {name: getattr(wished, name) for name in _CHANGING if name != "changed_by"}
    row |= {"interests": list(wished.interests), "changed_by": str(work.actor)}
    if is_new:
        await work.execute(_ADD, customer_id=wished.customer_id, **row)
    else:
        await work.execute(_SAVE, customer=wished.customer_id, **row)
