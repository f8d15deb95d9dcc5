"""Equal customers counted once: what a likelihood costs follows the number of distinct histories."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.valuation.domain.models.histories import Histories, Vector

# Odd 64-bit constants (fractional parts of the golden ratio, of √2 and of √3) that spread the bits of a key.
_SPREAD = (0x9E3779B97F4A7C15, 0x6A09E667F3BCC909, 0xBB67AE8584CAA73B)


def distinct_rows(columns: tuple[Vector, ...], weight: Vector) -> tuple[tuple[Vector, ...], Vector]:
    """The distinct rows of up to three columns and the weight of each; order is arbitrary.

    One sort of a 64-bit key for each row. Should two different rows ever have the same key, the rows are given
    back uncounted: slower, not wrong.
    """
    key = np.zeros(len(weight), dtype=np.uint64)
    for column, spread in zip(columns, _SPREAD, strict=False):
        # Adding 0.0 makes -0.0 the same as 0.0.
        key ^= (column + 0.0).view(np.uint64) * np.uint64(spread)
        key ^= key >> np.uint64(29)
        key *= np.uint64(_SPREAD[0])
    order = np.argsort(key)
    key = key[order]
    starts_here = np.empty(len(key), dtype=bool)
    starts_here[0] = True
    np.not_equal(key[1:], key[:-1], out=starts_here[1:])
    starts = np.flatnonzero(starts_here)
    found = []
    for column in columns:
        ordered = column[order]
        if np.any((ordered[1:] != ordered[:-1]) & ~starts_here[1:]):
            return columns, weight
        found.append(ordered[starts])
    return tuple(found), np.add.reduceat(weight[order], starts)


def totals(group: npt.NDArray[np.intp], weight: Vector, groups: int = 0) -> Vector:
    """Sum of the weights of each group 0, 1, …; of at least `groups` groups."""
    return np.bincount(group, weight, groups).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Counted:
    """Histories as the likelihoods need them. Time in units of `scale`, so that parameters are near 1.

    counts, count_weight               distinct x and their customers
    ages, age_weight, age_purchases    distinct T, their customers and those customers' purchases
    frequency, recency, age, weight    distinct (x, t_x, T), those with x = 0 first
    without_repeat                     how many of these rows have x = 0
    """

    counts: Vector
    count_weight: Vector
    ages: Vector
    age_weight: Vector
    age_purchases: Vector
    frequency: Vector
    recency: Vector
    age: Vector
    weight: Vector
    without_repeat: int
    scale: float

    @classmethod
    def of(cls, histories: Histories) -> "Counted":
        """Time O(n log n) of one sort, then never again in the number of customers."""
        rows, weight = distinct_rows(
            (histories.frequency, histories.recency, histories.age), histories.weight
        )
        order = np.argsort(rows[0], kind="stable")
        frequency, recency, age = (column[order] for column in rows)
        weight = weight[order]
        scale = float(np.average(age, weights=weight)) or 1.0
        counts, x_at = np.unique(frequency, return_inverse=True)
        ages, age_at = np.unique(age, return_inverse=True)
        return cls(
            counts=counts,
            count_weight=totals(x_at, weight),
            ages=ages / scale,
            age_weight=totals(age_at, weight),
            age_purchases=totals(age_at, weight * frequency),
            frequency=frequency,
            recency=recency / scale,
            age=age / scale,
            weight=weight,
            without_repeat=int(np.searchsorted(frequency, 1.0)),
            scale=scale,
        )

    @property
    def customers(self) -> float:
        return float(self.count_weight.sum())

    @property
    def repeaters(self) -> float:
        return float(self.count_weight[self.counts > 0].sum())

    @property
    def purchases(self) -> float:
        return float(self.count_weight @ self.counts)
