"""Gauss rules: an integral over the mixing distribution of a model as a short weighted sum."""

from functools import lru_cache

import numpy as np
from scipy.linalg import eigh_tridiagonal

from services.valuation.domain.models.histories import Vector

_LEAST_POINT = 1e-14


@lru_cache(maxsize=4096)
def beta_rule(a: float, b: float, nodes: int) -> tuple[Vector, Vector]:
    """Points p in (0, 1) and weights with sum 1: E[f(p)], p ~ Beta(a, b), is weights · f(points).

    Exact for polynomials of degree 2 nodes - 1. Golub and Welsch (1969): points are the eigenvalues of the
    tridiagonal matrix of the Jacobi polynomials' recurrence, weights the squares of the eigenvectors' first
    components, so that nothing overflows however large a and b are.
    """
    k = np.arange(1, nodes, dtype=np.float64)
    total = a + b - 2
    twice = 2 * k + total
    diagonal = np.empty(nodes)
    diagonal[0] = a / (a + b)
    diagonal[1:] = 0.5 + 0.5 * (a - b) * total / (twice * (twice + 2))
    square = np.empty(nodes - 1)
    square[0] = a * b / ((a + b) ** 2 * (a + b + 1))
    j, twice = k[1:], twice[1:]
    square[1:] = j * (j + b - 1) * (j + a - 1) * (j + total) / (twice**2 * (twice + 1) * (twice - 1))
    points, vectors = eigh_tridiagonal(diagonal, np.sqrt(square))
    # With a tiny a the least points are below what the matrix resolves; f is flat there.
    return np.maximum(points, _LEAST_POINT), vectors[0] ** 2


@lru_cache(maxsize=8)
def uniform_rule(nodes: int) -> tuple[Vector, Vector]:
    """Points in (0, 1) and weights with sum 1 for the mean of f over (0, 1) (Gauss and Legendre)."""
    points, weights = np.polynomial.legendre.leggauss(nodes)
    return 0.5 * (points + 1), 0.5 * weights
