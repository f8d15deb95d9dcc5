"""Kept scores: written many at once in the order of the customers' ids, read in pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.valuation.persistence.rows import insert_rows, run_rows
from services.valuation.persistence.serving_tables import customer_scores, score_requests
from shared.db.statements import statement
from shared.db.work import Session, Work

_NAMES = [column.name for column in customer_scores.columns]
_UPSERT = insert_rows(
    customer_scores,
    suffix="ON CONFLICT (customer_id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _NAMES[1:]),
)
_NOT_ERASED = "NOT EXISTS (SELECT 1 FROM customer_erasures AS e WHERE e.customer_id = s.customer_id)"
_BOUGHT = (
    "SELECT s.customer_id, s.first_day, s.last_day, s.purchase_days, s.spend_minor, s.first_day_spend_minor,"
    " s.margin_minor, c.told_p_alive, c.told_clv_minor, c.customer_id IS NOT NULL AS is_kept"
    " FROM standings AS s LEFT JOIN customer_scores AS c USING (customer_id)"
)
_BOUGHT_AFTER = statement(
    sa.text(
        f"{_BOUGHT} WHERE {_NOT_ERASED}"
        " AND (CAST(:after AS uuid) IS NULL OR s.customer_id > CAST(:after AS uuid))"
        " ORDER BY s.customer_id LIMIT CAST(:limit AS integer)"
    )
)
_BOUGHT_OF = statement(
    sa.text(
        f"{_BOUGHT} WHERE {_NOT_ERASED} AND s.customer_id = ANY(CAST(:ids AS uuid[])) ORDER BY s.customer_id"
    )
)
_ONE = statement(
    sa.text(
        "SELECT s.first_day, s.last_day, s.purchase_days, s.spend_minor, s.first_day_spend_minor, s.margin_minor,"  # noqa: S608
        " (SELECT model_version FROM model_promotions ORDER BY place DESC LIMIT 1) AS model_version"
        f" FROM standings AS s WHERE s.customer_id = CAST(:customer_id AS uuid) AND {_NOT_ERASED}"
    )
)
_FORGET = statement(sa.text("DELETE FROM customer_scores WHERE customer_id = ANY(CAST(:ids AS uuid[]))"))
_KEPT = statement(
    sa.select(customer_scores).where(customer_scores.c.customer_id == sa.bindparam("customer_id"))
)
_PAGE = statement(
    sa.text(
        "SELECT customer_id, model_version, scored_on, p_alive, expected_purchases, clv_minor FROM customer_scores"
        " WHERE CAST(:after AS uuid) IS NULL OR customer_id > CAST(:after AS uuid)"
        " ORDER BY customer_id LIMIT CAST(:limit AS integer)"
    )
)
_REQUEST = insert_rows(score_requests, suffix="ON CONFLICT DO NOTHING")
_REQUESTED = statement(
    sa.text("SELECT customer_id FROM score_requests ORDER BY customer_id LIMIT CAST(:limit AS integer)")
)
_DONE = statement(sa.text("DELETE FROM score_requests WHERE customer_id = ANY(CAST(:ids AS uuid[]))"))


@dataclass(frozen=True, slots=True)
class KeptScore:
    """A row of `customer_scores`: the score of `scored_on`, and the one that was last told."""

    customer_id: UUID
    model_version: int
    scored_on: date
    p_alive: float
    expected_purchases: float
    clv_minor: float
    told_p_alive: float
    told_clv_minor: float


async def bought_after(session: Session, after: UUID | None, limit: int) -> list[Mapping[str, Any]]:
    """What the next `limit` customers bought (some of them nothing), with the score last told of each."""
    return await session.fetch_all(_BOUGHT_AFTER, after=after, limit=limit)


async def bought_of(session: Session, customer_ids: Sequence[UUID]) -> list[Mapping[str, Any]]:
    """The same of these customers."""
    return await session.fetch_all(_BOUGHT_OF, ids=list(customer_ids))


async def bought_by(session: Session, customer_id: UUID) -> Mapping[str, Any] | None:
    """What one customer bought, and the version of the models in force: one row, one round trip."""
    row: Mapping[str, Any] | None = await session.fetch_one(_ONE, customer_id=customer_id)
    return row


async def save_many(work: Work, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write scores, whose values stand in the order of the table's columns."""
    await run_rows(work, _UPSERT, _NAMES, rows)


async def forget(work: Work, customer_ids: Sequence[UUID]) -> None:
    """These customers have no score."""
    if customer_ids:
        await work.execute(_FORGET, ids=list(customer_ids))


async def find(session: Session, customer_id: UUID) -> KeptScore | None:
    """The kept score of one customer."""
    row = await session.fetch_one(_KEPT, customer_id=customer_id)
    return None if row is None else KeptScore(**dict(row))


async def page(session: Session, after: UUID | None, limit: int) -> list[Mapping[str, Any]]:
    """The next `limit` kept scores in the order of the customers' ids."""
    return await session.fetch_all(_PAGE, after=after, limit=limit)


async def request(work: Work, customer_ids: Sequence[UUID]) -> None:
    """These customers, whose standings are locked, are to be scored soon."""
    await run_rows(work, _REQUEST, ["customer_id"], [(one,) for one in customer_ids])


async def requested(session: Session, limit: int) -> list[UUID]:
    """At most `limit` customers that are to be scored."""
    return [row["customer_id"] for row in await session.fetch_all(_REQUESTED, limit=limit)]


async def done(work: Work, customer_ids: Sequence[UUID]) -> None:
    """These were scored."""
    await work.execute(_DONE, ids=list(customer_ids))
