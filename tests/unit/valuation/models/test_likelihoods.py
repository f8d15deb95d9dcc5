"""Gradients against differences, and maxima against an optimiser that knows no gradient, on data made here."""

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from services.valuation.domain.models.beta_geometric import BgNbd, MbgNbd
from services.valuation.domain.models.bg_bb import BgBb
from services.valuation.domain.models.fitting import fit
from services.valuation.domain.models.gamma_gamma import GammaGamma
from services.valuation.domain.models.histories import DiscreteHistories, Histories, Spends, Subscriptions
from services.valuation.domain.models.parameters import Parameters
from services.valuation.domain.models.pareto_nbd import ParetoNbd
from services.valuation.domain.models.shifted_beta_geometric import ShiftedBetaGeometric

CUSTOMERS = 600


def bought(seed: int) -> Histories:
    """Purchases of customers who drop out after each with a chance of their own, until T."""
    chance = np.random.default_rng(seed)
    rows = []
    for _ in range(CUSTOMERS):
        rate, leaving, age = chance.gamma(0.8) / 5, chance.beta(0.9, 2.5), chance.uniform(10, 40)
        x, last = 0, 0.0
        while (after := last + chance.exponential(1 / rate)) < age:
            x, last = x + 1, after
            if chance.random() < leaving:
                break
        rows.append((x, last, age))
    return Histories.of(*np.array(rows).T)


def data_for(model: type[Parameters], seed: int) -> Any:
    chance = np.random.default_rng(seed)
    if model is GammaGamma:
        x = chance.poisson(2, CUSTOMERS)
        spend = chance.gamma(6.0 * np.maximum(x, 1)) / np.maximum(x, 1) / chance.gamma(4.0, 1 / 15, CUSTOMERS)
        return Spends.of(x, np.where(x > 0, spend, 0))
    n = chance.integers(3, 9, CUSTOMERS)
    stays = chance.geometric(chance.beta(0.7, 2.8, CUSTOMERS)) - 1
    if model is ShiftedBetaGeometric:
        return Subscriptions.of(np.minimum(stays + 1, n), stays < n)
    if model is BgBb:
        taken = (chance.random((CUSTOMERS, 9)) < chance.beta(1.2, 0.8, (CUSTOMERS, 1))) & (
            np.arange(9) < np.minimum(stays, n)[:, None]
        )
        recency = np.where(taken.any(axis=1), 9 - np.argmax(taken[:, ::-1], axis=1), 0)
        return DiscreteHistories.of(taken.sum(axis=1), recency, n)
    return bought(seed)


MODELS = (BgNbd, MbgNbd, ParetoNbd, GammaGamma, BgBb, ShiftedBetaGeometric)


@pytest.mark.parametrize("model", MODELS)
def test_gradients_are_those_of_the_likelihood(model: type[Parameters]) -> None:
    problem = model.problem(data_for(model, 11))
    for away in (0.0, 0.4, -0.8):
        at = problem.start + away * np.arange(1, len(problem.start) + 1) / 2
        _, gradient = problem.log_likelihood(at)
        step = 1e-5 * np.eye(len(at))
        differences = [
            (problem.log_likelihood(at + one)[0] - problem.log_likelihood(at - one)[0]) / 2e-5 for one in step
        ]
        assert gradient == pytest.approx(differences, rel=1e-5, abs=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_maxima_are_those_of_an_optimiser_without_gradients(model: type[Parameters]) -> None:
    data = data_for(model, 23)
    problem = model.problem(data)
    found = fit(model, data, plain=True)
    assert found.converged
    assert found.parameters is not None
    at = problem.start
    for _ in range(4):
        searched = minimize(
            lambda logs: -problem.log_likelihood(logs)[0],
            at,
            method="Nelder-Mead",
            options={"xatol": 1e-8, "fatol": 1e-10, "maxfev": 700},
        )
        at = searched.x
    ours, theirs = found.parameters.logs(), at + np.log(problem.unit)
    assert ours == pytest.approx(theirs, abs=1e-4)
