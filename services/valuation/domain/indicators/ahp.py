"""Weights from pairwise judgements: the analytic hierarchy process.

Saaty, T. L. (1980), The Analytic Hierarchy Process; (2003), Decision-making with the AHP: Why is the principal
eigenvector necessary, European Journal of Operational Research 145, 85-91. A judgement a[i][j] says how many
times as important item i is as item j, on the scale 1/9 … 9.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from services.valuation.domain.indicators.errors import (
    JudgementMatrixNotSquareError,
    JudgementOutOfRangeError,
    JudgementsNotReciprocalError,
)
from shared.kernel.errors import FieldError

Matrix = Sequence[Sequence[float]]

# Mean consistency index of random reciprocal matrices of order n (Saaty 1980), from n = 1.
RANDOM_INDEX = (0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49, 1.51, 1.48, 1.56, 1.57, 1.59)
MOST_ITEMS = len(RANDOM_INDEX)
CONSISTENCY_LIMIT = 0.1
SHOWN_JUDGEMENTS = 3
# People write 1/3 as .33: what is this near to a reciprocal is taken for one.
ROUNDING = 0.03
_SCALE = [Fraction(1, n) for n in range(9, 1, -1)] + [Fraction(n) for n in range(1, 10)]


@dataclass(frozen=True, slots=True)
class Judgement:
    """One judgement beside what the rest of the matrix says about the same two items.

    row, column  positions of the items, from 0, row < column
    given        the judgement made: how many times as important the row's item is
    deviation    factor ≥ 1 by which it differs from the ratio of the weights (Saaty 2003, the matrix epsilon)
    fitting      ratio of the weights that all other judgements give (Harker's incomplete matrix), in 1/9 … 9
    suggested    the step of the scale next to `fitting`
    """

    row: int
    column: int
    given: float
    deviation: float
    fitting: float
    suggested: Fraction


@dataclass(frozen=True, slots=True)
class Priorities:
    """Weights that sum to 1, how consistent the judgements behind them are, and the worst of these.

    index is (eigenvalue − n) / (n − 1), ratio is index over the random index of the order; both 0 for n ≤ 2.
    """

    weights: tuple[float, ...]
    eigenvalue: float
    index: float
    ratio: float
    worst: tuple[Judgement, ...]

    @property
    def is_consistent(self) -> bool:
        return self.ratio < CONSISTENCY_LIMIT


def prioritise(matrix: Matrix, *, field: str = "matrix") -> Priorities:
    """The principal eigenvector of a checked matrix of order n ≤ 15, normalised to sum 1.

    field  the path of the matrix in the input, for the errors of `checked`
    """
    judged = checked(matrix, field=field)
    order = len(judged)
    eigenvalue, weights = _principal(judged)
    index = max(0.0, (eigenvalue - order) / (order - 1)) if order > 2 else 0.0
    ratio = index / RANDOM_INDEX[order - 1] if order > 2 else 0.0
    return Priorities(
        tuple(float(weight) for weight in weights), eigenvalue, index, ratio, _worst(judged, weights)
    )


def checked(matrix: Matrix, *, field: str = "matrix") -> NDArray[np.float64]:
    """The matrix with exact reciprocals, shape (n, n); the judgement ≥ 1 of each pair is kept as it was given.

    Raises `JudgementMatrixNotSquareError`, `JudgementOutOfRangeError`, `JudgementsNotReciprocalError`.
    """
    order = len(matrix)
    if not 1 <= order <= MOST_ITEMS or any(len(row) != order for row in matrix):
        raise JudgementMatrixNotSquareError(field_errors=[_error(field, "square", "As many columns as rows")])
    judged = np.array(matrix, dtype=np.float64)
    for row in range(order):
        for column in range(row, order):
            upper, lower = judged[row, column], judged[column, row]
            for one, place in ((upper, (row, column)), (lower, (column, row))):
                if not (1 - ROUNDING) / 9 <= one <= 9:
                    where = f"{field}[{place[0]}][{place[1]}]"
                    raise JudgementOutOfRangeError(
                        f"{one:g} is not between 1/9 and 9",
                        field_errors=[_error(where, "range", "Give a judgement between 1/9 and 9")],
                    )
            if abs(upper * lower - 1) > ROUNDING:
                where = f"{field}[{column}][{row}]"
                raise JudgementsNotReciprocalError(
                    f"{upper:g} one way and {lower:g} the other way do not multiply to 1",
                    field_errors=[_error(where, "reciprocal", f"Give {_text(1 / upper)}")],
                )
            if upper >= lower:
                judged[column, row] = 1 / upper
            else:
                judged[row, column] = 1 / lower
    np.fill_diagonal(judged, 1.0)
    return judged


def _principal(matrix: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Perron root and vector (sum 1) of a primitive matrix: real, simple, and the largest."""
    values, vectors = np.linalg.eig(matrix)
    largest = int(np.argmax(values.real))
    vector = np.abs(vectors[:, largest].real)
    return float(values[largest].real), vector / vector.sum()


def _worst(judged: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[Judgement, ...]:
    order = len(judged)
    if order < 3:
        return ()
    deviations = np.abs(np.log(judged * weights[np.newaxis, :] / weights[:, np.newaxis]))
    pairs = [(row, column) for row in range(order) for column in range(row + 1, order)]
    pairs.sort(key=lambda pair: (-round(float(deviations[pair]), 9), pair))
    found = []
    for row, column in pairs[:SHOWN_JUDGEMENTS]:
        fitting = _fitting(judged, row, column)
        suggested = min(_SCALE, key=lambda step: abs(np.log(float(step) / fitting)))
        given = float(judged[row, column])
        found.append(
            Judgement(row, column, given, float(np.exp(deviations[row, column])), fitting, suggested)
        )
    return tuple(found)


def _fitting(judged: NDArray[np.float64], row: int, column: int) -> float:
    """w[row] / w[column] when this judgement is left out (Harker 1987, Mathematical Modelling 9, 353-360)."""
    others = judged.copy()
    others[row, column] = others[column, row] = 0.0
    others[row, row] = others[column, column] = 2.0
    _, weights = _principal(others)
    return float(np.clip(weights[row] / weights[column], 1 / 9, 9.0))


def _error(field: str, rule: str, message: str) -> FieldError:
    return FieldError(field, rule, message)


def _text(ratio: float) -> str:
    return str(Fraction(ratio).limit_denominator(99))
