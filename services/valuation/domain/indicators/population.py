"""How a source is distributed over all customers, kept as quantiles, and where one customer stands in it."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.valuation.domain.indicators.entropy import divergences
from services.valuation.domain.indicators.system import Indicator

STEPS = 100
# A percentile among fewer customers than this says nothing.
FEWEST_KNOWN = 20


@dataclass(frozen=True, slots=True)
class Place:
    """Shares of the customers (of whom the source is known) below a value and at it, each to about one percent."""

    below: float
    level: float

    @property
    def above(self) -> float:
        return max(0.0, 1 - self.below - self.level)

    @property
    def percentile(self) -> float:
        """The middle of those at the value, so that ties are neither favoured nor punished."""
        return self.below + self.level / 2


@dataclass(frozen=True, slots=True)
class Distribution:
    """`known` customers have a value; `grid` holds the quantiles 0, 1 % … 100 % of them, each a value that occurs.

    Shape of `grid`: (101,), rising; () when nobody has a value.
    """

    source: str
    known: int
    grid: tuple[float, ...]

    @property
    def is_telling(self) -> bool:
        """Whether there are enough customers to compare one with."""
        return self.known >= FEWEST_KNOWN

    def place(self, value: float) -> Place:
        """Where `value` stands, in O(log 101); between two quantiles by a straight line."""
        grid = self.grid
        first, after = bisect_left(grid, value), bisect_right(grid, value)
        if first < after:
            return Place(first / STEPS, (after - 1 - first) / STEPS)
        if first == 0 or first > STEPS:
            return Place(min(first, STEPS) / STEPS, 0.0)
        low, high = grid[first - 1], grid[first]
        return Place((first - 1 + (value - low) / (high - low)) / STEPS, 0.0)

    def divergence(self, indicator: Indicator) -> float:
        """How much customers differ in the indicator (`entropy.divergences`), 0 when too few are known.

        Measured on the quantiles, winsorised, scaled to 0 … 1, and turned so that more is better.
        """
        if not self.is_telling:
            return 0.0
        scaled = self._scaled(indicator)
        return 0.0 if scaled is None else float(divergences(scaled[:, np.newaxis])[0])

    def _scaled(self, indicator: Indicator) -> NDArray[np.float64] | None:
        grid = np.array(self.grid)
        low = grid[round(indicator.lowest * STEPS)]
        high = grid[round(indicator.highest * STEPS)]
        if low == high:
            return None
        scaled: NDArray[np.float64] = (np.clip(grid, low, high) - low) / (high - low)
        return scaled if indicator.direction == "higher" else 1 - scaled


def normalised(place: Place, indicator: Indicator) -> float:
    """The winsorised percentile, 0 … 1, 1 always the good end."""
    spread = indicator.highest - indicator.lowest
    share = min(1.0, max(0.0, (place.percentile - indicator.lowest) / spread))
    return share if indicator.direction == "higher" else 1 - share
