"""Pareto/NBD: customers buy at a rate of their own and drop out at a moment of their own.

Schmittlein, Morrison and Colombo, Management Science 33 (1987); Fader and Hardie, "A Note on Deriving the
Pareto/NBD Model and Related Expressions" (2005).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, expit, exprel, gammaln

from services.valuation.domain.models.aggregation import Counted
from services.valuation.domain.models.discounting import Discounting
from services.valuation.domain.models.histories import Histories, Vector
from services.valuation.domain.models.maximum import Problem
from services.valuation.domain.models.parameters import Parameters
from services.valuation.domain.models.quadrature import uniform_rule

# Rows worked on at once, each with _NODES points.
_CHUNK = 2_048
_NODES = 32
_NEGLIGIBLE = 40.0
_STEPS = 6


@dataclass(frozen=True, slots=True)
class ParetoNbd(Parameters):
    """r, alpha: gamma distribution of the purchase rate; s, beta: gamma distribution of the rate of dropping out.

    alpha and beta have the unit of time of the histories, the others have none.
    """

    r: float
    alpha: float
    s: float
    beta: float

    NAME: ClassVar[str] = "pareto-nbd"

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
            start=np.log([1.0, 1.0 / max(rate, 1e-3), 1.0, 1.0]),
            centre=np.zeros(4),
            unit=np.array([1.0, counted.scale, 1.0, counted.scale]),
            missing=missing,
            constant=-counted.purchases * float(np.log(counted.scale)),
        )

    @classmethod
    def _log_likelihood(cls, counted: Counted, logs: Vector) -> tuple[float, Vector]:
        """Log-likelihood and its gradient in log-parameters, time in units of the scale."""
        r, alpha, s, beta = parameters = np.exp(logs)
        x, n = counted.counts, counted.count_weight
        value = n @ (gammaln(r + x) - gammaln(r))
        by_r = n @ (digamma(r + x) - digamma(r))

        ages, m, bought = counted.ages, counted.age_weight, counted.age_purchases
        buying, leaving = np.log1p(ages / alpha), np.log1p(ages / beta)
        value -= r * (m @ buying) + bought @ np.log(alpha + ages) + s * (m @ leaving)
        by_r -= m @ buying
        by_alpha = (r / alpha) * (m @ (ages / (alpha + ages))) - bought @ (1 / (alpha + ages))
        by_s = -(m @ leaving)
        by_beta = (s / beta) * (m @ (ages / (beta + ages)))

        for start in range(0, len(counted.weight), _CHUNK):
            rows = slice(start, start + _CHUNK)
            x, weight = counted.frequency[rows], counted.weight[rows]
            left = _Left.of(parameters, x, counted.recency[rows], counted.age[rows])
            value += weight @ np.logaddexp(0, left.odds)
            gone = weight * expit(left.odds)
            shares = left.shares
            by_r += gone @ np.einsum("ij,ij->i", shares, np.log(left.alpha_and_end / left.alpha_and_u))
            by_s += gone @ (
                1 / s + np.einsum("ij,ij->i", shares, np.log(left.beta_and_end / left.beta_and_u))
            )
            by_alpha += gone @ (
                (r + x) * np.einsum("ij,ij->i", shares, 1 / left.alpha_and_end - 1 / left.alpha_and_u)
            )
            by_beta += gone @ (
                s / left.beta_and_end[:, 0] - (s + 1) * np.einsum("ij,ij->i", shares, 1 / left.beta_and_u)
            )
        return float(value), np.array([by_r * r, by_alpha * alpha, by_s * s, by_beta * beta])

    def p_alive(self, frequency: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike) -> Vector:
        """P(customer has not dropped out by the end of observation); broadcasts its arguments."""
        x, t_x, observed = np.broadcast_arrays(
            *(np.asarray(one, dtype=np.float64) for one in (frequency, recency, age))
        )
        parameters = np.array([self.r, self.alpha, self.s, self.beta])
        alive = np.empty(x.size)
        columns = x.ravel(), t_x.ravel(), observed.ravel()
        for start in range(0, x.size, _CHUNK):
            rows = slice(start, start + _CHUNK)
            alive[rows] = expit(-_Left.of(parameters, *(column[rows] for column in columns)).odds)
        return alive.reshape(x.shape)

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
        x, observed = np.asarray(frequency, dtype=np.float64), np.asarray(age, dtype=np.float64)
        active = np.zeros(observed.shape)
        for end, coefficient in zip(discounting.ends, discounting.coefficients, strict=True):
            # (1 - (1 + t / (beta + T))^(1 - s)) / (s - 1), which is log(1 + t / (beta + T)) at s = 1.
            length = np.log1p(end / (self.beta + observed))
            active += coefficient * length * exprel((1 - self.s) * length)
        rate = (self.r + x) / (self.alpha + observed)
        return np.asarray(rate * (self.beta + observed) * active * self.p_alive(x, recency, observed))

    def expected_purchases_of_new(self, horizon: float) -> float:
        """E[X(horizon)]: repeat purchases of a customer of whom nothing is known but the first purchase."""
        return float(self.expected_purchases(0.0, 0.0, 0.0, horizon))


@dataclass(frozen=True, slots=True)
class _Left:
    """The odds of having dropped out between the last purchase and the end, and when.

    The likelihood of (x, t_x, T) is, up to a factor,

        (alpha + T)^-(r + x) (beta + T)^-s  +  s ∫ from t_x to T of (alpha + u)^-(r + x) (beta + u)^-(s + 1) du,

    customers alive and customers who dropped out at u. The papers write the integral as a difference of two ₂F₁,
    which cancels for large x; as it stands, all terms are positive and the gradient is a mean over u.

    odds    log of the second term over the first, one a row
    shares  distribution of u over the points of the rule, rows × _NODES
    """

    odds: Vector
    shares: Vector
    alpha_and_u: Vector
    beta_and_u: Vector
    alpha_and_end: Vector
    beta_and_end: Vector

    @classmethod
    def of(cls, parameters: Vector, x: Vector, t_x: Vector, age: Vector) -> "_Left":
        r, alpha, s, beta = parameters
        buying, leaving = (r + x)[:, None], s + 1
        last, end = t_x[:, None], age[:, None]
        # In v = log((c + u) / (c + t_x)) minus the log of the integrand is convex, smooth and of few scales.
        c = min(alpha, beta)
        start = c + last

        def fall(v: Vector) -> tuple[Vector, Vector, Vector, Vector]:
            u = last + start * np.expm1(v)
            alpha_and_u, beta_and_u = alpha + u, beta + u
            fallen = (
                buying * np.log(alpha_and_u / (alpha + last))
                + leaving * np.log(beta_and_u / (beta + last))
                - v
            )
            slope = (buying / alpha_and_u + leaving / beta_and_u) * (c + u) - 1
            return fallen, slope, alpha_and_u, beta_and_u

        # Integrated only as far as it matters. Newton's method on a convex function comes from above.
        reach = np.log((c + end) / start)
        _, slope, _, _ = fall(np.zeros_like(reach))
        reach = np.where(slope * reach > _NEGLIGIBLE, _NEGLIGIBLE / np.maximum(slope, 1e-300), reach)
        for _ in range(_STEPS):
            fallen, slope, _, _ = fall(reach)
            reach = np.where(
                fallen > _NEGLIGIBLE, reach - (fallen - _NEGLIGIBLE) / np.maximum(slope, 1e-300), reach
            )
        points, weights = uniform_rule(_NODES)
        fallen, _, alpha_and_u, beta_and_u = fall(reach * points)
        logs = -fallen
        most = logs.max(axis=1, keepdims=True)
        shares = np.exp(logs - most) * weights
        total = shares.sum(axis=1, keepdims=True)
        with np.errstate(divide="ignore"):
            size = np.log(s * start * reach / (beta + last))
        size = (
            size + buying * np.log((alpha + end) / (alpha + last)) + s * np.log((beta + end) / (beta + last))
        )
        odds = (most + np.log(total) + size)[:, 0]
        return cls(odds, shares / total, alpha_and_u, beta_and_u, alpha + end, beta + end)
