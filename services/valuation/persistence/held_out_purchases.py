"""The ledger cut in two at a day, for a model to be graded on: read as a stream, 24 bytes a day with a purchase."""

from array import array
from datetime import date

import numpy as np
import sqlalchemy as sa

from services.valuation.domain.models.holding_out import HeldOut
from shared.db.statements import statement
from shared.db.work import Session

FETCHED_ROWS = 10_000

# What refunds and corrections leave of a purchase is in its net columns; without a net day nothing is left of it.
_PURCHASE_DAYS = statement(
    sa.text(
        "SELECT c.number, t.net_day, sum(t.net_amount_minor)::bigint"
        " FROM transactions AS t JOIN customers AS c ON c.id = t.customer_id"
        " WHERE t.net_day <= CAST(:end AS date) GROUP BY c.number, t.net_day"
    )
)


async def held_out(session: Session, calibration_end: date, end: date) -> HeldOut:
    """Customers who had bought by the calibration day; time in days, money in minor units. Needs a transaction."""
    customers, days, amounts = array("q"), array("q"), array("d")
    query = _PURCHASE_DAYS
    async for number, day, amount in session.connection.cursor(
        query.sql, *query.arguments({"end": end}), prefetch=FETCHED_ROWS
    ):
        customers.append(number)
        days.append(day.toordinal())
        amounts.append(amount)
    return HeldOut.of(
        np.array(customers),
        np.array(days),
        np.array(amounts),
        calibration_end=calibration_end.toordinal(),
        end=end.toordinal(),
        days_a_unit=1,
    )
