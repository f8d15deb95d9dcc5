"""Gamma-Gamma: what a customer spends a purchase, given what was spent on average so far.

Fader and Hardie, "The Gamma-Gamma Model of Monetary Value" (2013), after Colombo and Jiang (1999). It assumes that
how much somebody spends a purchase says nothing about how often; `spend_frequency_correlation` tests that.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, gammaln, stdtr

from services.valuation.domain.models.aggregation import distinct_rows, totals
from services.valuation.domain.models.histories import Spends, Vector
from services.valuation.domain.models.maximum import Problem
from services.valuation.domain.models.parameters import Parameters

_CHUNK = 16_384
_LEAST_Q = 1.01
"""Above 1, so that the mean spend of all customers is finite; not a bound of pure maximum likelihood."""


@dataclass(frozen=True, slots=True)
class GammaGamma(Parameters):
    """p: shape of a purchase's spend; q, gamma: gamma distribution of its rate over customers.

    gamma has the unit of the spends, p and q have none. The mean spend of all customers, p gamma / (q - 1), is
    infinite for q ≤ 1.
    """

    p: float
    q: float
    gamma: float

    NAME: ClassVar[str] = "gamma-gamma"

    @classmethod
    def problem(cls, spends: Spends) -> Problem:
        """What is to be maximised; rows without a repeat or with nothing spent are left out."""
        told = (spends.frequency > 0) & (spends.average_spend > 0)
        if not told.any():
            return Problem(
                log_likelihood=lambda logs: (0.0, np.zeros_like(logs)),
                customers=1.0,
                informative=0.0,
                start=np.zeros(3),
                centre=np.zeros(3),
                unit=np.ones(3),
                missing="no repeat buyer has spent anything",
            )
        (frequency, spend), weight = distinct_rows(
            (spends.frequency[told], spends.average_spend[told]), spends.weight[told]
        )
        mean = float(np.average(spend, weights=weight))
        counted = _Counted.of(frequency, spend / mean, weight)
        customers = float(weight.sum())
        return Problem(
            log_likelihood=counted.log_likelihood,
            customers=customers,
            informative=customers,
            start=np.log([2.0, 3.0, 1.0]),
            centre=np.zeros(3),
            unit=np.array([1.0, 1.0, mean]),
            constant=-customers * float(np.log(mean)),
            lowest=np.array([-np.inf, np.log(_LEAST_Q), -np.inf]),
        )

    def expected_average_spend(self, frequency: npt.ArrayLike, average_spend: npt.ArrayLike) -> Vector:
        """E[M | x, z]: the mean spend a purchase to come; for x = 0 that of all customers. Broadcasts.

        Infinite where p x + q ≤ 1, which only a fit of pure maximum likelihood can give.
        """
        x, spend = (np.asarray(one, dtype=np.float64) for one in (frequency, average_spend))
        rest = self.p * x + (self.q - 1)
        with np.errstate(divide="ignore"):
            return np.asarray(
                np.where(rest > 0, self.p * (self.gamma + x * spend) / np.maximum(rest, 0), np.inf)
            )


@dataclass(frozen=True, slots=True)
class _Counted:
    """Spends as the likelihood needs them: a histogram of x, total spend x z a row, and three sums."""

    counts: Vector
    count_weight: Vector
    frequency: Vector
    total: Vector
    weight: Vector
    purchases_log_total: float
    log_spend: float

    @classmethod
    def of(cls, frequency: Vector, spend: Vector, weight: Vector) -> "_Counted":
        counts, at = np.unique(frequency, return_inverse=True)
        total = frequency * spend
        return cls(
            counts=counts,
            count_weight=totals(at, weight),
            frequency=frequency,
            total=total,
            weight=weight,
            purchases_log_total=float(np.einsum("i,i,i", weight, frequency, np.log(total))),
            log_spend=float(np.einsum("i,i", weight, np.log(spend))),
        )

    def log_likelihood(self, logs: Vector) -> tuple[float, Vector]:
        """Σ log f(z | x) and its gradient in log-parameters; one logarithm a row."""
        p, q, gamma = np.exp(logs)
        x, n = self.counts, self.count_weight
        value = (
            n @ (gammaln(p * x + q) - gammaln(p * x) - gammaln(q))
            + p * self.purchases_log_total
            - self.log_spend
        )
        by_p = n @ (x * (digamma(p * x + q) - digamma(p * x))) + self.purchases_log_total
        by_q = n @ (digamma(p * x + q) - digamma(q))
        by_gamma = n.sum() * q / gamma
        # q log(gamma) - (p x + q) log(gamma + x z), as logarithms relative to gamma: no difference of large numbers.
        value -= np.log(gamma) * p * (n @ x)
        by_p -= np.log(gamma) * (n @ x)
        for start in range(0, len(self.weight), _CHUNK):
            rows = slice(start, start + _CHUNK)
            weight, bought = self.weight[rows], self.weight[rows] * self.frequency[rows]
            growth = np.log1p(self.total[rows] / gamma)
            parts = 1 / (gamma + self.total[rows])
            by_count, by_customer = np.einsum("i,i", bought, growth), np.einsum("i,i", weight, growth)
            value -= p * by_count + q * by_customer
            by_p -= by_count
            by_q -= by_customer
            by_gamma -= p * np.einsum("i,i", bought, parts) + q * np.einsum("i,i", weight, parts)
        return float(value), np.array([by_p * p, by_q * q, by_gamma * gamma])


@dataclass(frozen=True, slots=True)
class Correlation:
    """coefficient between -1 and 1; p_value: chance of one as far from 0 when there is none."""

    coefficient: float
    p_value: float


def spend_frequency_correlation(spends: Spends) -> Correlation | None:
    """Pearson's correlation of x and average spend over repeat buyers; None when it is not defined.

    Not a rank correlation: under the model the mean of z is the same for every x, its median is not.
    """
    told = (spends.frequency > 0) & (spends.average_spend > 0)
    weight = spends.weight[told]
    customers = float(weight.sum())
    if customers < 3:
        return None
    x, z = (
        values - np.average(values, weights=weight)
        for values in (spends.frequency[told], spends.average_spend[told])
    )
    x_spread, z_spread = float(weight @ x**2), float(weight @ z**2)
    tiny = 1e-24
    if (
        x_spread <= tiny * customers
        or z_spread <= tiny * customers * float(np.max(spends.average_spend)) ** 2
    ):
        return None
    coefficient = float(np.clip(weight @ (x * z) / np.sqrt(x_spread * z_spread), -1, 1))
    freedom = customers - 2
    statistic = abs(coefficient) * np.sqrt(freedom / max(1 - coefficient**2, 1e-300))
    return Correlation(coefficient, float(2 * stdtr(freedom, -statistic)))
