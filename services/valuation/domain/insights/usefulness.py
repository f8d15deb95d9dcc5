"""Which kinds of insight helped: purchases of customers acted for, beside those of the held-back control group.

All insights of a kind that were shown count as treated, whether or not somebody took them: who acts chooses
the easy cases, and only the draw of the control group is by chance.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Literal

from services.valuation.domain.insights.rules import RECOVERY, InsightKind

# Below so many customers in either group an interval says next to nothing.
FEWEST = 30
_Z = 1.959963984540054

Verdict = Literal["helped", "harmed", "not_shown", "too_few", "no_control_group"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A rate or difference of rates with its 95 % confidence interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Group:
    """So many customers, of whom so many bought within the days observed."""

    customers: int
    bought: int

    def rate(self) -> Interval | None:
        """Wilson's score interval (Wilson 1927, Journal of the American Statistical Association 22).

        None when nobody was observed.
        """
        n = self.customers
        if n == 0:
            return None
        p, z = self.bought / n, _Z
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return Interval(p, max(0.0, middle - half), min(1.0, middle + half))


@dataclass(frozen=True, slots=True)
class Usefulness:
    """One kind's comparison; without a difference where there is nobody to compare with."""

    treated: Group
    control: Group
    difference: Interval | None
    verdict: Verdict


def compare(kind: InsightKind, treated: Group, control: Group) -> Usefulness:
    """The difference in rates, treated minus control, by Newcombe's hybrid score interval (1998, Statistics in
    Medicine 17, method 10), and what may be said of it.
    """
    if kind in RECOVERY:
        return Usefulness(treated, control, None, "no_control_group")
    with_, without = treated.rate(), control.rate()
    if with_ is None or without is None:
        return Usefulness(treated, control, None, "too_few")
    gap = with_.estimate - without.estimate
    low = gap - sqrt((with_.estimate - with_.low) ** 2 + (without.high - without.estimate) ** 2)
    high = gap + sqrt((with_.high - with_.estimate) ** 2 + (without.estimate - without.low) ** 2)
    if min(treated.customers, control.customers) < FEWEST:
        verdict: Verdict = "too_few"
    elif low > 0:
        verdict = "helped"
    else:
        verdict = "harmed" if high < 0 else "not_shown"
    return Usefulness(treated, control, Interval(gap, low, high), verdict)
