"""Shifted-beta-geometric: subscribers renew each period with a chance of their own; the end is observed.

Fader and Hardie, "How to Project Customer Retention", Journal of Interactive Marketing 21 (2007).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import betaln, digamma

from services.valuation.domain.models.aggregation import totals
from services.valuation.domain.models.discounting import Discounting
from services.valuation.domain.models.errors import HorizonInvalidError
from services.valuation.domain.models.histories import MOST_PERIODS, Subscriptions, Vector
from services.valuation.domain.models.maximum import Problem
from services.valuation.domain.models.parameters import Parameters


@dataclass(frozen=True, slots=True)
class ShiftedBetaGeometric(Parameters):
    """alpha, beta: beta distribution of the chance to cancel at a renewal. No units."""

    alpha: float
    beta: float

    NAME: ClassVar[str] = "s-bg"

    @classmethod
    def problem(cls, subscriptions: Subscriptions) -> Problem:
        """What is to be maximised: ended at renewal t, or still there after t renewals."""
        over = subscriptions.ended == 1
        ended, ended_at = np.unique(subscriptions.periods[over], return_inverse=True)
        kept, kept_at = np.unique(subscriptions.periods[~over], return_inverse=True)
        ended_weight = totals(ended_at, subscriptions.weight[over], len(ended))
        kept_weight = totals(kept_at, subscriptions.weight[~over], len(kept))

        def log_likelihood(logs: Vector) -> tuple[float, Vector]:
            alpha, beta = np.exp(logs)
            prior, both = betaln(alpha, beta), digamma(alpha + beta)
            value = ended_weight @ (betaln(alpha + 1, beta + ended - 1) - prior)
            value += kept_weight @ (betaln(alpha, beta + kept) - prior)
            total = ended_weight @ (both - digamma(alpha + beta + ended))
            total += kept_weight @ (both - digamma(alpha + beta + kept))
            by_alpha = total + ended_weight.sum() / alpha
            by_beta = total + ended_weight @ (digamma(beta + ended - 1) - digamma(beta))
            by_beta += kept_weight @ (digamma(beta + kept) - digamma(beta))
            return float(value), np.array([by_alpha * alpha, by_beta * beta])

        observed = bool(len(ended)) or bool(kept.any())
        return Problem(
            log_likelihood=log_likelihood,
            customers=float(subscriptions.weight.sum()),
            informative=float(subscriptions.weight[subscriptions.periods > 0].sum()),
            start=np.log([1.0, 2.0]),
            centre=np.zeros(2),
            unit=np.ones(2),
            missing=None if observed else "no subscription has come up for renewal",
        )

    def survival(self, periods: npt.ArrayLike) -> Vector:
        """S(t): share of subscribers left after t renewals; broadcasts."""
        t = np.asarray(periods, dtype=np.float64)
        return np.asarray(np.exp(betaln(self.alpha, self.beta + t) - betaln(self.alpha, self.beta)))

    def retention(self, periods: npt.ArrayLike) -> Vector:
        """r_t = S(t) / S(t - 1): share of those there who renew for the t-th time, t from 1."""
        t = np.asarray(periods, dtype=np.float64)
        return np.asarray((self.beta + t - 1) / (self.alpha + self.beta + t - 1))

    def p_alive(self, periods: npt.ArrayLike, ended: npt.ArrayLike) -> Vector:
        """1 for a subscriber, 0 where the subscription has ended: the end is observed, not guessed."""
        return np.asarray(1.0 - np.broadcast_arrays(np.asarray(ended, dtype=np.float64), periods)[0])

    def expected_purchases(self, periods: npt.ArrayLike, ended: npt.ArrayLike, horizon: float) -> Vector:
        """Renewals expected in the next `horizon` periods, a whole number; raises HorizonInvalidError."""
        return self._future(periods, ended, np.ones(_whole(horizon)))

    def discounted_purchases(
        self, periods: npt.ArrayLike, ended: npt.ArrayLike, discounting: Discounting
    ) -> Vector:
        """Expected renewals, each worth the factor of the step in which it lies; the last step's end is whole."""
        renewals = np.arange(1, _whole(float(discounting.ends[-1])) + 1)
        step = np.minimum(np.searchsorted(discounting.ends, renewals - 1e-9), len(discounting.ends) - 1)
        return self._future(periods, ended, discounting.factors[step])

    def _future(self, periods: npt.ArrayLike, ended: npt.ArrayLike, worth: Vector) -> Vector:
        t = np.asarray(periods, dtype=np.float64)
        found, staying = np.zeros(t.shape), np.ones(t.shape)
        for ahead, one in enumerate(worth, start=1):
            staying = staying * self.retention(t + ahead)
            found = found + one * staying
        return found * self.p_alive(periods, ended)


def _whole(horizon: float) -> int:
    if not (horizon == np.floor(horizon) and 1 <= horizon <= MOST_PERIODS):
        raise HorizonInvalidError(f"s-bg takes a whole number of renewals from 1 to {MOST_PERIODS}")
    return int(horizon)
