"""Purchase histories out of a file of transactions: one row a purchase."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from careloop.value_models.columns import ValueFileInvalidError, rows_of

COLUMNS = ("customer_id", "date", "amount")


@dataclass(frozen=True, slots=True)
class Log:
    """Spend by customer and day (as ordinals); purchases of one day count once.

    end     last day of observation, as ordinal
    after   transactions later than that, which are left out
    """

    customers: list[dict[int, float]]
    end: int
    after: int

    def days(self) -> Iterator[tuple[list[int], float]]:
        """Each customer's days with a purchase, ascending, and the spend of all but the first."""
        for spend in self.customers:
            days = sorted(spend)
            yield days, math.fsum(spend[day] for day in days[1:])


def read_log(path: Path, end: date | None) -> Log:
    """The log until the end of the day `end`, or of the last transaction. Raises ValueFileInvalidError."""
    customers: dict[str, dict[int, float]] = {}
    after = 0
    last = None if end is None else end.toordinal()
    latest = 0
    for line, row in rows_of(path, COLUMNS):
        day, amount = _day(line, row["date"]), _amount(line, row["amount"])
        if not row["customer_id"]:
            raise ValueFileInvalidError(f"line {line}: customer_id is empty")
        if last is not None and day > last:
            after += 1
            continue
        latest = max(latest, day)
        spend = customers.setdefault(row["customer_id"], {})
        spend[day] = spend.get(day, 0.0) + amount
    if not customers:
        raise ValueFileInvalidError("there is no transaction" + ("" if end is None else f" until {end}"))
    return Log(list(customers.values()), latest if last is None else last, after)


def _day(line: int, text: str) -> int:
    try:
        return date.fromisoformat(text.strip()).toordinal()
    except ValueError:
        raise ValueFileInvalidError(
            f"line {line}: date must be a day such as 2026-03-31, not {text!r}"
        ) from None


def _amount(line: int, text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = math.nan
    if not (math.isfinite(amount) and amount >= 0):
        raise ValueFileInvalidError(f"line {line}: amount must be a number of at least 0, not {text!r}")
    return amount
