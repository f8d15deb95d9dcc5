"""BG/BB: customers take chances to buy (meetings, appeals) at a rate of their own, and may drop out before each.

Fader, Hardie and Shang, Customer-Base Analysis in a Discrete-Time Noncontractual Setting, Marketing Science 29
(2010).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, gammaln

from services.valuation.domain.models.aggregation import distinct_rows
from services.valuation.domain.models.discounting import Discounting
from services.valuation.domain.models.errors import HorizonInvalidError
from services.valuation.domain.models.histories import MOST_PERIODS, DiscreteHistories, Vector
from services.valuation.domain.models.maximum import Problem
from services.valuation.domain.models.parameters import Parameters

# Rows worked on at once; each has as many terms as it has chances after the last one taken.
_CHUNK = 4_096
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class BgBb(Parameters):
    """alpha, beta: beta distribution of the chance to buy; gamma, delta: of the chance to drop out. No units."""

    alpha: float
    beta: float
    gamma: float
    delta: float

    NAME: ClassVar[str] = "bg-bb"

    @classmethod
    def problem(cls, histories: DiscreteHistories) -> Problem:
        """What is to be maximised for these histories; see Problem."""
        rows, weight = distinct_rows(
            (histories.frequency, histories.recency, histories.periods), histories.weight
        )
        x, t_x, n = (column.astype(np.int64) for column in rows)
        missing = None
        if not n.any():
            missing = "nobody has had a chance to buy again"
        elif not x.any():
            missing = "nobody has bought again"

        def log_likelihood(logs: Vector) -> tuple[float, Vector]:
            tables = _Tables.of(np.exp(logs), int(n.max()))
            value, gradient = 0.0, np.zeros(4)
            for start in range(0, len(weight), _CHUNK):
                part = slice(start, start + _CHUNK)
                each, slopes = tables.log_likelihoods(x[part], t_x[part], n[part])
                value += float(weight[part] @ each)
                gradient += slopes @ weight[part]
            return value, gradient * np.exp(logs)

        return Problem(
            log_likelihood=log_likelihood,
            customers=float(weight.sum()),
            informative=float(weight[x > 0].sum()),
            start=np.log([1.0, 1.0, 1.0, 3.0]),
            centre=np.zeros(4),
            unit=np.ones(4),
            missing=missing,
        )

    def p_alive(self, frequency: npt.ArrayLike, recency: npt.ArrayLike, periods: npt.ArrayLike) -> Vector:
        """P(customer can still buy at chance n + 1), equation 11 of the paper; broadcasts its arguments."""
        return self._future(frequency, recency, periods, np.ones(1), bought=False)

    def expected_purchases(
        self, frequency: npt.ArrayLike, recency: npt.ArrayLike, periods: npt.ArrayLike, horizon: float
    ) -> Vector:
        """Purchases expected at the next `horizon` chances, a whole number; raises HorizonInvalidError."""
        return self._future(frequency, recency, periods, np.ones(_whole(horizon)), bought=True)

    def discounted_purchases(
        self,
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        periods: npt.ArrayLike,
        discounting: Discounting,
    ) -> Vector:
        """Expected purchases, each worth the factor of the step in which its chance lies; the last end is whole."""
        chances = np.arange(1, _whole(float(discounting.ends[-1])) + 1)
        step = np.minimum(np.searchsorted(discounting.ends, chances - 1e-9), len(discounting.ends) - 1)
        return self._future(frequency, recency, periods, discounting.factors[step], bought=True)

    def expected_purchases_of_new(self, horizon: float) -> float:
        """Purchases expected of a customer just won, at the next `horizon` chances."""
        return float(self.expected_purchases(0, 0, 0, horizon))

    def _future(
        self,
        frequency: npt.ArrayLike,
        recency: npt.ArrayLike,
        periods: npt.ArrayLike,
        worth: Vector,
        *,
        bought: bool,
    ) -> Vector:
        """Σ over the chances to come of worth × P(alive), or × P(alive and bought); every term is positive."""
        columns = np.broadcast_arrays(
            *(np.asarray(one, dtype=np.int64) for one in (frequency, recency, periods))
        )
        shape = columns[0].shape
        x, t_x, n = (column.ravel() for column in columns)
        rows, back = np.unique(np.stack((x, t_x, n)), axis=1, return_inverse=True)
        x, t_x, n = rows
        tables = _Tables.of(
            np.array([self.alpha, self.beta, self.gamma, self.delta]), int(n.max()) + len(worth)
        )
        surviving = np.exp(tables.survive)
        # Σ over j ≤ len(worth) of worth[j] B(gamma, delta + n + j) / B(gamma, delta), once a distinct n.
        ahead = np.array(
            [worth @ surviving[one + 1 : one + 1 + len(worth)] for one in range(int(n.max()) + 1)]
        )
        logs = tables.take(x, n)
        if bought:
            logs = logs + np.log((self.alpha + x) / (self.alpha + self.beta + n))
        found = np.empty(len(x))
        for start in range(0, len(x), _CHUNK):
            part = slice(start, start + _CHUNK)
            each, _ = tables.log_likelihoods(x[part], t_x[part], n[part])
            found[part] = np.exp(logs[part] - each) * ahead[n[part]]
        return np.asarray(found[back.ravel()].reshape(shape))


class _Tables:
    """Logarithms and slopes of the beta functions in whole steps, up to a number of chances."""

    def __init__(self, parameters: Vector, size: int) -> None:
        self.parameters = parameters
        steps = np.arange(size + 1)
        alpha, beta, gamma, delta = parameters
        self._logs = {one: gammaln(one + steps) - gammaln(one) for one in (alpha, beta, alpha + beta)}
        self._slopes = {one: digamma(one + steps) - digamma(one) for one in (alpha, beta, alpha + beta)}
        both = gamma + delta
        # log B(gamma, delta + j) / B(gamma, delta): still there after j chances.
        self.survive = gammaln(delta + steps) - gammaln(delta) - gammaln(both + steps) + gammaln(both)
        self._by_gamma = digamma(both) - digamma(both + steps)
        self._by_delta = self._by_gamma + digamma(delta + steps) - digamma(delta)

    @classmethod
    def of(cls, parameters: Vector, size: int) -> "_Tables":
        return cls(parameters, size)

    def take(self, x: Whole, n: Whole) -> Vector:
        """log B(alpha + x, beta + n - x) / B(alpha, beta)."""
        alpha, beta, _, _ = self.parameters
        return np.asarray(self._logs[alpha][x] + self._logs[beta][n - x] - self._logs[alpha + beta][n])

    def log_likelihoods(self, x: Whole, t_x: Whole, n: Whole) -> tuple[Vector, Vector]:
        """Log-likelihood of each row, and its gradient, 4 × rows.

        One term for being alive after all n chances, and one for having dropped out before chance j + 1, for each j
        from t_x to n - 1.
        """
        alpha, beta, gamma, delta = self.parameters
        terms = n - t_x + 1
        starts = np.concatenate(([0], np.cumsum(terms)[:-1]))
        row = np.repeat(np.arange(len(x)), terms)
        j = np.arange(len(row)) - starts[row] + t_x[row]
        alive = j == n[row]
        # B(gamma + 1, delta + j) = B(gamma, delta + j) gamma / (gamma + delta + j).
        logs = (
            self.take(x[row], j) + self.survive[j] + np.where(alive, 0.0, np.log(gamma / (gamma + delta + j)))
        )
        most = np.maximum.reduceat(logs, starts)
        shares = np.exp(logs - most[row])
        total = np.add.reduceat(shares, starts)
        shares /= total[row]
        both = self._slopes[alpha + beta][j]
        gone = np.where(alive, 0.0, 1 / (gamma + delta + j))
        slopes = np.stack(
            (
                self._slopes[alpha][x[row]] - both,
                self._slopes[beta][j - x[row]] - both,
                self._by_gamma[j] + np.where(alive, 0.0, 1 / gamma) - gone,
                self._by_delta[j] - gone,
            )
        )
        return most + np.log(total), np.add.reduceat(slopes * shares, starts, axis=1)


def _whole(horizon: float) -> int:
    if not (horizon == np.floor(horizon) and 1 <= horizon <= MOST_PERIODS):
        raise HorizonInvalidError(f"bg-bb takes a whole number of chances from 1 to {MOST_PERIODS}")
    return int(horizon)
