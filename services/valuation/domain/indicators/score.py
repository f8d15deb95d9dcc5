"""A customer's value score: 0 to 100 points, each indicator's contribution, and how much of it rests on data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from services.valuation.domain.indicators.population import Distribution, Place, normalised
from services.valuation.domain.indicators.sources import SOURCES, Source
from services.valuation.domain.indicators.system import Indicator, IndicatorSystem

FULL = 100.0
NEUTRAL = 0.5

# Why an indicator counts as neutral: nothing is known of this customer, or too few others to compare with.
Missing = Literal["unknown", "too_few"]


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one indicator adds.

    weight      share of the whole score; `most_points` is 100 × weight
    value       the customer's figure in the source's unit, None when it is not known
    place       where it stands among all customers, None when it counts as neutral
    normalised  0 … 1, 1 the good end
    points      100 × weight × normalised
    """

    group: str
    indicator: Indicator
    weight: float
    value: float | None
    place: Place | None
    normalised: float
    missing: Missing | None

    @property
    def source(self) -> Source:
        return SOURCES[self.indicator.source]

    @property
    def points(self) -> float:
        return FULL * self.weight * self.normalised

    @property
    def most_points(self) -> float:
        return FULL * self.weight

    @property
    def lead(self) -> float:
        """Points above (or, negative, below) what a middling customer gets from this indicator."""
        return FULL * self.weight * (self.normalised - NEUTRAL)


@dataclass(frozen=True, slots=True)
class Score:
    """`points` is the sum of the contributions; `coverage` the share of the weight that rests on known values."""

    points: float
    coverage: float
    contributions: tuple[Contribution, ...]


def score(
    system: IndicatorSystem,
    weights: Mapping[str, float],
    population: Mapping[str, Distribution],
    facts: Mapping[str, float | None],
) -> Score:
    """The score of one customer, in O(indicators).

    weights     share of each source in the whole, summing to 1
    population  the distribution of each source
    facts       the customer's figure of each source, None where it is not known
    """
    contributions = tuple(
        _contribution(
            group.name,
            indicator,
            weights[indicator.source],
            population.get(indicator.source),
            facts.get(indicator.source),
        )
        for group, indicator in system.indicators()
    )
    return Score(
        points=sum(one.points for one in contributions),
        coverage=sum(one.weight for one in contributions if one.missing is None),
        contributions=contributions,
    )


def _contribution(
    group: str, indicator: Indicator, weight: float, among: Distribution | None, value: float | None
) -> Contribution:
    if value is None:
        return Contribution(group, indicator, weight, None, None, NEUTRAL, "unknown")
    if among is None or not among.is_telling:
        return Contribution(group, indicator, weight, value, None, NEUTRAL, "too_few")
    place = among.place(value)
    return Contribution(group, indicator, weight, value, place, normalised(place, indicator), None)
