"""Purchases cut in two at a day: what a model is told, and what it is asked about."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from services.valuation.domain.models.aggregation import totals
from services.valuation.domain.models.histories import Histories, Spends, Vector
from services.valuation.domain.models.sufficiency import Counts


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Customers who had bought by the calibration day. Columns of float64, one row a customer.

    frequency, recency, age   x, t_x, T at the end of the calibration day, in the unit of time
    spent                     money spent until then, the first purchase included
    average_spend             mean spend a repeat purchase until then, 0 without one
    later_purchases           days with a purchase after the calibration day
    later_spend               money spent after it
    horizon                   length of the time held out, in the unit
    history_days              from the first purchase of all to the calibration day
    later_by_period           purchases of each whole or begun unit held out; they sum to `later_purchases`
    """

    frequency: Vector
    recency: Vector
    age: Vector
    spent: Vector
    average_spend: Vector
    later_purchases: Vector
    later_spend: Vector
    horizon: float
    history_days: int
    later_by_period: Vector

    @classmethod
    def of(
        cls,
        customer: npt.ArrayLike,
        day: npt.ArrayLike,
        amount: npt.ArrayLike,
        *,
        calibration_end: int,
        end: int,
        days_a_unit: int,
    ) -> Self:
        """From purchases in any order, those of one customer and day counted once.

        customer         any whole numbers, one a purchase
        day              ordinals of local days; purchases after `end` are left out
        amount           spend, of any money unit, at least 0
        calibration_end  last day that is told; `end`, the last day held out, is later
        days_a_unit      1 for days, 7 for weeks
        """
        who = np.asarray(customer, dtype=np.int64)
        when = np.asarray(day, dtype=np.int64)
        paid = np.asarray(amount, dtype=np.float64)
        seen = when <= end
        who, when, paid = _one_a_day(who[seen], when[seen], paid[seen])
        told = when <= calibration_end
        # Sorted by customer and day, so the first row of a customer is the first purchase.
        known, first_at = np.unique(who[told], return_index=True)
        row_of_told = np.searchsorted(known, who[told])
        first_day, last_day = when[told][first_at], np.zeros(len(known), dtype=np.int64)
        np.maximum.at(last_day, row_of_told, when[told])
        spent = totals(row_of_told, paid[told], len(known))
        frequency = _counts(row_of_told, len(known)) - 1.0
        # Summed without the first purchase rather than by difference, which would not give an exact 0.
        again = np.ones(len(row_of_told), dtype=bool)
        again[first_at] = False
        repeat_spend = totals(row_of_told[again], paid[told][again], len(known))
        later = ~told & np.isin(who, known)
        row_of_later = np.searchsorted(known, who[later])
        horizon = (end - calibration_end) / days_a_unit
        period = (when[later] - calibration_end - 1) // days_a_unit
        return cls(
            frequency=frequency,
            recency=(last_day - first_day) / days_a_unit,
            age=(calibration_end - first_day) / days_a_unit,
            spent=spent,
            average_spend=repeat_spend / np.maximum(frequency, 1.0),
            later_purchases=_counts(row_of_later, len(known)),
            later_spend=totals(row_of_later, paid[later], len(known)),
            horizon=horizon,
            history_days=int(calibration_end - first_day.min()) if len(known) else 0,
            later_by_period=_counts(period, int(np.ceil(horizon))),
        )

    def __len__(self) -> int:
        return len(self.frequency)

    def histories(self) -> Histories:
        """Raises NoCustomersError and HistoryInvalidError."""
        return Histories.of(self.frequency, self.recency, self.age)

    def spends(self) -> Spends:
        """Raises NoCustomersError and HistoryInvalidError."""
        return Spends.of(self.frequency, self.average_spend)

    def counts(self) -> Counts:
        return Counts(
            customers=len(self),
            repeaters=int((self.frequency > 0).sum()),
            history_days=self.history_days,
            held_out_purchases=int(self.later_purchases.sum()),
        )


def _counts(group: npt.NDArray[np.int64], groups: int) -> Vector:
    return totals(group, np.ones(len(group)), groups)


def _one_a_day(
    who: npt.NDArray[np.int64], when: npt.NDArray[np.int64], paid: Vector
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Vector]:
    """Sorted by customer and day, the amounts of a day added up."""
    order = np.lexsort((when, who))
    who, when, paid = who[order], when[order], paid[order]
    starts = np.ones(len(who), dtype=bool)
    starts[1:] = (who[1:] != who[:-1]) | (when[1:] != when[:-1])
    at = np.flatnonzero(starts)
    return who[at], when[at], np.add.reduceat(paid, at) if len(at) else paid
