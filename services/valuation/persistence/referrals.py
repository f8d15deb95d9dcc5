"""Referrals, and the influence that they add up to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.valuation.domain.values.referrals import Influence, Referral
from services.valuation.persistence.indicator_tables import referrals
from shared.db.statements import insert, statement
from shared.db.work import Session, Work

_LOCK_NUMBER = 4_077_311

_TURN = statement(sa.text("SELECT pg_advisory_xact_lock(CAST(:number AS bigint))"))
_ADD = statement(insert(referrals))
_REFERRER = statement(
    sa.text("SELECT referrer_id FROM referrals WHERE referred_id = CAST(:referred_id AS uuid)")
)
# Ends at a customer that nobody brought: UNION drops what was seen, so even a cycle would end.
_ANCESTORS = statement(
    sa.text(
        "WITH RECURSIVE up (id) AS (SELECT referrer_id FROM referrals WHERE referred_id = CAST(:id AS uuid)"
        " UNION SELECT r.referrer_id FROM referrals AS r JOIN up ON r.referred_id = up.id) SELECT id FROM up"
    )
)
_INFLUENCE = statement(
    sa.text(
        "SELECT count(*) FILTER (WHERE NOT r.is_incentivised) AS referrals,"
        " count(*) FILTER (WHERE r.is_incentivised) AS incentivised_referrals,"
        " coalesce(sum(s.margin_minor) FILTER (WHERE NOT r.is_incentivised), 0)::bigint AS referred_margin_minor,"
        " coalesce(sum(s.margin_minor) FILTER (WHERE r.is_incentivised), 0)::bigint"
        " AS incentivised_referred_margin_minor"
        " FROM referrals AS r JOIN standings AS s ON s.customer_id = r.referred_id"
        " WHERE r.referrer_id = CAST(:customer_id AS uuid)"
    )
)
_PAGE = statement(
    sa.text(
        "SELECT r.referrer_id, r.referred_id, r.is_incentivised, r.referred_at, s.margin_minor"
        " FROM referrals AS r JOIN standings AS s ON s.customer_id = r.referred_id"
        " WHERE r.referrer_id = CAST(:referrer_id AS uuid)"
        " AND (CAST(:after AS uuid) IS NULL OR r.referred_id > CAST(:after AS uuid))"
        " ORDER BY r.referred_id LIMIT CAST(:limit AS integer)"
    )
)
# Merging: what was between the two is no referral any more, and the survivor keeps its own referrer.
_DROP_BETWEEN = statement(
    sa.text(
        "DELETE FROM referrals WHERE referrer_id = ANY(CAST(:both AS uuid[]))"
        " AND referred_id = ANY(CAST(:both AS uuid[]))"
    )
)
_MOVE_REFERRED = statement(
    sa.text(
        "UPDATE referrals SET referrer_id = CAST(:survivor AS uuid) WHERE referrer_id = CAST(:merged AS uuid)"
    )
)
_MOVE_REFERRER = statement(
    sa.text(
        "UPDATE referrals SET referred_id = CAST(:survivor AS uuid) WHERE referred_id = CAST(:merged AS uuid)"
        " AND NOT EXISTS (SELECT FROM referrals WHERE referred_id = CAST(:survivor AS uuid))"
    )
)
_DROP_REFERRER = statement(sa.text("DELETE FROM referrals WHERE referred_id = CAST(:customer_id AS uuid)"))


@dataclass(frozen=True, slots=True)
class ReferredCustomer:
    """A referral with the margin that the referred customer has brought, in minor units."""

    referral: Referral
    margin_minor: int


async def take_turn(work: Work) -> None:
    """Nobody else records a referral until the command ends: a cycle can be closed by two at once otherwise."""
    await work.execute(_TURN, number=_LOCK_NUMBER)


async def add(work: Work, referral: Referral) -> None:
    """Add a referral that was checked in this turn."""
    await work.execute(
        _ADD,
        referred_id=referral.referred_id,
        referrer_id=referral.referrer_id,
        is_incentivised=referral.is_incentivised,
        referred_at=referral.referred_at,
        recorded_at=work.now,
        recorded_by=str(work.actor),
    )


async def referrer_of(session: Session, customer_id: UUID) -> UUID | None:
    """Who brought this customer."""
    found: UUID | None = await session.fetch_value(_REFERRER, referred_id=customer_id)
    return found


async def ancestors_of(session: Session, customer_id: UUID) -> set[UUID]:
    """Who brought this customer, who brought those, and so on up."""
    return {row["id"] for row in await session.fetch_all(_ANCESTORS, id=customer_id)}


async def influence_of(session: Session, customer_id: UUID) -> Influence:
    """Counts and margin of the customers that one brought."""
    row = await session.fetch_one(_INFLUENCE, customer_id=customer_id)
    assert row is not None
    return Influence(**dict(row))


async def page(session: Session, referrer_id: UUID, after: UUID | None, limit: int) -> list[ReferredCustomer]:
    """At most `limit` of those that one brought, in the order of their ids."""
    rows = await session.fetch_all(_PAGE, referrer_id=referrer_id, after=after, limit=limit)
    return [ReferredCustomer(_referral(row), row["margin_minor"]) for row in rows]


async def bring_together(work: Work, merged_id: UUID, survivor_id: UUID) -> int:
    """Make a merged account's referrals the survivor's; how many were moved.

    Where that closed a cycle (the merged one brought who brought the survivor), nobody brought the survivor.
    """
    await take_turn(work)
    await work.execute(_DROP_BETWEEN, both=[merged_id, survivor_id])
    moved = await work.execute(_MOVE_REFERRED, merged=merged_id, survivor=survivor_id)
    moved += await work.execute(_MOVE_REFERRER, merged=merged_id, survivor=survivor_id)
    await work.execute(_DROP_REFERRER, customer_id=merged_id)
    if survivor_id in await ancestors_of(work, survivor_id):
        await work.execute(_DROP_REFERRER, customer_id=survivor_id)
    return moved


def _referral(row: Mapping[str, Any]) -> Referral:
    return Referral(row["referrer_id"], row["referred_id"], row["is_incentivised"], row["referred_at"])
