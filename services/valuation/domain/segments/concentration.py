"""How concentrated the value is, measured: the curve of shares and the Gini coefficient."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Measure = Literal["realised_value", "spend"]


@dataclass(frozen=True, slots=True)
class RankedSum:
    """The customer at one place, the most valuable first: its value, and the sum of all values up to it."""

    value_minor: int
    sum_minor: int


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The top `customer_share` of the customers bring `value_share` of the value."""

    customer_share: float
    value_share: float


@dataclass(frozen=True, slots=True)
class Concentration:
    """The curve of customers that have bought, from the most valuable on. Losses make it rise above 1 and fall again.

    Without value in all (a sum of 0 or less) there are no shares: no points, and no Gini.
    """

    customers: int
    value_minor: int
    points: tuple[CurvePoint, ...]
    gini: float | None


def curve_of(
    customers: int, value_minor: int, rank_sum: int, ranked: Mapping[int, RankedSum], points: int
) -> Concentration:
    """The curve at `points` equal steps; a customer that a step divides counts in part.

    value_minor  the sum of all values
    rank_sum     the sum of value × place, the most valuable at place 1
    ranked       at least the places ⌊n·k / points⌋ and the one after, for k from 1 to `points`

    Gini = (n + 1) / n − 2 Σ i·x_i / (n Σ x), with x falling in i (Gini's mean difference over twice the mean).
    """
    if customers == 0 or value_minor <= 0:
        return Concentration(customers, value_minor, (), None)
    curve = [CurvePoint(0.0, 0.0)]
    for point in range(1, points + 1):
        whole, part = _split(customers, point, points)
        reached = float(ranked[whole].sum_minor) if whole else 0.0
        if part:
            reached += part * ranked[whole + 1].value_minor
        curve.append(CurvePoint(point / points, reached / value_minor))
    gini = (customers + 1) / customers - 2 * rank_sum / (customers * value_minor)
    return Concentration(customers, value_minor, tuple(curve), gini)


def concentration_of(values_minor: Sequence[int], points: int) -> Concentration:
    """The same from the values themselves, in any order."""
    falling = sorted(values_minor, reverse=True)
    ranked, total, rank_sum = {}, 0, 0
    for place, value in enumerate(falling, start=1):
        total += value
        rank_sum += place * value
        ranked[place] = RankedSum(value, total)
    return curve_of(len(falling), total, rank_sum, ranked, points)


def _split(customers: int, point: int, points: int) -> tuple[int, float]:
    """How many whole customers a step takes, and the part of the next one."""
    whole, rest = divmod(customers * point, points)
    return whole, rest / points
