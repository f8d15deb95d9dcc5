"""BG/NBD and MBG/NBD: customers buy at a rate of their own and may drop out after each purchase.

BG/NBD: Fader, Hardie and Lee, "Counting Your Customers" the Easy Way, Marketing Science 24 (2005).
MBG/NBD: Batislam, Denizel and Filiztekin, IJRM 24 (2007): one may drop out after the first purchase as well.
The two differ in that one chance, so `_FIRST_CHANCE` (0 or 1) is all that their classes add.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, expit, gammaln

from services.valuation.domain.models.aggregation import Counted
from services.valuation.domain.models.discounting import Discounting
from services.valuation.domain.models.histories import Histories, Vector
from services.valuation.domain.models.interpolation import curves_by_group
from services.valuation.domain.models.maximum import Problem
from services.valuation.domain.models.parameters import Parameters
from services.valuation.domain.models.quadrature import beta_rule

# Rows worked on at once: their columns stay in the processor's cache, and memory is bounded.
_CHUNK = 16_384
_LEAST_NODES, _MOST_NODES = 24, 400
# One customer's horizons are one piece of arithmetic; those of many are taken one after the other, so that memory is
# bounded.
_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class _BetaGeometric(Parameters):
    """r, alpha: gamma distribution of the purchase rate; a, b: beta distribution of the chance to drop out.

    alpha has the unit of time of the histories, the others have none.
    """

    r: float
    alpha: float
    a: float
    b: float

    _FIRST_CHANCE: ClassVar[int]

    @classmethod
    def problem(cls, histories: Histories) -> Problem:
        """What is to be maximised for these histories; see Problem."""
        counted = Counted.of(histories)
        rate = counted.purchases / max(float(counted.age_weight @ counted.ages), 1e-9)
        missing = None
        if not counted.purchases:
            missing = "nobody has bought again"
        elif not counted.ages[-1]:
            missing = "nobody has been observed for any time"
        return Problem(
            log_likelihood=lambda logs: cls._log_likelihood(counted, logs),
            customers=counted.customers,
            informative=counted.repeaters,
            start=np.log([1.0, 1.0 / max(rate, 1e-3), 1.0, 2.0]),
            centre=np.zeros(4),
            unit=np.array([1.0, counted.scale, 1.0, 1.0]),
            missing=missing,
            constant=-counted.purchases * float(np.log(counted.scale)),
        )

    @classmethod
    def _log_likelihood(cls, counted: Counted, logs: Vector) -> tuple[float, Vector]:
        """Log-likelihood and its gradient in log-parameters, time in units of the scale."""
        r, alpha, a, b = np.exp(logs)
        x, n = counted.counts, counted.count_weight
        chances = x + cls._FIRST_CHANCE
        value = n @ (
            gammaln(r + x) - gammaln(r)
            + gammaln(b + chances) - gammaln(b) - gammaln(a + b + chances) + gammaln(a + b)
        )  # fmt: skip
        both = n @ (digamma(a + b) - digamma(a + b + chances))
        by_r = n @ (digamma(r + x) - digamma(r))
        by_b = both + n @ (digamma(b + chances) - digamma(b))
        by_a = both

        ages, m, bought = counted.ages, counted.age_weight, counted.age_purchases
        ratio = np.log1p(ages / alpha)
        value -= r * (m @ ratio) + bought @ np.log(alpha + ages)
        by_r -= m @ ratio
        by_alpha = (r / alpha) * (m @ (ages / (alpha + ages))) - bought @ (1 / (alpha + ages))

        first = 0 if cls._FIRST_CHANCE else counted.without_repeat
        for start in range(first, len(counted.weight), _CHUNK):
            rows = slice(start, start + _CHUNK)
            x, weight = counted.frequency[rows], counted.weight[rows]
            to_end, to_last = 1 / (alpha + counted.age[rows]), 1 / (alpha + counted.recency[rows])
            chance = b + (x + (cls._FIRST_CHANCE - 1))
            decay = np.log(to_last / to_end)
            # Log-odds of having dropped out; below, log(1 + e^odds) and the probability without overflow.
            odds = np.log(a / chance) + (r + x) * decay
            small = np.exp(-np.abs(odds))
            value += np.einsum("i,i", weight, np.maximum(odds, 0) + np.log(1 + small))
            gone = weight * np.where(odds > 0, 1, small) / (1 + small)
            by_r += np.einsum("i,i", gone, decay)
            by_alpha += np.einsum("i,i,i", gone, r + x, to_end - to_last)
            by_a += gone.sum() / a
            by_b -= np.einsum("i,i", gone, 1 / chance)
        return float(value), np.array([by_r * r, by_alpha * alpha, by_a * a, by_b * b])

    def p_alive(self, frequency: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike) -> Vector:
        """P(customer has not dropped out by the end of observation); broadcasts its arguments."""
        x, t_x, observed = _floats(frequency, recency, age)
        chances = x + self._FIRST_CHANCE
        with np.errstate(divide="ignore"):
            first = np.where(chances > 0, np.log(self.a / np.maximum(self.b + chances - 1, 1e-300)), -np.inf)
        return np.asarray(
            expit(-(first + (self.r + x) * np.log((self.alpha + observed) / (self.alpha + t_x))))
        )

    def expected_purchases(
        self, frequency: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike, horizon: float
    ) -> Vector:
        """E[Y(horizon) | x, t_x, T]: purchases in the `horizon` after the end of observation."""
        return self.discounted_purchases(frequency, recency, age, Discounting.none(horizon))

    def discounted_purchases(
        self,
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        age: npt.ArrayLike,
        discounting: Discounting,
    ) -> Vector:
        """Expected purchases of each step times its factor, summed; broadcasts the first three arguments."""
        x, t_x, observed = np.broadcast_arrays(*_floats(frequency, recency, age))
        purchases = curves_by_group(
            x.ravel(), self.alpha + observed.ravel(), self._if_alive(discounting)
        ).reshape(x.shape)
        return purchases * self.p_alive(x, t_x, observed)

    def expected_purchases_of_new(self, horizon: float) -> float:
        """E[X(horizon)]: repeat purchases of a customer of whom nothing is known but the first purchase."""
        return float(self.expected_purchases(0.0, 0.0, 0.0, horizon))

    def _if_alive(self, discounting: Discounting) -> Callable[[float, Vector], Vector]:
        """The purchases to come of customers known to be alive, as a function of x and of alpha + T.

        Given p, a customer alive makes (1 - (1 + p t / (alpha + T))^-(r + x)) / p purchases until t. The mean over
        p ~ Beta(a, b + x) is the paper's expression in ₂F₁, which divides by a - 1 and loses its digits near
        a = 1 and for large x; a Gauss rule over p does neither, and one rule serves all T and all horizons.
        """
        ends, coefficients = discounting.ends, discounting.coefficients

        def purchases(x: float, alpha_and_age: Vector) -> Vector:
            # The nearest singularity in p is at -(alpha + T) / t: the nearer, the more points are needed.
            nearness = float(alpha_and_age.min() / ends[-1])
            nodes = int(np.clip(16 / np.sqrt(nearness), _LEAST_NODES, _MOST_NODES))
            points, weights = beta_rule(self.a, self.b + x + self._FIRST_CHANCE, nodes)
            if len(alpha_and_age) * len(ends) * nodes <= _AT_ONCE:
                reached = ends[:, None, None] / alpha_and_age[:, None] * points
                bought = -np.expm1(-(self.r + x) * np.log1p(reached))
                return np.asarray(coefficients @ (bought @ (weights / points)))
            found = np.zeros(len(alpha_and_age))
            for end, coefficient in zip(ends, coefficients, strict=True):
                bought = -np.expm1(-(self.r + x) * np.log1p(np.outer(end / alpha_and_age, points)))
                found += coefficient * np.einsum("ij,j", bought, weights / points)
            return found

        return purchases


@dataclass(frozen=True, slots=True)
class BgNbd(_BetaGeometric):
    """BG/NBD. A customer without a repeat purchase has had no chance to drop out: P(alive) is 1."""

    NAME: ClassVar[str] = "bg-nbd"
    _FIRST_CHANCE: ClassVar[int] = 0


@dataclass(frozen=True, slots=True)
class MbgNbd(_BetaGeometric):
    """MBG/NBD: a customer may also drop out right after the first purchase."""

    NAME: ClassVar[str] = "mbg-nbd"
    _FIRST_CHANCE: ClassVar[int] = 1


def _floats(*given: npt.ArrayLike) -> tuple[Vector, ...]:
    return tuple(np.asarray(one, dtype=np.float64) for one in given)
