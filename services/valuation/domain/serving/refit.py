"""A refit: both models from aggregated histories, and the totals that the checks compare."""

from dataclasses import dataclass

from services.valuation.domain.models.fitting import Fit, fit
from services.valuation.domain.models.gamma_gamma import GammaGamma
from services.valuation.domain.models.histories import Histories, Spends
from services.valuation.domain.models.parameters import Parameters
from services.valuation.domain.serving.scoring import HORIZON_DAYS, ValueModel, buying_model


@dataclass(frozen=True, slots=True)
class Refitted:
    """What a refit found; the totals are those of `promotion.Candidate`."""

    buying: Fit
    spend: Fit
    expected: float | None
    expected_now: float | None
    pace: float
    customers: int


def refit(
    asked: type[Parameters], histories: Histories, spends: Spends, current: ValueModel | None
) -> Refitted:
    """Fit both models, each from where the version in force stands. Time in days, money in minor units.

    Never raises, whatever the data. A parameter that moved little is found in a few steps.
    """
    buying = fit(asked, histories, start=None if current is None else current.buying)
    spend = fit(GammaGamma, spends, start=None if current is None else current.spend)
    customers = float(histories.weight.sum())
    observed = float(histories.weight @ histories.age)
    bought_again = float(histories.weight @ histories.frequency)
    return Refitted(
        buying=buying,
        spend=spend,
        expected=None if buying.parameters is None else _total(buying.parameters, histories),
        expected_now=None if current is None else _total(current.buying, histories),
        pace=bought_again / observed * HORIZON_DAYS * customers if observed else 0.0,
        customers=round(customers),
    )


def _total(parameters: Parameters, histories: Histories) -> float:
    expected = buying_model(parameters).expected_purchases(
        histories.frequency, histories.recency, histories.age, HORIZON_DAYS
    )
    return float(histories.weight @ expected)
