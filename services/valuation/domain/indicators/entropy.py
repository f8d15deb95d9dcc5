"""Weights from the data: an indicator that tells customers apart weighs more than one that is alike for all.

Shannon, C. E. (1948); as a weighting method Zeleny, M. (1982), Multiple Criteria Decision Making, chapter 7.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def divergences(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """ln(m) − H of each column, where H is the entropy of the column's shares; 0 for a column without a sum.

    values  shape (m rows, k indicators), none negative
    Returns shape (k,). Repeating every row changes nothing, so a grid of quantiles stands for its population.
    """
    rows = len(values)
    totals = values.sum(axis=0)
    has_sum = totals > 0
    shares = np.divide(values, totals, out=np.zeros_like(values, dtype=np.float64), where=has_sum)
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    entropy = -(shares * logs).sum(axis=0)
    return np.where(has_sum, np.maximum(0.0, np.log(rows) - entropy), 0.0) if rows else np.zeros(0)


def entropy_weights(found: Sequence[float]) -> tuple[float, ...]:
    """Divergences as weights that sum to 1; equal ones where nothing diverges, because then the data say nothing."""
    total = sum(found)
    if total <= 0:
        return tuple(1 / len(found) for _ in found)
    return tuple(one / total for one in found)


def mixed(judged: Sequence[float], measured: Sequence[float], judged_share: float) -> tuple[float, ...]:
    """judged_share × AHP weights + (1 − judged_share) × entropy weights; sums to 1 as both do."""
    return tuple(
        judged_share * one + (1 - judged_share) * other for one, other in zip(judged, measured, strict=True)
    )
