"""Expectations against simulated futures and against the papers' closed forms, which share no code with ours."""

import numpy as np
import pytest
from scipy.special import hyp2f1

from services.valuation.domain.models.beta_geometric import BgNbd, MbgNbd
from services.valuation.domain.models.bg_bb import BgBb
from services.valuation.domain.models.discounting import Discounting
from services.valuation.domain.models.gamma_gamma import GammaGamma, spend_frequency_correlation
from services.valuation.domain.models.histories import Spends
from services.valuation.domain.models.pareto_nbd import ParetoNbd

BG = BgNbd(r=0.2426, alpha=4.4135, a=0.7929, b=2.4258)
MBG = MbgNbd(r=0.525, alpha=6.183, a=0.891, b=1.614)
PARETO = ParetoNbd(r=0.553, alpha=10.578, s=0.606, beta=11.669)
HISTORIES = [(1, 5.0, 20.0), (2, 30.43, 38.86), (7, 35.0, 38.0), (26, 30.86, 31.0)]


@pytest.mark.parametrize(("x", "t_x", "age"), HISTORIES)
@pytest.mark.parametrize("horizon", [1.0, 39.0, 300.0])
def test_bg_nbd_agrees_with_the_closed_form(x: int, t_x: float, age: float, horizon: float) -> None:
    r, alpha, a, b = BG.r, BG.alpha, BG.a, BG.b
    end = alpha + age
    series = hyp2f1(r + x, b + x, a + b + x - 1, horizon / (end + horizon))
    alive = (a + b + x - 1) / (a - 1) * (1 - (end / (end + horizon)) ** (r + x) * series)
    odds = a / (b + x - 1) * (end / (alpha + t_x)) ** (r + x)
    assert float(BG.expected_purchases(x, t_x, age, horizon)) == pytest.approx(alive / (1 + odds), rel=1e-9)


@pytest.mark.parametrize(("x", "t_x", "age"), [(0, 0.0, 20.0), *HISTORIES])
def test_pareto_nbd_agrees_with_the_closed_form(x: int, t_x: float, age: float) -> None:
    r, alpha, s, beta = PARETO.r, PARETO.alpha, PARETO.s, PARETO.beta
    power, gap = r + s + x, beta - alpha

    def part(at: float) -> float:
        return float(hyp2f1(power, r + x, power + 1, gap / (beta + at)) / (beta + at) ** power)

    both = (alpha + age) ** -(r + x) * (beta + age) ** -s
    odds = s / power * (part(t_x) - part(age)) / both
    assert float(PARETO.p_alive(x, t_x, age)) == pytest.approx(1 / (1 + odds), rel=1e-8)


def test_simulated_newcomers_buy_as_often_as_expected() -> None:
    chance = np.random.default_rng(5)
    customers, horizon = 200_000, 30.0
    for model, chances in ((BG, 0), (MBG, 1)):
        rate = chance.gamma(model.r, 1 / model.alpha, customers)
        leaving = chance.beta(model.a, model.b, customers)
        alive = chance.random(customers) >= leaving if chances else np.ones(customers, dtype=bool)
        clock, bought = np.zeros(customers), np.zeros(customers)
        while alive.any():
            clock[alive] += chance.exponential(size=int(alive.sum())) / np.maximum(rate[alive], 1e-300)
            alive &= clock < horizon
            bought[alive] += 1
            alive &= chance.random(customers) >= leaving
        error = bought.std() / np.sqrt(customers)
        assert abs(bought.mean() - model.expected_purchases_of_new(horizon)) < 4 * error


def test_limits_are_continuous_and_finite() -> None:
    """a = 1 and s = 1, where closed forms divide by zero, and counts at which their terms overflow."""
    for a in (1.0, 1 + 1e-9):
        near = float(BgNbd(0.5, 5, a, 2).expected_purchases(3, 20, 30, 40))
        assert near == pytest.approx(
            float(BgNbd(0.5, 5, 1 - 1e-7, 2).expected_purchases(3, 20, 30, 40)), rel=1e-6
        )
    exact = float(ParetoNbd(0.5, 5, 1.0, 9).expected_purchases(3, 20, 30, 40))
    assert exact == pytest.approx(
        float(ParetoNbd(0.5, 5, 1 + 1e-7, 9).expected_purchases(3, 20, 30, 40)), rel=1e-6
    )
    for model in (BG, MBG, PARETO):
        # A customer of 1,000 purchases in 40 weeks who bought a moment ago makes 25 a week as long as he stays.
        assert 0 < float(model.expected_purchases(1000, 39.99, 40, 1)) <= 25
        assert float(model.p_alive(1000, 1, 40)) < 1e-12


def test_many_customers_get_the_figures_of_each_alone() -> None:
    """Read off a series or not, the figure is the same."""
    age = np.linspace(0, 400, 3000)
    months = Discounting.by_month(52.0, "week", 0.1)
    together = MBG.discounted_purchases(2, age / 2, age, months)
    alone = [float(MBG.discounted_purchases(2, one / 2, one, months)) for one in age[::250]]
    assert together[::250] == pytest.approx(alone, rel=1e-10)


def test_discounting_weighs_each_step_from_its_end() -> None:
    months = Discounting.by_month(52.0, "week", 0.1)
    upto = [0.0, *(float(BG.expected_purchases(2, 30, 38, end)) for end in months.ends)]
    expected = sum(np.diff(upto) * 1.1 ** (-months.ends * 7 / 365.25))
    assert float(BG.discounted_purchases(2, 30, 38, months)) == pytest.approx(expected, rel=1e-9)


def test_donors_to_come_are_the_sum_over_their_fates() -> None:
    """BG/BB over a grid of both chances, weighed by the likelihood of a donor who gave at 1 and 3 of 4 chances."""
    model = BgBb(alpha=1.204, beta=0.750, gamma=1.657, delta=2.783)
    p, q = np.meshgrid(*2 * [(np.arange(600) + 0.5) / 600])
    prior = p**0.204 * (1 - p) ** -0.25 * q**0.657 * (1 - q) ** 1.783
    stays = 1 - q
    alive = prior * p**2 * (1 - p) ** 2 * stays**4
    total = alive + prior * p**2 * (1 - p) * q * stays**3
    expected = (alive * p * (stays + stays**2)).sum() / total.sum()
    assert float(model.expected_purchases(2, 3, 4, 2)) == pytest.approx(expected, rel=5e-3)


def test_spend_to_come_lies_between_own_and_all() -> None:
    model = GammaGamma(p=6.25, q=3.74, gamma=15.44)
    of_all = 6.25 * 15.44 / 2.74
    assert float(model.expected_average_spend(0, 0)) == pytest.approx(of_all)
    few, many = model.expected_average_spend([1, 50], [90.0, 90.0])
    assert of_all < few < many < 90


def test_correlation_of_spend_and_frequency_is_seen() -> None:
    chance = np.random.default_rng(3)
    x, z = 1 + chance.poisson(3, 500), chance.gamma(5, 7, 500)
    none, some = (spend_frequency_correlation(Spends.of(x, spend)) for spend in (z, z + 5 * x))
    assert none is not None
    assert some is not None
    assert none.p_value > 0.05
    assert some.coefficient > 0.2
    assert some.p_value < 1e-6
    assert spend_frequency_correlation(Spends.of([2, 2, 2], [5, 6, 7])) is None
