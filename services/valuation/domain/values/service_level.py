"""Value less cost by how much service customers get, and where it is best (最优服务水平), as far as the data tell.

Customers of a tier are compared by what serving them costs a year: none, and the lower, middle and upper third of
those with a cost. Value less cost is a ratio over customer-years, with the variance of a ratio (Cochran 1977,
Sampling Techniques, section 2.11). Nobody was put on a level by chance, so a difference is no effect.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Literal

# `new` has been a customer too short, `unpriced` has cases without a cost rate: both are counted and not compared.
Level = Literal["none", "low", "middle", "high", "new", "unpriced"]
COMPARED: tuple[Level, ...] = ("none", "low", "middle", "high")
LEVELS: tuple[Level, ...] = (*COMPARED, "new", "unpriced")
Verdict = Literal["clear", "unclear", "too_few"]

YEAR_DAYS = 365
FEWEST_DAYS = 90
FEWEST_CUSTOMERS = 30
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class LevelSums:
    """Sums over the customers of one tier on one level; money in minor units, time in years as a customer.

    lowest, highest  cost a year of the customers at the ends
    squares          Σ net², Σ net × years, Σ years², where net is margin + saved − cost of a customer
    """

    tier: str
    level: Level
    customers: int
    years: float
    margin: int
    saved: int
    cost: int
    unpriced_cases: int
    lowest: float
    highest: float
    squares: tuple[float, float, float]

    @property
    def net(self) -> int:
        """Value less cost."""
        return self.margin + self.saved - self.cost

    @property
    def net_a_year(self) -> float:
        """Value less cost of a customer and year."""
        return self.net / self.years

    @property
    def error(self) -> float:
        """Standard error of `net_a_year`; infinite for one customer."""
        if self.customers < 2:
            return float("inf")
        ratio = self.net_a_year
        net_net, net_years, years_years = self.squares
        residual = max(0.0, net_net - 2 * ratio * net_years + ratio * ratio * years_years)
        return sqrt(residual * self.customers / (self.customers - 1)) / self.years

    def interval(self) -> tuple[float, float] | None:
        """The 95 % confidence interval of `net_a_year`; None below 30 customers."""
        if self.customers < FEWEST_CUSTOMERS:
            return None
        reach = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * self.error
        return self.net_a_year - reach, self.net_a_year + reach


@dataclass(frozen=True, slots=True)
class Best:
    """The level of a tier where value less cost is highest, and whether the data tell it from all others.

    too_few  fewer than two levels have 30 customers: `level` is None
    unclear  `rivals` are the levels that it cannot be told from
    """

    verdict: Verdict
    level: LevelSums | None = None
    rivals: tuple[LevelSums, ...] = ()


def best_level(levels: Sequence[LevelSums]) -> Best:
    """Compare the levels of one tier.

    Differences are tested two-sided at 95 % in all (Bonferroni over the comparisons with the highest).
    """
    compared = [one for one in levels if one.level in COMPARED and one.customers >= FEWEST_CUSTOMERS]
    if len(compared) < 2:
        return Best("too_few")
    best = max(compared, key=lambda one: one.net_a_year)
    others = [one for one in compared if one is not best]
    needed = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / 2 / len(others))
    rivals = tuple(
        one
        for one in others
        if best.net_a_year - one.net_a_year <= needed * sqrt(best.error**2 + one.error**2)
    )
    return Best("unclear" if rivals else "clear", best, rivals)
