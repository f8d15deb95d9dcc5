"""One smooth function of a continuous and a whole argument, evaluated for very many customers."""

from collections.abc import Callable

import numpy as np
from numpy.polynomial import chebyshev

from services.valuation.domain.models.histories import Vector

Curve = Callable[[float, Vector], Vector]

_DIRECT = 256
_DEGREES = (24, 48, 96, 192)
_TOLERANCE = 1e-13
_CHUNK = 16_384


def curves_by_group(group: Vector, argument: Vector, curve: Curve) -> Vector:
    """curve(group, argument) row by row, for whole numbers `group` and positive `argument` of equal length.

    `curve(g, values)` is costly and smooth in log(values). Groups of many rows are read off a Chebyshev series in
    it, whose length is found by its last coefficients (relative error about 1e-12); others are evaluated as they
    are, in bounded pieces.
    """
    found = np.empty(len(group))
    if len(group) == 1:
        return curve(float(group[0]), argument)
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    for start, end in zip(starts, np.append(starts[1:], len(group)), strict=True):
        rows = order[start:end]
        found[rows] = _one_group(float(ordered[start]), argument[rows], curve)
    return found


def _one_group(group: float, argument: Vector, curve: Curve) -> Vector:
    low, high = np.log(argument.min()), np.log(argument.max())
    series = None
    if len(argument) > _DIRECT and high > low:
        series = _series(lambda at: curve(group, np.exp(low + (high - low) * 0.5 * (at + 1))))
    found = np.empty(len(argument))
    step = _DIRECT if series is None else _CHUNK
    for start in range(0, len(argument), step):
        rows = slice(start, start + step)
        if high == low:
            found[rows] = curve(group, argument[:1])
        elif series is None:
            found[rows] = curve(group, argument[rows])
        else:
            found[rows] = chebyshev.chebval(2 * (np.log(argument[rows]) - low) / (high - low) - 1, series)
    return found


def _series(function: Callable[[Vector], Vector]) -> Vector | None:
    """Chebyshev coefficients of a function on [-1, 1], or None when the longest series does not settle."""
    for degree in _DEGREES:
        points = chebyshev.chebpts1(degree + 1)
        # Least squares at as many points as coefficients: the interpolating polynomial, by orthogonality.
        series = chebyshev.chebvander(points, degree).T @ function(points) * (2 / (degree + 1))
        series[0] /= 2
        size = np.abs(series)
        negligible = _TOLERANCE * size.max()
        if size[-4:].max() <= negligible:
            return np.asarray(series[: int(np.flatnonzero(size > negligible)[-1]) + 1])
    return None
