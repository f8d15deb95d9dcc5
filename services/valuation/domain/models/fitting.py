"""Parameters for any data: the model asked for if the data carry it, else the next best with the reason.

The ladder: the model asked for → MBG/NBD (for the models in continuous time) → parameters held near those of a larger
population → no model, recency, frequency and spend only. `plain` is pure maximum likelihood: no prior and no ladder.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from services.valuation.domain.models.beta_geometric import BgNbd, MbgNbd
from services.valuation.domain.models.gamma_gamma import Correlation, GammaGamma, spend_frequency_correlation
from services.valuation.domain.models.maximum import Maximum, Prior, Problem, maximise
from services.valuation.domain.models.parameters import Parameters
from services.valuation.domain.models.pareto_nbd import ParetoNbd

NO_MODEL: Final = "rfm-only"
METHOD: Final = "L-BFGS-B and Newton on log-parameters"
ENOUGH_CUSTOMERS = 10
"""Informative customers (repeat buyers, renewals) from which parameters are estimated freely."""

_CONTINUOUS = (BgNbd, MbgNbd, ParetoNbd)
_WEAK = 5.0
"""Standard deviation of a log-parameter in the weak prior: a factor of 100 is nothing unusual."""
_POOLED = 0.3
"""The same around the pooled parameters: a third more or less is nothing unusual."""
_SIGNIFICANT = 0.01
_NOTABLE = 0.1


@dataclass(frozen=True, slots=True)
class Fallback:
    """A rung of the ladder that did not carry, and why."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Fit:
    """Parameters with a report on how they were found.

    model           of the parameters; NO_MODEL, without parameters, when the data can tell nothing
    asked           the model that was asked for
    log_likelihood  of the data at the parameters, without the prior
    customers       in the data, by weight; for gamma-gamma those with a repeat purchase and spend
    converged       the gradient vanishes at a maximum, and no parameter rests on a bound
    shortfall       log-likelihood (with the prior, if any) that the quadratic around the point still promises
    correlation     of spend and frequency, which gamma-gamma assumes to be 0; only there
    """

    model: str
    asked: str
    parameters: Parameters | None
    log_likelihood: float | None
    customers: float
    converged: bool
    method: str
    evaluations: int = 0
    shortfall: float = 0.0
    fallbacks: tuple[Fallback, ...] = ()
    warnings: tuple[str, ...] = ()
    correlation: Correlation | None = None


def fit(
    model: type[Parameters],
    data: Any,
    *,
    plain: bool = False,
    start: Parameters | None = None,
    pooled: Parameters | None = None,
) -> Fit:
    """The model's parameters for `data`, of the class of `histories` that the model takes.

    `start` is a warm start, used where it is of the model fitted: the last fit of the same customers. `pooled` are
    parameters of a larger population, to be held near when the data are few; without them, those typical of a rate as
    in the data. Never raises, and never gives a figure that is not finite, whatever the data.
    """
    problem = model.problem(data)
    if problem.missing is not None:
        fallback = Fallback(model.NAME, problem.missing)
        return _noted(_no_model(model, problem, fallback), model, data)
    if plain:
        found = maximise(replace(problem, lowest=None), None, _start_of(model, start))
        return _noted(_fitted(model, model, problem, found, f"maximum likelihood, {METHOD}"), model, data)
    return _noted(_ladder(model, data, problem, start, pooled), model, data)


def _ladder(
    asked: type[Parameters], data: Any, problem: Problem, start: Parameters | None, pooled: Parameters | None
) -> Fit:
    fallbacks: list[Fallback] = []
    rungs = [asked]
    if asked in _CONTINUOUS and asked is not MbgNbd:
        rungs.append(MbgNbd)
    for rung in rungs:
        problem = problem if rung is asked else rung.problem(data)
        if problem.informative < ENOUGH_CUSTOMERS:
            reason = f"{problem.informative:g} informative customers; {ENOUGH_CUSTOMERS} are needed"
            fallbacks.append(Fallback(rung.NAME, reason))
            continue
        found = maximise(problem, Prior(problem.centre, _WEAK), _start_of(rung, start))
        fitted = _fitted(rung, asked, problem, found, f"weak prior, {METHOD}")
        if fitted.converged:
            return replace(fitted, fallbacks=tuple(fallbacks))
        fallbacks.append(Fallback(rung.NAME, _why_not(rung, found)))
    if pooled is not None and (
        type(pooled) is asked or (asked in _CONTINUOUS and type(pooled) in _CONTINUOUS)
    ):
        last: type[Parameters] = type(pooled)
    else:
        last, pooled = rungs[-1], None
    problem = last.problem(data)
    centre = problem.start if pooled is None else pooled.logs() - np.log(problem.unit)
    found = maximise(replace(problem, centre=centre), Prior(centre, _POOLED), _start_of(last, pooled))
    method = f"{'typical' if pooled is None else 'pooled'} prior, {METHOD}"
    fitted = _fitted(last, asked, problem, found, method)
    if np.isfinite(found.log_likelihood) and np.isfinite(found.logs).all():
        return replace(fitted, fallbacks=tuple(fallbacks))
    return _no_model(asked, problem, *fallbacks, Fallback(last.NAME, _why_not(last, found)))


def _start_of(model: type[Parameters], start: Parameters | None) -> Any:
    return start.logs() if type(start) is model else None


def _fitted(
    model: type[Parameters], asked: type[Parameters], problem: Problem, found: Maximum, method: str
) -> Fit:
    names = [model.names()[index] for index in found.at_bound]
    warnings = []
    if names:
        warnings.append(f"{', '.join(names)} ran to a bound: the likelihood has no maximum inside")
    if not found.converged:
        warnings.append(f"not converged after {found.evaluations} evaluations")
    return Fit(
        model=model.NAME,
        asked=asked.NAME,
        parameters=model.of_logs(found.logs),
        log_likelihood=found.log_likelihood,
        customers=problem.customers,
        converged=found.converged and not names,
        method=method,
        evaluations=found.evaluations,
        shortfall=found.shortfall,
        warnings=tuple(warnings),
    )


def _no_model(asked: type[Parameters], problem: Problem, *fallbacks: Fallback) -> Fit:
    return Fit(
        model=NO_MODEL,
        asked=asked.NAME,
        parameters=None,
        log_likelihood=None,
        customers=problem.customers,
        converged=False,
        method="none",
        fallbacks=fallbacks,
    )


def _why_not(model: type[Parameters], found: Maximum) -> str:
    if found.at_bound:
        return f"{', '.join(model.names()[index] for index in found.at_bound)} ran to a bound"
    return f"no maximum within {found.evaluations} evaluations"


def _noted(fitted: Fit, asked: type[Parameters], data: Any) -> Fit:
    """With what a reader of the figures must know."""
    warnings = [f"{fallback.model}: {fallback.reason}" for fallback in fitted.fallbacks]
    warnings += fitted.warnings
    correlation = None
    if fitted.model == BgNbd.NAME:
        warnings.append(
            "bg-nbd gives p_alive = 1 to every customer without a repeat purchase; mbg-nbd does not"
        )
    if asked is GammaGamma:
        unspent = float(data.weight[(data.frequency > 0) & (data.average_spend <= 0)].sum())
        if unspent:
            warnings.append(f"{unspent:g} repeat buyers without spend were left out")
        correlation = spend_frequency_correlation(data)
        if correlation and abs(correlation.coefficient) > _NOTABLE and correlation.p_value < _SIGNIFICANT:
            warnings.append(
                f"spend and frequency correlate ({correlation.coefficient:.2f}); gamma-gamma assumes that they do not"
            )
    if isinstance(fitted.parameters, GammaGamma) and fitted.parameters.q <= 1:
        warnings.append("q is at most 1: the mean spend of all customers is infinite")
    return replace(fitted, warnings=tuple(warnings), correlation=correlation)
