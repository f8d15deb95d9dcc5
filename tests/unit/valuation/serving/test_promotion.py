"""Each check can refuse a candidate by itself, and a sound one passes all of them."""

import math
from dataclasses import replace

import numpy as np
import pytest

from services.valuation.domain.models.beta_geometric import MbgNbd
from services.valuation.domain.models.fitting import NO_MODEL, Fit
from services.valuation.domain.models.gamma_gamma import GammaGamma
from services.valuation.domain.models.histories import Histories, Spends
from services.valuation.domain.serving.errors import RefitStepImpossibleError
from services.valuation.domain.serving.promotion import Candidate, carries, judge
from services.valuation.domain.serving.refit import refit
from services.valuation.domain.serving.refit_status import (
    OPEN,
    TRANSITIONS,
    RefitCommand,
    RefitStatus,
    next_status,
)
from services.valuation.domain.serving.scoring import ValueModel

BUYING = Fit(
    model="mbg-nbd",
    asked="mbg-nbd",
    parameters=MbgNbd(0.5, 40.0, 0.9, 1.6),
    log_likelihood=-100.0,
    customers=500.0,
    converged=True,
    method="weak prior",
)
SPEND = replace(BUYING, model="gamma-gamma", asked="gamma-gamma", parameters=GammaGamma(6.0, 4.0, 1500.0))
SOUND = Candidate(
    buying=BUYING,
    spend=SPEND,
    expected=1000.0,
    expected_now=900.0,
    pace=1500.0,
    spend_needed=True,
    on_hold=False,
)


def refused(candidate: Candidate) -> list[str]:
    return [check.name for check in judge(candidate) if not check.passed]


def test_a_sound_candidate_passes() -> None:
    assert refused(SOUND) == []
    assert all(check.detail for check in judge(SOUND))


@pytest.mark.parametrize(
    ("candidate", "names"),
    [
        (replace(SOUND, buying=replace(BUYING, converged=False)), ["converged"]),
        (replace(SOUND, buying=replace(BUYING, parameters=MbgNbd(2e4, 40.0, 0.9, 1.6))), ["bounds"]),
        (replace(SOUND, buying=replace(BUYING, parameters=MbgNbd(0.5, 40.0, 1e-6, 1.6))), ["bounds"]),
        (replace(SOUND, expected=1801.0), ["total"]),
        (replace(SOUND, expected=449.0), ["total"]),
        (replace(SOUND, expected=math.inf), ["total"]),
        (replace(SOUND, expected_now=None, expected=7501.0), ["total"]),
        (replace(SOUND, spend=replace(SPEND, converged=False)), ["spend"]),
        (replace(SOUND, spend=replace(SPEND, model=NO_MODEL, parameters=None)), ["spend"]),
        (replace(SOUND, on_hold=True), ["hold"]),
        (
            replace(SOUND, buying=replace(BUYING, parameters=None, converged=False), expected=None),
            ["model", "converged", "total"],
        ),
    ],
)
def test_each_check_refuses_and_says_why(candidate: Candidate, names: list[str]) -> None:
    assert refused(candidate) == names


@pytest.mark.parametrize(
    "candidate",
    [
        replace(SOUND, buying=replace(BUYING, parameters=MbgNbd(0.5, 4e6, 0.9, 1.6))),
        replace(SOUND, expected_now=None),
        replace(SOUND, spend=replace(SPEND, parameters=None), spend_needed=False),
    ],
)
def test_a_scale_of_any_size_a_first_model_and_one_without_spend_may_pass(candidate: Candidate) -> None:
    assert refused(candidate) == []


def test_a_refit_starts_from_the_version_in_force_and_finds_the_same_in_fewer_steps() -> None:
    rng = np.random.default_rng(7)
    rate, alive = rng.gamma(0.8, 1 / 40, 600), rng.exponential(200, 600)
    age = rng.integers(100, 300, 600).astype(float)
    frequency = rng.poisson(rate * np.minimum(alive, age)).astype(float)
    recency = np.where(frequency > 0, np.ceil(rng.random(600) * np.minimum(alive, age)), 0.0)
    histories = Histories.of(frequency, np.minimum(recency, age), age)
    spends = Spends.of(frequency, np.where(frequency > 0, rng.gamma(6.0, 500.0, 600), 0.0))
    cold = refit(MbgNbd, histories, spends, None)
    assert isinstance(cold.buying.parameters, MbgNbd)
    spend = cold.spend.parameters
    assert isinstance(spend, GammaGamma)
    warm = refit(MbgNbd, histories, spends, ValueModel(1, cold.buying.parameters, spend))
    assert warm.buying.evaluations < cold.buying.evaluations
    assert warm.expected == pytest.approx(cold.expected, rel=1e-3)
    assert warm.expected_now == pytest.approx(cold.expected)
    assert (warm.customers, cold.expected_now) == (600, None)
    assert warm.pace == pytest.approx(frequency.sum() / age.sum() * 365.25 * 600)
    assert carries(warm.spend)


def test_customers_of_today_only_give_no_pace_and_no_exception() -> None:
    found = refit(MbgNbd, Histories.of([0.0], [0.0], [0.0]), Spends.of([0.0], [0.0]), None)
    assert (found.pace, found.expected) == (0.0, None)


def test_a_job_that_is_done_can_do_nothing_more() -> None:
    for status in set(RefitStatus) - OPEN:
        for command in RefitCommand:
            with pytest.raises(RefitStepImpossibleError):
                next_status(status, command)
    assert {row.target for row in TRANSITIONS} | {RefitStatus.FITTING} == set(RefitStatus)
