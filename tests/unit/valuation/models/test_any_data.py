"""200 seeded data sets, ordinary and odd: every fit gives finite figures or says why there are none."""

import numpy as np
import pytest

from services.valuation.domain.models.catalogue import MODELS, clv
from services.valuation.domain.models.discounting import Discounting
from services.valuation.domain.models.fitting import NO_MODEL, Fit, fit
from services.valuation.domain.models.gamma_gamma import GammaGamma
from services.valuation.domain.models.histories import (
    DiscreteHistories,
    Histories,
    Spends,
    Subscriptions,
    Vector,
)

KINDS = (
    "ordinary",
    "no churn",
    "rare buyers",
    "one-time only",
    "identical",
    "huge counts",
    "same-day repeats",
)
MONTHS = Discounting.by_month(365.0, "day", 0.1)


def histories(kind: str, chance: np.random.Generator) -> Histories:
    customers = int(np.exp(chance.uniform(0, np.log(1000))))
    age = chance.integers(0, 700, customers).astype(float)
    rate = chance.gamma(0.5, 0.1, customers)
    lifetime = chance.exponential(200, customers)
    match kind:
        case "no churn":
            lifetime[:] = np.inf
        case "rare buyers":
            rate /= 100
        case "one-time only":
            rate[:] = 0
        case "huge counts":
            rate[:] = chance.gamma(0.5, 1e4)
        case "identical":
            age[:] = age[0]
            x = np.full(customers, float(chance.integers(0, 9)) * (age[0] > 0))
            return Histories.of(x, np.where(x > 0, np.floor(age / 2), 0), age)
    active = np.minimum(lifetime, age)
    x = chance.poisson(rate * active).astype(float)
    if kind == "same-day repeats":
        x += 1
        return Histories.of(x, np.zeros(customers), age)
    return Histories.of(x, np.where(x > 0, np.floor(active * chance.random(customers) ** 0.3), 0), age)


def checked(fitted: Fit) -> bool:
    """True when there are figures, which then are finite; a fallback has a reason, each once."""
    assert all(fallback.reason for fallback in fitted.fallbacks)
    assert all(f"{one.model}: {one.reason}" in fitted.warnings for one in fitted.fallbacks)
    if fitted.model != fitted.asked:
        assert fitted.fallbacks
    if fitted.parameters is None:
        assert fitted.model == NO_MODEL
        assert fitted.log_likelihood is None
        return False
    assert np.isfinite(fitted.parameters.logs()).all()
    assert fitted.log_likelihood is not None
    assert np.isfinite(fitted.log_likelihood)
    return True


def sound(purchases: Vector, alive: Vector) -> None:
    assert np.isfinite(purchases).all()
    assert (purchases >= 0).all()
    assert ((alive >= 0) & (alive <= 1)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_no_data_set_with_a_customer_raises_or_gives_a_figure_that_is_none(kind: str) -> None:
    chance = np.random.default_rng(KINDS.index(kind))
    reached = set()
    for turn in range(29):
        data = histories(kind, chance)
        x = data.frequency
        asked = ("bg-nbd", "mbg-nbd", "pareto-nbd")[turn % 3]
        fitted = fit(MODELS[asked], data)
        reached.add(fitted.model)
        spend = np.where(x > 0, chance.gamma(3.0, 10.0) * chance.random(len(x)), 0)
        spending = fit(MODELS["gamma-gamma"], Spends.of(x, spend))
        if checked(spending) and checked(fitted):
            columns = (x, data.recency, data.age)
            sound(fitted.parameters.expected_purchases(*columns, 365.0), fitted.parameters.p_alive(*columns))
            assert isinstance(spending.parameters, GammaGamma)
            assert np.isfinite(clv(fitted.parameters, spending.parameters, columns, spend, MONTHS)).all()
        n = np.minimum(data.age // 30, 24)
        taken = np.minimum(x, n // 2)
        discrete = DiscreteHistories.of(taken, np.where(taken > 0, np.minimum(taken + n // 3, n), 0), n)
        chances = fit(MODELS["bg-bb"], discrete)
        if checked(chances):
            columns = (taken, discrete.recency, n)
            sound(chances.parameters.expected_purchases(*columns, 12), chances.parameters.p_alive(*columns))
        subscriptions = Subscriptions.of(n, (n > 0) & (x % 2 == 0))
        checked(fit(MODELS["s-bg"], subscriptions))
    if kind == "one-time only":
        assert reached == {NO_MODEL}
    elif kind == "ordinary":
        assert {"bg-nbd", "mbg-nbd", "pareto-nbd"} <= reached
