"""The maximum of a log-likelihood, with how it was found and whether it is one."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from services.valuation.domain.models.histories import Vector

Objective = Callable[[Vector], tuple[float, Vector]]

_REACH = 12.0
"""Log-parameters stay within this distance of their centre: a factor of 160,000 either way."""
_ITERATIONS = 300
_STEPS_OF_NEWTON = 6
_DIFFERENCE = 1e-4
_CONVERGED = 1e-6
"""A maximum is one when the quadratic around it promises less than this in log-likelihood."""
_EXACT = 1e-12


@dataclass(frozen=True, slots=True)
class Problem:
    """A log-likelihood of positive parameters, written in their logs and in a unit that puts them near 1.

    log_likelihood  of log(parameters / unit): value and gradient
    customers       how many the data has, by weight
    informative     how many of them show the behaviour that the model is about, e.g. have bought again
    start           where to begin, centre: where a weak prior has its middle; logs of parameters / unit
    unit            what each parameter is measured in
    missing         why the data can tell nothing at all about the parameters, else None
    constant        what the change of unit takes from the log-likelihood of the data as they were given
    lowest          lower bounds beside those that hold for all models, in logs of parameters / unit
    """

    log_likelihood: Objective
    customers: float
    informative: float
    start: Vector
    centre: Vector
    unit: Vector
    missing: str | None = None
    constant: float = 0.0
    lowest: Vector | None = None


@dataclass(frozen=True, slots=True)
class Prior:
    """Independent normal distributions of the log-parameters."""

    centre: Vector
    deviation: float

    def of(self, logs: Vector) -> tuple[float, Vector]:
        """Log-density up to a constant, and its gradient."""
        away = (logs - self.centre) / self.deviation
        return -0.5 * float(away @ away), -away / self.deviation


@dataclass(frozen=True, slots=True)
class Maximum:
    """logs             the log-parameters
    log_likelihood   there, without the prior
    shortfall        what the quadratic around the point still promises, in log-likelihood
    at_bound         indices of the parameters that rest on a bound
    """

    logs: Vector
    log_likelihood: float
    converged: bool
    evaluations: int
    shortfall: float
    at_bound: tuple[int, ...]


def maximise(problem: Problem, prior: Prior | None = None, start: Vector | None = None) -> Maximum:
    """L-BFGS-B on the log-parameters, then a few steps of Newton's method, which give the last digits.

    `start` (log-parameters in their own unit) is a warm start. Deterministic; bounded in steps.
    """
    evaluations = 0

    def cost(logs: Vector) -> tuple[float, Vector]:
        nonlocal evaluations
        evaluations += 1
        value, gradient = problem.log_likelihood(logs)
        if prior is not None:
            more, slope = prior.of(logs)
            value, gradient = value + more, gradient + slope
        return -value / problem.customers, -gradient / problem.customers

    low, high = problem.centre - _REACH, problem.centre + _REACH
    if problem.lowest is not None:
        low = np.maximum(low, problem.lowest)
    begin = problem.start if start is None else start - np.log(problem.unit)
    found = minimize(
        cost,
        np.clip(begin, low, high),
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(low, high, strict=True)),
        options={"maxiter": _ITERATIONS, "maxfun": 2 * _ITERATIONS, "ftol": 1e-11, "gtol": 1e-6},
    )
    logs, shortfall, at_bound = _newton(cost, np.asarray(found.x), low, high, problem.customers)
    value, _ = problem.log_likelihood(logs)
    return Maximum(
        logs=logs + np.log(problem.unit),
        log_likelihood=value + problem.constant,
        converged=bool(shortfall < _CONVERGED) and bool(np.isfinite(value)),
        evaluations=evaluations,
        shortfall=shortfall,
        at_bound=tuple(int(index) for index in np.flatnonzero(at_bound)),
    )


def _newton(
    cost: Objective, logs: Vector, low: Vector, high: Vector, customers: float
) -> tuple[Vector, float, npt.NDArray[np.bool_]]:
    """The point improved while that is possible, what is still promised, and which parameters rest on a bound."""
    value, gradient = cost(logs)
    shortfall = np.inf
    for _ in range(_STEPS_OF_NEWTON):
        at_bound = ((logs <= low) & (gradient > 0)) | ((logs >= high) & (gradient < 0))
        free = np.flatnonzero(~at_bound)
        if not len(free):
            return logs, 0.0, at_bound
        curvature = _curvature(cost, logs, free)
        try:
            factor = np.linalg.cholesky(curvature)
        except np.linalg.LinAlgError:
            # Not a maximum but a ridge or a saddle: no quadratic to trust.
            return logs, np.inf, at_bound
        halfway = np.linalg.solve(factor, gradient[free])
        shortfall = 0.5 * float(halfway @ halfway) * customers
        if shortfall < _EXACT:
            break
        step = np.zeros_like(logs)
        step[free] = -np.linalg.solve(factor.T, halfway)
        candidate = np.clip(logs + step, low, high)
        next_value, next_gradient = cost(candidate)
        if not next_value <= value + 1e-13 * abs(value):
            break
        logs, value, gradient = candidate, next_value, next_gradient
    at_bound = ((logs <= low) & (gradient > 0)) | ((logs >= high) & (gradient < 0))
    return logs, shortfall, at_bound


def _curvature(cost: Objective, logs: Vector, free: npt.NDArray[np.intp]) -> Vector:
    """Second derivatives in the free parameters, by central differences of the gradient."""
    rows = []
    for index in free:
        step = np.zeros_like(logs)
        step[index] = _DIFFERENCE
        rows.append((cost(logs + step)[1] - cost(logs - step)[1])[free] / (2 * _DIFFERENCE))
    matrix = np.array(rows)
    return np.asarray(0.5 * (matrix + matrix.T))
