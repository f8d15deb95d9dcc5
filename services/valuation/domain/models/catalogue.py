"""The models by name, and what they say of customers.

    histories = Histories.of(frequency, recency, age)                  # arrays, one row a customer
    fitted = fit(MODELS["mbg-nbd"], histories)                         # nightly
    model = MbgNbd.of(fitted.parameters.as_dict())                     # as stored
    model.p_alive(frequency, recency, age)                             # arrays again …
    model.expected_purchases(2, 30.43, 38.86, horizon=39.0)            # … or one customer, as 0-dimensional arrays
    clv(model, spend, (2, 30.43, 38.86), 35.20, Discounting.by_month(52.0, "week", 0.10))

All broadcast. One customer costs the same whatever the number of customers fitted; the first question with an x not
asked before adds the rule for it, once. Times are in the unit of the fit, spend in the unit of the spend model.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from services.valuation.domain.models.beta_geometric import BgNbd, MbgNbd
from services.valuation.domain.models.bg_bb import BgBb
from services.valuation.domain.models.discounting import Discounting
from services.valuation.domain.models.errors import ModelUnknownError
from services.valuation.domain.models.gamma_gamma import GammaGamma
from services.valuation.domain.models.histories import Vector
from services.valuation.domain.models.parameters import Parameters
from services.valuation.domain.models.pareto_nbd import ParetoNbd
from services.valuation.domain.models.shifted_beta_geometric import ShiftedBetaGeometric

BuyingModel = BgNbd | MbgNbd | ParetoNbd | BgBb
"""Models that know p_alive, expected_purchases and discounted_purchases of (frequency, recency, age or periods)."""

MODELS: Final[Mapping[str, type[Parameters]]] = MappingProxyType(
    {one.NAME: one for one in (BgNbd, MbgNbd, ParetoNbd, GammaGamma, BgBb, ShiftedBetaGeometric)}
)
DEFAULT_MODEL: Final = MbgNbd
"""What P(alive) is taken from unless something else is asked for: see docs/adr/0013."""


def model_named(name: str) -> type[Parameters]:
    """Raises ModelUnknownError."""
    if name not in MODELS:
        raise ModelUnknownError(f"{name!r} is not one of {', '.join(MODELS)}")
    return MODELS[name]


def clv(
    model: BuyingModel,
    spend: GammaGamma,
    history: tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike],
    average_spend: npt.ArrayLike,
    discounting: Discounting,
) -> Vector:
    """Discounted spend of the purchases to come, in the unit of the spend; broadcasts.

    history        frequency, recency and age (for BG/BB: periods)
    average_spend  mean spend a repeat purchase so far, any number without a repeat

    It is spend, not margin: multiply by the share of it that is margin. Spend and purchases are taken as independent.
    """
    average = np.asarray(average_spend, dtype=np.float64)
    purchases = model.discounted_purchases(*history, discounting)
    return np.asarray(purchases * spend.expected_average_spend(history[0], average))
