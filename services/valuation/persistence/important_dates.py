"""Important dates, found by customer and by the day on which somebody should be told."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.valuation.domain.profile.errors import ImportantDateNotFoundError
from services.valuation.domain.profile.important_dates import ImportantDate, YearlyDate
from services.valuation.persistence.profile_tables import important_dates
from services.valuation.persistence.rows import run_rows, update_rows
from shared.db.statements import insert, statement
from shared.db.work import Session, Work

_WHEN = ("calendar", "month", "day", "year", "is_leap_month", "leap_rule")
_ADD = statement(insert(important_dates))
_OF = statement(
    sa.select(important_dates)
    .where(important_dates.c.customer_id == sa.bindparam("customer"))
    .order_by(important_dates.c.id)
)
_REMOVE = statement(
    sa.delete(important_dates).where(
        important_dates.c.customer_id == sa.bindparam("customer"),
        important_dates.c.id == sa.bindparam("date_id"),
    )
)
# Rows that another worker holds are its own to do.
_LOCK_DUE = statement(
    sa.text(
        "SELECT * FROM important_dates WHERE look_on <= CAST(:today AS date)"
        " ORDER BY look_on, id LIMIT CAST(:limit AS integer) FOR UPDATE SKIP LOCKED"
    )
)
_LOOK_AGAIN = update_rows(important_dates, "id", ["look_on"])
_NEXT_LOOK = statement(sa.text("SELECT min(look_on) FROM important_dates"))


async def of_customer(session: Session, customer_id: UUID) -> list[ImportantDate]:
    """The account's dates, in the order in which they were added."""
    return [_date(row) for row in await session.fetch_all(_OF, customer=customer_id)]


async def add(work: Work, added: ImportantDate) -> None:
    """Add a date."""
    await work.execute(
        _ADD,
        id=added.id,
        customer_id=added.customer_id,
        person_id=added.person_id,
        kind=added.kind,
        label=added.label,
        **{name: getattr(added.when, name) for name in _WHEN},
        look_on=added.look_on,
        added_at=added.added_at,
        added_by=str(work.actor),
    )


async def remove(work: Work, customer_id: UUID, date_id: UUID) -> None:
    """Raises `ImportantDateNotFoundError`."""
    if await work.execute(_REMOVE, customer=customer_id, date_id=date_id) == 0:
        raise ImportantDateNotFoundError


async def lock_due(work: Work, today: date, limit: int) -> list[ImportantDate]:
    """At most `limit` dates of which somebody should be told by `today`."""
    return [_date(row) for row in await work.fetch_all(_LOCK_DUE, today=today, limit=limit)]


async def look_again(work: Work, looks: Sequence[tuple[UUID, date]]) -> None:
    """When to tell of each date's next occurrence."""
    await run_rows(work, _LOOK_AGAIN, ["id", "look_on"], looks)


async def next_look_on(session: Session) -> date | None:
    """The earliest day on which somebody should be told of a date."""
    day: date | None = await session.fetch_value(_NEXT_LOOK)
    return day


def _date(row: Mapping[str, Any]) -> ImportantDate:
    return ImportantDate(
        id=row["id"],
        customer_id=row["customer_id"],
        person_id=row["person_id"],
        kind=row["kind"],
        label=row["label"],
        when=YearlyDate(**{name: row[name] for name in _WHEN}),
        look_on=row["look_on"],
        added_at=row["added_at"],
    )
