"""When to look at whom: one row a customer, found by the day of the next look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.valuation.domain.rfm import Rfm
from services.valuation.persistence.insight_tables import insight_watches
from services.valuation.persistence.rows import add_rows, insert_rows, run_rows, update_rows
from shared.db.statements import statement
from shared.db.work import Session, Work

_NAMES = [column.name for column in insight_watches.columns]
_ADD = insert_rows(insight_watches)
_SAVE = update_rows(insight_watches, "customer_id", _NAMES[1:])
_SEEN = (
    "SELECT w.*, s.first_day, s.last_day, s.purchase_days, s.purchases, s.spend_minor,"
    " s.first_day_spend_minor, s.margin_minor, c.registered_at FROM insight_watches AS w"
    " JOIN standings AS s USING (customer_id) JOIN customers AS c ON c.id = w.customer_id"
)
# Rows that another worker holds are its own to do.
_LOCK_DUE = statement(
    sa.text(
        f"{_SEEN} WHERE w.look_on <= CAST(:today AS date) ORDER BY w.look_on, w.customer_id"
        " LIMIT CAST(:limit AS integer) FOR UPDATE OF w SKIP LOCKED"
    )
)
_LOCK = statement(
    sa.text(f"{_SEEN} WHERE w.customer_id = ANY(CAST(:ids AS uuid[])) ORDER BY w.customer_id FOR UPDATE OF w")
)
_NEXT_LOOK = statement(sa.text("SELECT min(look_on) FROM insight_watches"))


@dataclass(slots=True)
class Watch:
    """A customer under watch: the next look, what a model last said, and the purchases as they stand.

    p_alive      probability from 0 to 1, None while there is no score
    expected_on  the day on which a model expects the next purchase, None while there is none
    """

    customer_id: UUID
    look_on: date
    p_alive: float | None
    expected_on: date | None
    rfm: Rfm
    registered_on: date


async def add_many(work: Work, customer_ids: Sequence[UUID], look_on: date) -> None:
    """Watch these new customers, from `look_on` on."""
    rows = [(one, look_on, None, None) for one in customer_ids]
    await add_rows(work, insight_watches, _ADD, _NAMES, rows)


async def lock_due(work: Work, today: date, limit: int) -> list[Watch]:
    """At most `limit` customers to be looked at by `today`, leaving out what others hold."""
    return [_watch(row) for row in await work.fetch_all(_LOCK_DUE, today=today, limit=limit)]


async def lock_many(work: Work, customer_ids: Sequence[UUID]) -> list[Watch]:
    """Those of the customers that are watched, locked in the order of their ids."""
    return [_watch(row) for row in await work.fetch_all(_LOCK, ids=list(customer_ids))]


async def save_many(work: Work, watches: Sequence[Watch]) -> None:
    """Write when to look again, and what was said."""
    rows = [(one.customer_id, one.look_on, one.p_alive, one.expected_on) for one in watches]
    await run_rows(work, _SAVE, _NAMES, rows)


async def next_look_on(session: Session) -> date | None:
    """The earliest day on which somebody is to be looked at."""
    day: date | None = await session.fetch_value(_NEXT_LOOK)
    return day


def _watch(row: Mapping[str, Any]) -> Watch:
    return Watch(
        customer_id=row["customer_id"],
        look_on=row["look_on"],
        p_alive=row["p_alive"],
        expected_on=row["expected_on"],
        rfm=Rfm(
            first_day=row["first_day"],
            last_day=row["last_day"],
            purchase_days=row["purchase_days"],
            purchases=row["purchases"],
            spend_minor=row["spend_minor"],
            first_day_spend_minor=row["first_day_spend_minor"],
            margin_minor=row["margin_minor"],
        ),
        registered_on=row["registered_at"].date(),
    )
