"""An indicator system (指标体系): groups of indicators and how each level is weighted. A version never changes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from math import isclose
from typing import Literal
from uuid import UUID

from services.valuation.domain.indicators.errors import (
    IndicatorRepeatedError,
    IndicatorSourceUnknownError,
    InfluenceMixedError,
    JudgementMatrixNotSquareError,
    WeightingIncompleteError,
    WeightsDoNotSumError,
    WinsorLimitsInvalidError,
)
from services.valuation.domain.indicators.sources import SOURCES, Direction
from shared.kernel.errors import FieldError

Method = Literal["ahp", "entropy", "mix", "given"]
# Weights written with six decimals may miss 1 by their rounding.
SUM_TOLERANCE = 1e-5

# What each method takes besides its name.
_TAKES: dict[Method, frozenset[str]] = {
    "ahp": frozenset({"matrix"}),
    "entropy": frozenset(),
    "mix": frozenset({"matrix", "ahp_share"}),
    "given": frozenset({"weights"}),
}


@dataclass(frozen=True, slots=True)
class Weighting:
    """How the items of one level get their weights.

    ahp      from `matrix`, judgements between the items in their order, 1/9 … 9
    entropy  from how much the measured population differs in them
    mix      `ahp_share` of the first and the rest of the second
    given    `weights`, shares that sum to 1
    """

    method: Method
    matrix: tuple[tuple[float, ...], ...] | None = None
    weights: tuple[float, ...] | None = None
    ahp_share: float | None = None

    @property
    def needs_population(self) -> bool:
        return self.method in ("entropy", "mix")

    def check(self, items: int, field: str) -> None:
        """Raises the named error of what does not fit `items` items; the matrix itself is checked when weighed."""
        present = {name for name in ("matrix", "weights", "ahp_share") if getattr(self, name) is not None}
        if present != _TAKES[self.method]:
            names = " and ".join(sorted(_TAKES[self.method])) or "nothing else"
            raise WeightingIncompleteError(
                f"the method {self.method} takes {names}",
                field_errors=[FieldError(field, "method", f"For {self.method} send {names}")],
            )
        if self.matrix is not None and len(self.matrix) != items:
            raise JudgementMatrixNotSquareError(
                f"the matrix has {len(self.matrix)} rows for {items} items",
                field_errors=[FieldError(f"{field}.matrix", "square", f"Send {items} rows and columns")],
            )
        if self.ahp_share is not None and not 0 <= self.ahp_share <= 1:
            raise WeightingIncompleteError(
                f"an AHP share of {self.ahp_share:g} is none",
                field_errors=[FieldError(f"{field}.ahp_share", "range", "A share from 0 to 1")],
            )
        weights = self.weights
        if weights is None:
            return
        total = sum(weights)
        if (
            len(weights) != items
            or not all(0 <= weight <= 1 for weight in weights)
            or not isclose(total, 1, abs_tol=SUM_TOLERANCE)
        ):
            raise WeightsDoNotSumError(
                f"{len(weights)} weights for {items} items that sum to {total:g}",
                field_errors=[FieldError(f"{field}.weights", "sum", f"Send {items} shares that sum to 1")],
            )


@dataclass(frozen=True, slots=True)
class Indicator:
    """One source as an indicator: which end is good, and the winsorised percentile that normalises it.

    Percentiles at or below `lowest` count as 0, those at or above `highest` as 1. A value that is not known
    counts as neutral (.5), and the score's coverage is lowered by the weight.
    """

    source: str
    direction: Direction
    lowest: float = 0.01
    highest: float = 0.99


@dataclass(frozen=True, slots=True)
class Group:
    """Indicators that belong together, with the weighting among them."""

    name: str
    label: str
    label_zh: str
    indicators: tuple[Indicator, ...]
    weighting: Weighting


@dataclass(frozen=True, slots=True)
class IndicatorSystem:
    """Groups with the weighting among them. Weights themselves are in `weighing`."""

    groups: tuple[Group, ...]
    weighting: Weighting

    def indicators(self) -> Iterator[tuple[Group, Indicator]]:
        """All indicators in their order, with their groups."""
        return ((group, indicator) for group in self.groups for indicator in group.indicators)

    @property
    def needs_population(self) -> bool:
        """Whether weights depend on a measurement."""
        return any(level.needs_population for level in (self.weighting, *(g.weighting for g in self.groups)))

    def check(self) -> None:
        """Raises the named error of the first rule that the system breaks, with the field's path."""
        self.weighting.check(len(self.groups), "weighting")
        names: set[str] = set()
        sources: set[str] = set()
        for place, group in enumerate(self.groups):
            field = f"groups[{place}]"
            if group.name in names:
                raise _repeated(f"{field}.name", group.name)
            names.add(group.name)
            for number, indicator in enumerate(group.indicators):
                where = f"{field}.indicators[{number}]"
                _check_indicator(indicator, where)
                if indicator.source in sources:
                    raise _repeated(f"{where}.source", indicator.source)
                sources.add(indicator.source)
            kinds = {SOURCES[indicator.source].kind for indicator in group.indicators}
            if "influence" in kinds and len(kinds) > 1:
                raise InfluenceMixedError(
                    f"the group {group.name} mixes influence with other values",
                    field_errors=[
                        FieldError(f"{field}.indicators", "influence", "Put influence in a group of its own")
                    ],
                )
            group.weighting.check(len(group.indicators), f"{field}.weighting")


@dataclass(frozen=True, slots=True)
class Provenance:
    """Which version this is, who made it and when, and the measurement its data-driven weights come from."""

    version: int
    created_at: datetime
    created_by: str
    measurement_id: UUID | None


def _check_indicator(indicator: Indicator, field: str) -> None:
    if indicator.source not in SOURCES:
        raise IndicatorSourceUnknownError(
            f"{indicator.source} is no source of indicators",
            field_errors=[FieldError(f"{field}.source", "source", f"One of {', '.join(sorted(SOURCES))}")],
        )
    if not 0 <= indicator.lowest < indicator.highest <= 1:
        raise WinsorLimitsInvalidError(
            f"{indicator.lowest:g} and {indicator.highest:g} are no limits",
            field_errors=[FieldError(f"{field}.lowest", "range", "Send 0 ≤ lowest < highest ≤ 1")],
        )


def _repeated(field: str, name: str) -> IndicatorRepeatedError:
    return IndicatorRepeatedError(
        f"{name} stands twice in the system", field_errors=[FieldError(field, "unique", "Name it once")]
    )
