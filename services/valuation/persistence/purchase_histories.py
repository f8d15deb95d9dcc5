"""What the models are fitted on: equal customers counted by the database, and read as a stream."""

from array import array
from datetime import date

import numpy as np
import sqlalchemy as sa

from services.valuation.domain.models.errors import NoCustomersError
from services.valuation.domain.models.histories import Histories, Spends
from shared.db.statements import Statement, statement
from shared.db.work import Session

FETCHED_ROWS = 10_000

# A sender's clock may be ahead, so that the last purchase may be a day after the last day of the history.
_HISTORIES = statement(
    sa.text(
        "SELECT purchase_days - 1, last_day - first_day, greatest(last_day, CAST(:today AS date)) - first_day,"
        " count(*) FROM standings WHERE purchase_days > 0 GROUP BY 1, 2, 3"
    )
)
_SPENDS = statement(
    sa.text(
        "SELECT purchase_days - 1,"
        " (spend_minor - first_day_spend_minor) / (purchase_days - 1)::double precision, count(*)"
        " FROM standings WHERE purchase_days > 1 GROUP BY 1, 2"
    )
)


async def histories(session: Session, today: date) -> Histories:
    """Distinct histories in days with their customers. Needs a transaction. Raises `NoCustomersError`."""
    return Histories.of(*await _columns(session, _HISTORIES, 4, today=today))


async def spends(session: Session) -> Spends:
    """Distinct average spends of repeat buyers in minor units. Needs a transaction.

    Without a repeat buyer, one customer of whom the spend says nothing.
    """
    try:
        return Spends.of(*await _columns(session, _SPENDS, 3))
    except NoCustomersError:
        return Spends.of([0.0], [0.0])


async def _columns(
    session: Session, query: Statement, width: int, **params: object
) -> list["np.ndarray[tuple[int], np.dtype[np.float64]]"]:
    """The rows as columns, eight bytes a figure, however many customers they stand for."""
    columns = [array("d") for _ in range(width)]
    async for row in session.connection.cursor(query.sql, *query.arguments(params), prefetch=FETCHED_ROWS):
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    return [np.frombuffer(column) if len(column) else np.empty(0) for column in columns]
