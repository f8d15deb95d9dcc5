"""From expected purchases at several horizons to one discounted figure."""

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from services.valuation.domain.models.errors import DiscountRateInvalidError, HorizonInvalidError
from services.valuation.domain.models.histories import Vector

Unit = Literal["day", "week", "month", "year"]
UNITS_A_YEAR: Final[dict[str, float]] = {"day": 365.25, "week": 365.25 / 7, "month": 12.0, "year": 1.0}
MONTHS_A_YEAR = 12
MOST_STEPS = 1200
"""A hundred years of months."""


@dataclass(frozen=True, slots=True)
class Discounting:
    """Steps of time and what a purchase within each is worth now.

    ends     times from now at which the steps end, ascending, in the unit of the histories
    factors  worth now of one unit of money brought in the step, not ascending
    """

    ends: Vector
    factors: Vector

    @classmethod
    def none(cls, horizon: float) -> "Discounting":
        """One step, worth 1: plain expected purchases until `horizon`."""
        return cls(np.array([_positive(horizon)]), np.ones(1))

    @classmethod
    def by_month(cls, horizon: float, unit: Unit, rate: float) -> "Discounting":
        """Steps of a twelfth of a year, each discounted from its end at `rate` a year; the last may be shorter.

        That is the usual convention of the field, and errs on the low side. Raises HorizonInvalidError and
        DiscountRateInvalidError.
        """
        if not (math.isfinite(rate) and rate >= 0):
            raise DiscountRateInvalidError
        month = UNITS_A_YEAR[unit] / MONTHS_A_YEAR
        # A horizon of n months in floating point must not give a step of no length.
        steps = max(1, math.ceil(_positive(horizon) / month - 1e-9))
        if steps > MOST_STEPS:
            raise HorizonInvalidError(f"a horizon is at most {MOST_STEPS // MONTHS_A_YEAR} years")
        ends = np.minimum(np.arange(1, steps + 1) * month, horizon)
        ends[-1] = horizon
        return cls(ends, (1 + rate) ** (-ends / UNITS_A_YEAR[unit]))

    @property
    def coefficients(self) -> Vector:
        """c with Σ factor (E(end) - E(end before)) = Σ c E(end): none is negative, so nothing cancels."""
        return np.asarray(self.factors - np.append(self.factors[1:], 0.0))


def _positive(horizon: float) -> float:
    if not (math.isfinite(horizon) and horizon > 0):
        raise HorizonInvalidError
    return horizon
