"""The weights of a system: each level by its method, multiplied down to the indicators."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.valuation.domain.indicators.ahp import Priorities, prioritise
from services.valuation.domain.indicators.entropy import entropy_weights, mixed
from services.valuation.domain.indicators.errors import (
    JudgementsInconsistentError,
    PopulationNotMeasuredError,
)
from services.valuation.domain.indicators.population import Distribution
from services.valuation.domain.indicators.system import Group, IndicatorSystem, Weighting
from services.valuation.domain.indicators.words import doubtful_judgement
from shared.kernel.errors import FieldError

Population = Mapping[str, Distribution]


@dataclass(frozen=True, slots=True)
class Weighed:
    """Weights of one level, in the order of its items, that sum to 1.

    priorities   what the judgements gave, for AHP and mixes
    divergences  how much customers differ in each item, for entropy and mixes
    """

    weights: tuple[float, ...]
    priorities: Priorities | None = None
    divergences: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class SystemWeights:
    """The weights among the groups, and within each of them."""

    groups: Weighed
    within: tuple[Weighed, ...]

    def of_sources(self, system: IndicatorSystem) -> dict[str, float]:
        """Weight of each source in the whole; they sum to 1."""
        return {
            indicator.source: share * weight
            for share, level, group in zip(self.groups.weights, self.within, system.groups, strict=True)
            for indicator, weight in zip(group.indicators, level.weights, strict=True)
        }

    def levels(self, system: IndicatorSystem) -> Iterator[tuple[str, Sequence[str], Weighed]]:
        """Field path, names of the items and weights, level by level."""
        yield "weighting", [group.name for group in system.groups], self.groups
        for place, (group, level) in enumerate(zip(system.groups, self.within, strict=True)):
            yield f"groups[{place}].weighting", [one.source for one in group.indicators], level


def weigh(system: IndicatorSystem, population: Population | None) -> SystemWeights:
    """The weights of a checked system, consistent or not (`refuse_inconsistent` decides).

    population  the distribution of each source; needed where a level is weighted by entropy
    Raises `PopulationNotMeasuredError` and the errors of `ahp.checked`.
    """
    if system.needs_population and population is None:
        raise PopulationNotMeasuredError
    found = [_divergences(group, population or {}) for group in system.groups]
    within = tuple(
        _level(group.weighting, own, f"groups[{place}].weighting")
        for place, (group, own) in enumerate(zip(system.groups, found, strict=True))
    )
    # Entropy adds up: a group tells customers apart as much as its indicators together.
    groups = _level(system.weighting, [sum(own) for own in found], "weighting")
    return SystemWeights(groups, within)


def refuse_inconsistent(system: IndicatorSystem, weights: SystemWeights) -> None:
    """Raises `JudgementsInconsistentError` with the worst judgements of each matrix whose ratio is .1 or more."""
    errors, ratios = [], []
    for field, names, level in weights.levels(system):
        priorities = level.priorities
        if priorities is None or priorities.is_consistent:
            continue
        ratios.append(f"{field} has a consistency ratio of {priorities.ratio:.2f}")
        errors += [
            FieldError(
                f"{field}.matrix[{one.row}][{one.column}]",
                "consistency",
                doubtful_judgement(one, names[one.row], names[one.column])[0],
            )
            for one in priorities.worst
        ]
    if errors:
        raise JudgementsInconsistentError("; ".join(ratios), field_errors=errors)


def _divergences(group: Group, population: Population) -> list[float]:
    return [
        population[one.source].divergence(one) if one.source in population else 0.0
        for one in group.indicators
    ]


def _level(weighting: Weighting, found: Sequence[float], field: str) -> Weighed:
    if weighting.method == "given":
        assert weighting.weights is not None
        total = sum(weighting.weights)
        return Weighed(tuple(weight / total for weight in weighting.weights))
    if weighting.method == "entropy":
        return Weighed(entropy_weights(found), divergences=tuple(found))
    assert weighting.matrix is not None
    priorities = prioritise(weighting.matrix, field=f"{field}.matrix")
    if weighting.method == "ahp":
        return Weighed(priorities.weights, priorities)
    assert weighting.ahp_share is not None
    weights = mixed(priorities.weights, entropy_weights(found), weighting.ahp_share)
    return Weighed(weights, priorities, tuple(found))
