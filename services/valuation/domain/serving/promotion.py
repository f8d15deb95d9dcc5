"""Whether a fit may score customers: one list of checks, each of which can refuse it and says why."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from services.valuation.domain.models.fitting import NO_MODEL, Fit

# A shape outside of this makes all customers alike, or no two: a sign of data that no model fits.
LEAST_SHAPE, MOST_SHAPE = 1e-4, 1e4
SCALES: Final = frozenset({"alpha", "beta", "gamma"})
"""Parameters with a unit of time or money, which may be of any size."""
MOST_CHANGE = 2.0
"""How many times as many (or as few) purchases a night may lead us to expect of the same customers."""
MOST_OF_PACE = 5.0
"""How many times the pace so far the first model may expect."""


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of one check, in words."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A fit and what it is judged by; totals are purchases of all customers in the next twelve months.

    expected       by the candidate; None without parameters
    expected_now   by the version in force on the same histories; None without one
    pace           repeat purchases a year so far, over the customers' own time
    spend_needed   the version in force has a spend model
    on_hold        a person went back to an earlier version, and this fit was not asked for
    """

    buying: Fit
    spend: Fit
    expected: float | None
    expected_now: float | None
    pace: float
    spend_needed: bool
    on_hold: bool


def _has_parameters(one: Candidate) -> Check:
    if one.buying.parameters is None:
        return Check("model", False, "; ".join(one.buying.warnings) or "no model carries these data")
    return Check("model", True, f"{one.buying.model} fits {one.buying.customers:g} customers")


def _converged(one: Candidate) -> Check:
    if one.buying.converged:
        return Check("converged", True, f"after {one.buying.evaluations} evaluations")
    return Check("converged", False, "; ".join(one.buying.warnings) or "no maximum was found")


def _within_bounds(one: Candidate) -> Check:
    found = {} if one.buying.parameters is None else one.buying.parameters.as_dict()
    outside = [
        f"{name} = {value:.4g}"
        for name, value in found.items()
        if not math.isfinite(value) or (name not in SCALES and not LEAST_SHAPE <= value <= MOST_SHAPE)
    ]
    if outside:
        return Check("bounds", False, f"{', '.join(outside)} is outside {LEAST_SHAPE:g} to {MOST_SHAPE:g}")
    return Check("bounds", True, "every parameter is within its bounds")


def _plausible(one: Candidate) -> Check:
    if one.expected is None or not math.isfinite(one.expected):
        return Check("total", False, "the purchases to come cannot be told")
    said = f"{one.expected:.6g} purchases are expected in a year"
    if one.expected_now is not None:
        low, high = one.expected_now / MOST_CHANGE, one.expected_now * MOST_CHANGE
        passed = low <= one.expected <= high
        return Check("total", passed, f"{said}; {one.expected_now:.6g} by the version in force")
    return Check(
        "total", one.expected <= MOST_OF_PACE * one.pace, f"{said}; the pace so far is {one.pace:.6g}"
    )


def _spend_carries(one: Candidate) -> Check:
    if carries(one.spend):
        return Check("spend", True, f"{one.spend.model} fits {one.spend.customers:g} repeat buyers")
    why = "; ".join(one.spend.warnings) or "no spend model carries these data"
    if one.spend_needed:
        return Check("spend", False, f"the version in force has a spend model, this one has none: {why}")
    return Check("spend", True, f"own averages are taken for spend: {why}")


def _not_on_hold(one: Candidate) -> Check:
    if one.on_hold:
        return Check(
            "hold", False, "an earlier version was put back; only a refit that is asked for replaces it"
        )
    return Check("hold", True, "nobody holds promotions back")


CHECKS: Final[Sequence[Callable[[Candidate], Check]]] = (
    _has_parameters,
    _converged,
    _within_bounds,
    _plausible,
    _spend_carries,
    _not_on_hold,
)


def carries(spend: Fit) -> bool:
    """Whether the spend model may be used: it converged, and the mean spend it implies is finite."""
    return spend.parameters is not None and spend.model != NO_MODEL and spend.converged


def judge(candidate: Candidate) -> list[Check]:
    """The outcome of every check; a candidate is promoted when all of them pass."""
    return [check(candidate) for check in CHECKS]
