"""Every figure that the papers print, to its printed digits."""

import numpy as np
import pytest

from services.valuation.domain.models.beta_geometric import BgNbd, MbgNbd
from services.valuation.domain.models.bg_bb import BgBb
from services.valuation.domain.models.fitting import fit
from services.valuation.domain.models.gamma_gamma import GammaGamma
from services.valuation.domain.models.histories import DiscreteHistories, Histories, Spends, Subscriptions
from services.valuation.domain.models.parameters import Parameters
from services.valuation.domain.models.pareto_nbd import ParetoNbd
from services.valuation.domain.models.shifted_beta_geometric import ShiftedBetaGeometric

# Fader, Hardie and Shang (2010): (x, t_x, donors) of 6 chances.
DONATIONS = (
    (6, 6, 1203), (5, 6, 728), (4, 6, 512), (3, 6, 357), (2, 6, 234), (1, 6, 129),
    (5, 5, 335), (4, 5, 284), (3, 5, 225), (2, 5, 173), (1, 5, 119),
    (4, 4, 240), (3, 4, 181), (2, 4, 155), (1, 4, 78),
    (3, 3, 322), (2, 3, 255), (1, 3, 129),
    (2, 2, 613), (1, 2, 277),
    (1, 1, 1091),
    (0, 0, 3464),
)  # fmt: skip
# Fader and Hardie (2007): subscribers left of 1,000 after each of seven renewals.
REGULAR = (1000, 631, 468, 382, 326, 289, 262, 241)
HIGH_END = (1000, 869, 743, 653, 593, 551, 517, 491)


def donations() -> DiscreteHistories:
    x, t_x, donors = np.array(DONATIONS, dtype=float).T
    return DiscreteHistories.of(x, t_x, np.full(len(x), 6), donors)


def cohort(left: tuple[int, ...]) -> Subscriptions:
    renewals = len(left) - 1
    weight = [*(-np.diff(left)), left[-1]]
    return Subscriptions.of([*range(1, renewals + 1), renewals], [1] * renewals + [0], weight)


def as_printed(parameters: Parameters, printed: str) -> None:
    """Each parameter rounds to what is printed, at the places printed."""
    for value, text in zip(parameters.as_dict().values(), printed.split(), strict=True):
        assert f"{value:.{len(text.partition('.')[2])}f}".removeprefix("0") == text.removeprefix("0")


@pytest.mark.parametrize(
    ("model", "places", "printed", "log_likelihood"),
    [
        # The spreadsheet of the paper has weeks to two places, which moves b by 0.0002.
        (BgNbd, 2, "0.2426 4.4135 0.7929 2.4258", -9582.4),
        (ParetoNbd, 6, "0.553 10.578 0.606 11.669", -9595.0),
        (MbgNbd, 6, "0.525 6.183 0.891 1.614", -9582.1),
    ],
)
def test_purchases_of_cdnow(
    cdnow: tuple[Histories, Spends], model: type[Parameters], places: int, printed: str, log_likelihood: float
) -> None:
    weeks = cdnow[0]
    rounded = Histories.of(weeks.frequency, weeks.recency.round(places), weeks.age.round(places))
    found = fit(model, rounded, plain=True)
    assert found.converged
    assert found.customers == 2357
    assert found.parameters is not None
    assert found.log_likelihood is not None
    as_printed(found.parameters, printed)
    assert round(found.log_likelihood, 1) == log_likelihood


def test_spends_of_cdnow(cdnow: tuple[Histories, Spends]) -> None:
    found = fit(GammaGamma, cdnow[1], plain=True)
    assert found.customers == 946
    assert found.parameters is not None
    assert found.log_likelihood is not None
    as_printed(found.parameters, "6.25 3.74 15.44")
    assert round(found.log_likelihood, 2) == -4055.92


def test_donations() -> None:
    found = fit(BgBb, donations(), plain=True)
    assert found.customers == 11_104
    assert found.parameters is not None
    assert found.log_likelihood is not None
    as_printed(found.parameters, "1.204 0.750 0.657 2.783")
    assert round(found.log_likelihood, 1) == -33225.6


@pytest.mark.parametrize(("left", "printed"), [(REGULAR, "0.704 1.182"), (HIGH_END, "0.668 3.806")])
def test_subscribers(left: tuple[int, ...], printed: str) -> None:
    found = fit(ShiftedBetaGeometric, cohort(left), plain=True)
    assert found.customers == 1000
    assert found.parameters is not None
    as_printed(found.parameters, printed)


def test_single_expectations() -> None:
    bg = BgNbd(r=0.2426, alpha=4.4135, a=0.7929, b=2.4258)
    assert round(float(bg.expected_purchases(2, 30.43, 38.86, 39)), 3) == 1.226
    pareto = ParetoNbd(r=0.5532773, alpha=10.5776835, s=0.6062400, beta=11.6687352)
    assert round(float(pareto.expected_purchases(26, 30.86, 31, 52)), 2) == 25.46
    assert round(float(pareto.p_alive(26, 30.86, 31)), 4) == 0.9979


def test_default_fit_is_close_to_the_published_one(cdnow: tuple[Histories, Spends]) -> None:
    """The weak prior costs less than a thousandth of a log-likelihood."""
    free, held = fit(MbgNbd, cdnow[0], plain=True), fit(MbgNbd, cdnow[0])
    assert held.model == "mbg-nbd"
    assert not held.fallbacks
    assert free.log_likelihood is not None
    assert held.log_likelihood is not None
    assert 0 < free.log_likelihood - held.log_likelihood < 1e-3
