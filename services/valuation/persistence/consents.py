"""Consent: decisions appended, and which of them hold."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.valuation.domain.profile.consents import Consent
from services.valuation.persistence.profile_tables import consents
from shared.db.statements import insert, statement
from shared.db.work import Session, Work

_NAMES = [column.name for column in consents.columns if column.name != "recorded_by"]
_ADD = statement(insert(consents))
# Few rows a customer; the latest of each purpose and channel, as `domain.profile.consents.in_force` has it.
_IN_FORCE = statement(
    sa.text(
        "SELECT DISTINCT ON (purpose, channel) * FROM consents WHERE customer_id = CAST(:customer_id AS uuid)"
        " ORDER BY purpose, channel, at DESC, id DESC"
    )
)
_PAGE = statement(
    sa.text(
        "SELECT * FROM consents WHERE customer_id = CAST(:customer_id AS uuid)"
        " AND (CAST(:before AS uuid) IS NULL OR id < CAST(:before AS uuid))"
        " ORDER BY id DESC LIMIT CAST(:limit AS integer)"
    )
)


async def add(work: Work, consent: Consent) -> None:
    """Append a decision."""
    facts = {name: getattr(consent, name) for name in _NAMES}
    await work.execute(_ADD, **facts, recorded_by=str(work.actor))


async def in_force(session: Session, customer_id: UUID) -> list[Consent]:
    """The decisions that hold, by purpose and channel."""
    return [_consent(row) for row in await session.fetch_all(_IN_FORCE, customer_id=customer_id)]


async def page(session: Session, customer_id: UUID, before: UUID | None, limit: int) -> list[Consent]:
    """At most `limit` decisions recorded before that one, the latest first."""
    rows = await session.fetch_all(_PAGE, customer_id=customer_id, before=before, limit=limit)
    return [_consent(row) for row in rows]


def _consent(row: Mapping[str, Any]) -> Consent:
    return Consent(**{name: row[name] for name in _NAMES})
