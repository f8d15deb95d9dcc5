"""What the models are told of customers: columns of equal length, checked once.

All classes are columns of float64, one row a customer or a group of `weight` equal customers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from services.valuation.domain.models.errors import HistoryInvalidError, NoCustomersError

Vector = npt.NDArray[np.float64]

MOST_PERIODS = 1000
"""Chances a BG/BB history may have: the likelihood sums over each of them."""

Rule = tuple[str, npt.NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Histories:
    """Purchases in continuous time, all in one unit (day or week).

    frequency  x: repeat purchases, a whole number
    recency    t_x: time of the last purchase after the first one, 0 without a repeat
    age        T: time from the first purchase to the end of observation
    weight     how many customers the row stands for
    """

    frequency: Vector
    recency: Vector
    age: Vector
    weight: Vector

    @classmethod
    def of(
        cls,
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        age: npt.ArrayLike,
        weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Raises NoCustomersError and HistoryInvalidError."""
        columns = _columns(("frequency", frequency), ("recency", recency), ("T", age), ("weight", weight))
        x, t_x, observed, weights = columns
        _check(
            [
                *_common(x, weights),
                ("recency must be a number of at least 0", ~(np.isfinite(t_x) & (t_x >= 0))),
                ("T must be a number of at least 0", ~(np.isfinite(observed) & (observed >= 0))),
                ("recency must not exceed T", t_x > observed),
                ("recency must be 0 where frequency is 0", (x == 0) & (t_x > 0)),
            ]
        )
        return cls(x, t_x, observed, weights)

    def __len__(self) -> int:
        return len(self.frequency)


@dataclass(frozen=True, slots=True)
class DiscreteHistories:
    """Purchases at discrete chances, at most one each.

    frequency  x: chances that were taken, a whole number
    recency    t_x: the last chance that was taken, counted from 1; 0 when none was
    periods    n: chances there were, at most MOST_PERIODS
    """

    frequency: Vector
    recency: Vector
    periods: Vector
    weight: Vector

    @classmethod
    def of(
        cls,
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        periods: npt.ArrayLike,
        weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Raises NoCustomersError and HistoryInvalidError."""
        columns = _columns(
            ("frequency", frequency), ("recency", recency), ("periods", periods), ("weight", weight)
        )
        x, t_x, n, weights = columns
        _check(
            [
                *_common(x, weights),
                ("recency must be a whole number of at least 0", ~_is_count(t_x)),
                (
                    f"periods must be a whole number from 0 to {MOST_PERIODS}",
                    ~(_is_count(n) & (n <= MOST_PERIODS)),
                ),
                ("recency must not exceed periods", t_x > n),
                ("frequency must not exceed recency", x > t_x),
                ("recency must be 0 where frequency is 0", (x == 0) & (t_x > 0)),
            ]
        )
        return cls(x, t_x, n, weights)

    def __len__(self) -> int:
        return len(self.frequency)


@dataclass(frozen=True, slots=True)
class Spends:
    """Average spend of repeat purchases, in any one money unit; rows without a repeat say nothing.

    frequency      x: repeat purchases, a whole number
    average_spend  mean spend a repeat purchase, 0 without a repeat
    """

    frequency: Vector
    average_spend: Vector
    weight: Vector

    @classmethod
    def of(
        cls,
        frequency: npt.ArrayLike,
        average_spend: npt.ArrayLike,
        weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Raises NoCustomersError and HistoryInvalidError."""
        x, spend, weights = _columns(
            ("frequency", frequency), ("monetary_value", average_spend), ("weight", weight)
        )
        bad_spend = ~(np.isfinite(spend) & (spend >= 0))
        _check([*_common(x, weights), ("monetary_value must be a number of at least 0", bad_spend)])
        return cls(x, spend, weights)

    def __len__(self) -> int:
        return len(self.frequency)


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """Subscriptions, whose end is observed.

    periods  for a subscriber: renewals so far; for one that has ended: the period whose renewal failed, from 1
    ended    1 when the subscription has ended, else 0
    """

    periods: Vector
    ended: Vector
    weight: Vector

    @classmethod
    def of(cls, periods: npt.ArrayLike, ended: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> Self:
        """Raises NoCustomersError and HistoryInvalidError."""
        t, over, weights = _columns(("periods", periods), ("ended", ended), ("weight", weight))
        _check(
            [
                ("weight must be a number above 0", ~(np.isfinite(weights) & (weights > 0))),
                ("periods must be a whole number of at least 0", ~_is_count(t)),
                ("ended must be 0 or 1", ~np.isin(over, (0, 1))),
                ("periods must be at least 1 where the subscription has ended", (over == 1) & (t < 1)),
            ]
        )
        return cls(t, over, weights)

    def __len__(self) -> int:
        return len(self.periods)


def _columns(*named: tuple[str, npt.ArrayLike | None]) -> list[Vector]:
    first = np.atleast_1d(np.asarray(named[0][1], dtype=np.float64))
    columns = [
        np.ones_like(first) if given is None else np.atleast_1d(np.asarray(given, dtype=np.float64))
        for _, given in named
    ]
    for (name, _), column in zip(named, columns, strict=True):
        if column.shape != first.shape or column.ndim != 1:
            raise HistoryInvalidError(0, f"{name} must be one column as long as {named[0][0]}")
    if not len(first):
        raise NoCustomersError
    return columns


def _is_count(values: Vector) -> npt.NDArray[np.bool_]:
    return np.asarray(np.isfinite(values) & (values >= 0) & (values == np.floor(values)))


def _common(frequency: Vector, weight: Vector) -> Iterable[Rule]:
    yield "frequency must be a whole number of at least 0", ~_is_count(frequency)
    yield "weight must be a number above 0", ~(np.isfinite(weight) & (weight > 0))


def _check(rules: Iterable[Rule]) -> None:
    for message, broken in rules:
        if broken.any():
            raise HistoryInvalidError(int(np.argmax(broken)), message)
