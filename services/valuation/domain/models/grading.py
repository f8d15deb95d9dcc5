"""How good a forecast would have been: a model is told the first part of the history and asked about the rest.

What it is compared with costs nothing: customers ranked by what they have spent so far, and everybody going on at the
rate so far. Of three criteria each has a letter, and the grade is the worst of them:

    capture       the best fifth by forecast spend brought as much as the best fifth by past spend
    total         all purchases forecast against all that came
    calibration   the same in each group of customers with equally many repeat purchases, so that errors cannot cancel

On the CDNOW sample, 39 weeks told and 39 held out, past spend and BG/NBD with Gamma-Gamma both capture 66.3 % of what
was spent later: ranking needs no model. What the model adds is calibration: the rate so far, continued, is wrong by
91 % of all purchases, the model by 12 %.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal, cast

import numpy as np

from services.valuation.domain.models.catalogue import DEFAULT_MODEL, MODELS, BuyingModel
from services.valuation.domain.models.fitting import Fit, fit
from services.valuation.domain.models.gamma_gamma import GammaGamma
from services.valuation.domain.models.histories import Vector
from services.valuation.domain.models.holding_out import HeldOut
from services.valuation.domain.models.parameters import Parameters
from services.valuation.domain.models.sufficiency import Reason, Shortage, shortages

Letter = Literal["A", "B", "C"]
CriterionName = Literal["capture", "total", "calibration"]

TOP_SHARE: Final = 0.2
MOST_PERIODS: Final = 366
"""Units that `expected_by_period` looks at: each costs a forecast of all customers."""
LARGEST_GROUP: Final = 7
"""Customers with this many repeat purchases or more are one group, as in Fader, Hardie and Lee (2005)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest figure that is still an A, and a B; beyond it is C."""

    a: float
    b: float

    def letter(self, figure: float) -> Letter:
        return "A" if figure <= self.a else "B" if figure <= self.b else "C"


CAPTURE: Final = Limits(0.02, 0.05)
"""Share of later spend by which past spend captures more. Over 400 resamples of CDNOW's customers the difference strays
by 1.8 points (one standard deviation): up to two, the rankings are equally good."""
TOTAL: Final = Limits(0.15, 0.30)
"""Share by which the total is missed. Set by use: what a plan can bear, and what still tells growing from shrinking."""
CALIBRATION: Final = Limits(0.20, 0.40)
"""Purchases missed in the groups, as a share of all: never less than the share by which the total is missed."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """`figure` is what `limits` bound; see the names at the top."""

    name: CriterionName
    figure: float
    limits: Limits
    letter: Letter


@dataclass(frozen=True, slots=True)
class Captures:
    """Share of the later spend that the best fifth of the customers brought, by who was taken for the best.

    customers   a fifth of all, rounded down, at least one
    model       by expected purchases × expected average spend
    past_spend  by all that was spent in the time told
    past_rate   by repeat spend a unit of time in the time told
    possible    by the later spend itself: no ranking can capture more
    """

    customers: int
    model: float
    past_spend: float
    past_rate: float
    possible: float


@dataclass(frozen=True, slots=True)
class Total:
    """What the model and the rate so far, continued, expected in the time held out, and what came."""

    model: float
    past_rate: float
    actual: float

    @property
    def ratio(self) -> float | None:
        """Expected by the model ÷ actual; None when nothing came."""
        return self.model / self.actual if self.actual else None


@dataclass(frozen=True, slots=True)
class Group:
    """Customers with `frequency` repeat purchases (the last group: or more), and their mean purchases held out."""

    frequency: int
    customers: int
    model: float
    past_rate: float
    actual: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Purchases by which the groups are missed, summed, as a share of all that came; 0 is perfect."""

    model: float
    past_rate: float
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Grade:
    """A letter with everything that it rests on. What the data do not tell is None, never a number that is not one.

    letter    None when `reasons` say what is short
    buying    fit of the purchases; `spend`, of the amounts; both None without any customer
    capture   None when nothing was spent in the time held out, or no model was found
    """

    letter: Letter | None
    reasons: tuple[Reason, ...]
    criteria: tuple[Criterion, ...]
    customers: int
    repeaters: int
    history_days: int
    horizon: float
    buying: Fit | None = None
    spend: Fit | None = None
    capture: Captures | None = None
    purchases: Total | None = None
    spent: Total | None = None
    calibration: Calibration | None = None


def grade(held_out: HeldOut, asked: type[Parameters] = DEFAULT_MODEL) -> Grade:
    """The grade of a model in continuous time with Gamma-Gamma, fitted to the time told only. Never raises."""
    counts = held_out.counts()
    reasons = shortages(counts)
    if not len(held_out):
        return Grade(None, reasons, (), 0, 0, counts.history_days, held_out.horizon)
    buying = fit(asked, held_out.histories())
    spend = fit(GammaGamma, held_out.spends())
    measured = Grade(
        letter=None,
        reasons=reasons,
        criteria=(),
        customers=counts.customers,
        repeaters=counts.repeaters,
        history_days=counts.history_days,
        horizon=held_out.horizon,
        buying=buying,
        spend=spend,
    )
    if buying.parameters is None:
        return replace(measured, reasons=(*reasons, Reason(Shortage.MODEL, 0, 1)))
    expected = cast("BuyingModel", buying.parameters).expected_purchases(
        held_out.frequency, held_out.recency, held_out.age, held_out.horizon
    )
    continued = past_rate(held_out)
    measured = replace(
        measured,
        purchases=Total(float(expected.sum()), float(continued.sum()), float(held_out.later_purchases.sum())),
        calibration=calibration_of(held_out, expected, continued),
    )
    if isinstance(spend.parameters, GammaGamma):
        # Amounts at the edge of floating point can add up to infinity, which says nothing.
        with np.errstate(over="ignore", invalid="ignore"):
            average = spend.parameters.expected_average_spend(held_out.frequency, held_out.average_spend)
            money, continued_money = expected * average, continued * held_out.average_spend
            spent = Total(float(money.sum()), float(continued_money.sum()), float(held_out.later_spend.sum()))
        if math.isfinite(spent.model + spent.past_rate + spent.actual):
            captures = captures_of(held_out, money, continued_money)
            measured = replace(measured, spent=spent, capture=captures)
    criteria = judge(measured)
    letter = None if reasons else max((one.letter for one in criteria), default=None)
    return replace(measured, criteria=criteria, letter=letter)


def judge(measured: Grade) -> tuple[Criterion, ...]:
    """The criteria that the measured figures allow. A model no better calibrated than the rate so far is a C there."""
    criteria = []
    if measured.capture is not None:
        behind = max(0.0, measured.capture.past_spend - measured.capture.model)
        criteria.append(Criterion("capture", behind, CAPTURE, CAPTURE.letter(behind)))
    if measured.purchases is not None and measured.purchases.ratio is not None:
        missed = abs(measured.purchases.ratio - 1)
        criteria.append(Criterion("total", missed, TOTAL, TOTAL.letter(missed)))
    if measured.calibration is not None:
        error = measured.calibration.model
        better = error < measured.calibration.past_rate
        criteria.append(
            Criterion("calibration", error, CALIBRATION, CALIBRATION.letter(error) if better else "C")
        )
    return tuple(criteria)


def past_rate(held_out: HeldOut) -> Vector:
    """Purchases in the time held out if everybody went on at x / T; none for those observed for no time."""
    told = np.where(held_out.age > 0, held_out.age, np.inf)
    return np.asarray(held_out.frequency / told * held_out.horizon)


def captures_of(held_out: HeldOut, model: Vector, continued_spend: Vector) -> Captures | None:
    """`model` and `continued_spend` in money; None when nothing was spent later."""
    actual = held_out.later_spend
    if not actual.sum() > 0:
        return None
    best = max(1, int(len(held_out) * TOP_SHARE))
    return Captures(
        customers=best,
        model=captured(model, actual, best),
        past_spend=captured(held_out.spent, actual, best),
        past_rate=captured(continued_spend, actual, best),
        possible=captured(actual, actual, best),
    )


def captured(score: Vector, actual: Vector, best: int) -> float:
    """Share of `actual` of the `best` customers with the highest score.

    Where equal scores are cut, each of them counts with the same part, so that the order of the rows says nothing.
    """
    border = np.partition(score, len(score) - best)[len(score) - best]
    above, level = score > border, score == border
    part = (best - above.sum()) / level.sum()
    return float((actual[above].sum() + part * actual[level].sum()) / actual.sum())


def calibration_of(held_out: HeldOut, expected: Vector, continued: Vector) -> Calibration | None:
    """None when no purchase came in the time held out."""
    actual = held_out.later_purchases
    if not actual.sum():
        return None
    group = np.minimum(held_out.frequency, LARGEST_GROUP).astype(np.intp)
    customers, model, rate, came = (
        np.bincount(group, column, LARGEST_GROUP + 1) for column in (None, expected, continued, actual)
    )
    return Calibration(
        model=float(np.abs(model - came).sum() / came.sum()),
        past_rate=float(np.abs(rate - came).sum() / came.sum()),
        groups=tuple(
            Group(
                frequency=int(x),
                customers=int(customers[x]),
                model=float(model[x] / customers[x]),
                past_rate=float(rate[x] / customers[x]),
                actual=float(came[x] / customers[x]),
            )
            for x in np.flatnonzero(customers)
        ),
    )


def expected_by_period(held_out: HeldOut, model: BuyingModel) -> Vector:
    """Purchases the model expects until the end of each unit held out; of the first MOST_PERIODS units."""
    periods = min(len(held_out.later_by_period), MOST_PERIODS)
    ends = np.minimum(np.arange(1, periods + 1), held_out.horizon)
    history = (held_out.frequency, held_out.recency, held_out.age)
    return np.array([model.expected_purchases(*history, float(end)).sum() for end in ends])


GRADED: Final[Mapping[str, type[Parameters]]] = MappingProxyType(
    {name: model for name, model in MODELS.items() if name in ("bg-nbd", "mbg-nbd", "pareto-nbd")}
)
"""The models that can be graded so: those in continuous time."""
