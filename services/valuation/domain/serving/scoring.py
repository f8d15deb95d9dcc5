"""What the models expect of customers in the next twelve months: one customer or many, by the same arithmetic."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from services.valuation.domain.models.beta_geometric import BgNbd, MbgNbd
from services.valuation.domain.models.catalogue import BuyingModel, clv, model_named
from services.valuation.domain.models.discounting import UNITS_A_YEAR, Discounting
from services.valuation.domain.models.errors import ModelParametersInvalidError
from services.valuation.domain.models.gamma_gamma import GammaGamma
from services.valuation.domain.models.histories import Vector
from services.valuation.domain.models.parameters import Parameters
from services.valuation.domain.models.pareto_nbd import ParetoNbd

HORIZON_MONTHS: Final = 12
HORIZON_DAYS: Final = UNITS_A_YEAR["day"]


@lru_cache(maxsize=8)
def _twelve_months(rate: float) -> Discounting:
    return Discounting.by_month(HORIZON_DAYS, "day", rate)


@dataclass(frozen=True, slots=True)
class ScoreRules:
    """What a score rests on besides the models.

    discount_rate        a year
    default_margin_rate  share of spend that is margin, where nothing was spent to know it from
    """

    discount_rate: float = 0.10
    default_margin_rate: float = 0.30

    @property
    def discounting(self) -> Discounting:
        """Twelve months, each discounted from its end."""
        return _twelve_months(self.discount_rate)


@dataclass(frozen=True, slots=True)
class ValueModel:
    """Parameters of one version: time in days, money in minor units.

    spend  None where no spend model carried: then a customer's own average is taken
    """

    version: int
    buying: BuyingModel
    spend: GammaGamma | None

    @classmethod
    def of(
        cls, version: int, name: str, buying: Mapping[str, object], spend: Mapping[str, object] | None
    ) -> Self:
        """As stored. Raises ModelUnknownError and ModelParametersInvalidError."""
        return cls(
            version,
            buying_model(model_named(name).of(buying)),
            None if spend is None else GammaGamma.of(spend),
        )


def buying_model(parameters: Parameters) -> BuyingModel:
    """The same, known to be of purchases in continuous time. Raises ModelParametersInvalidError."""
    if not isinstance(parameters, BgNbd | MbgNbd | ParetoNbd):
        raise ModelParametersInvalidError(f"{parameters.NAME} is not a model of purchases by day")
    return parameters


@dataclass(frozen=True, slots=True)
class Bought:
    """What customers bought, as columns or as plain numbers of one customer; money in minor units.

    days                  days with a purchase, at least 1
    recency, age          days from the first to the last purchase, and until today
    spend, first_spend    of all days, and of the first
    margin                of all days
    """

    days: npt.ArrayLike
    recency: npt.ArrayLike
    age: npt.ArrayLike
    spend: npt.ArrayLike
    first_spend: npt.ArrayLike
    margin: npt.ArrayLike


@dataclass(frozen=True, slots=True)
class Scores:
    """Of the next twelve months, in the shape of what was bought. `clv_minor` is discounted margin."""

    p_alive: Vector
    expected_purchases: Vector
    expected_average_spend_minor: Vector
    margin_rate: Vector
    clv_minor: Vector


def score(model: ValueModel, bought: Bought, rules: ScoreRules) -> Scores:
    """Lifetime value = discounted purchases x expected spend x the customer's own margin rate so far.

    The margin rate is within -1 and 1, so that one bad sale does not speak for a year many times over.
    """
    days, spend = np.asarray(bought.days, np.float64), np.asarray(bought.spend, np.float64)
    repeats = days - 1
    history = (repeats, np.asarray(bought.recency, np.float64), np.asarray(bought.age, np.float64))
    repeat_spend = (spend - np.asarray(bought.first_spend, np.float64)) / np.maximum(repeats, 1)
    has_spent = spend > 0
    own_rate = np.asarray(bought.margin, np.float64) / np.where(has_spent, spend, 1.0)
    margin_rate = np.where(has_spent, np.clip(own_rate, -1.0, 1.0), rules.default_margin_rate)
    if model.spend is None:
        average = spend / days
        worth = model.buying.discounted_purchases(*history, rules.discounting) * average
    else:
        average = model.spend.expected_average_spend(repeats, repeat_spend)
        worth = clv(model.buying, model.spend, history, repeat_spend, rules.discounting)
    return Scores(
        p_alive=model.buying.p_alive(*history),
        expected_purchases=model.buying.expected_purchases(*history, HORIZON_DAYS),
        expected_average_spend_minor=average,
        margin_rate=margin_rate,
        clv_minor=worth * margin_rate,
    )
