"""What an indicator system looks like on the wire: as it is sent, and with its weights."""

from fractions import Fraction
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field

from services.valuation.domain.indicators.ahp import MOST_ITEMS, Judgement, prioritise
from services.valuation.domain.indicators.sources import SOURCES, Direction
from services.valuation.domain.indicators.system import (
    Group,
    Indicator,
    IndicatorSystem,
    Method,
    Weighting,
)
from services.valuation.domain.indicators.weighing import SystemWeights, Weighed
from services.valuation.domain.indicators.words import doubtful_judgement
from services.valuation.persistence.indicator_systems import StoredSystem
from shared.web.models import ApiModel, Instant

Label = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]+$")]
JudgementIn = Annotated[
    Annotated[float, Field(ge=-1e6, le=1e6)] | Annotated[str, Field(pattern=r"^[1-9](/[1-9])?$")],
    Field(
        description="How many times as important the row's item is: 1/9 … 9, as a number or as text.",
        examples=["1/3"],
    ),
]
Share = Annotated[float, Field(ge=-1e6, le=1e6)]


class WeightingIn(ApiModel):
    """How the items of one level are weighted.

    `ahp` takes a `matrix` of judgements, `entropy` nothing (the measured population decides), `mix` a `matrix` and
    `ahp_share`, `given` the `weights` themselves.
    """

    method: Method
    matrix: (
        Annotated[list[Annotated[list[JudgementIn], Field(max_length=50)]], Field(max_length=50)] | None
    ) = Field(default=None, description=f"Square, at most {MOST_ITEMS} items.")
    weights: Annotated[list[Share], Field(max_length=50)] | None = None
    ahp_share: Share | None = None

    def to_weighting(self) -> Weighting:
        return Weighting(
            self.method,
            None if self.matrix is None else tuple(tuple(_number(one) for one in row) for row in self.matrix),
            None if self.weights is None else tuple(self.weights),
            self.ahp_share,
        )


class IndicatorIn(ApiModel):
    """One source as an indicator, normalised to its winsorised percentile among all customers."""

    source: str = Field(
        max_length=100, description="One of /valuation/v1/indicator-sources.", examples=["recency"]
    )
    direction: Direction | None = Field(
        default=None, description="Which end is good; the source's own when absent."
    )
    lowest: Share = Field(default=0.01, description="Percentiles up to this count as 0.")
    highest: Share = Field(default=0.99, description="Percentiles from this on count as 1.")
    missing: Literal["neutral"] = Field(
        default="neutral", description="What is not known counts as the middle and lowers the coverage."
    )

    def to_indicator(self) -> Indicator:
        source = SOURCES.get(self.source)
        direction = self.direction or ("higher" if source is None else source.direction)
        return Indicator(self.source, direction, self.lowest, self.highest)


class GroupIn(ApiModel):
    """Indicators that belong together."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[a-z][a-z0-9_-]*$")]
    label: Label
    label_zh: Label
    indicators: Annotated[list[IndicatorIn], Field(min_length=1, max_length=MOST_ITEMS)]
    weighting: WeightingIn

    def to_group(self) -> Group:
        return Group(
            self.name,
            self.label,
            self.label_zh,
            tuple(one.to_indicator() for one in self.indicators),
            self.weighting.to_weighting(),
        )


class IndicatorSystemIn(ApiModel):
    """Groups of indicators, and the weighting among the groups."""

    groups: Annotated[list[GroupIn], Field(min_length=1, max_length=MOST_ITEMS)]
    weighting: WeightingIn

    def to_system(self) -> IndicatorSystem:
        return IndicatorSystem(
            tuple(group.to_group() for group in self.groups), self.weighting.to_weighting()
        )


class JudgementOut(ApiModel):
    """A judgement that fits the others least."""

    row: int
    column: int
    given: float
    deviation: float = Field(description="Factor by which it differs from the ratio of the weights.")
    fitting: float = Field(description="The ratio that all other judgements give.")
    suggested: str = Field(description="The step of the scale next to it.", examples=["1/2"])
    words: str
    words_zh: str

    @classmethod
    def of(cls, one: Judgement, names: list[str]) -> Self:
        words, words_zh = doubtful_judgement(one, names[one.row], names[one.column])
        return cls(
            row=one.row,
            column=one.column,
            given=one.given,
            deviation=one.deviation,
            fitting=one.fitting,
            suggested=str(one.suggested),
            words=words,
            words_zh=words_zh,
        )


class ConsistencyOut(ApiModel):
    """How far the judgements agree with each other (Saaty); a ratio of .1 or more is refused."""

    eigenvalue: float
    index: float
    ratio: float
    is_consistent: bool
    worst_judgements: list[JudgementOut]


class WeightingOut(ApiModel):
    """A level's weights, in the order of its items."""

    method: Method
    weights: list[float]
    matrix: list[list[float]] | None
    ahp_share: float | None
    divergences: list[float] | None = Field(
        description="How much customers differ in each item, for entropy and mixes; 0 where too few are known."
    )
    consistency: ConsistencyOut | None

    @classmethod
    def of(cls, weighting: Weighting, level: Weighed, names: list[str]) -> Self:
        matrix = weighting.matrix
        consistency = None
        if matrix is not None:
            found = prioritise(matrix)
            consistency = ConsistencyOut(
                eigenvalue=found.eigenvalue,
                index=found.index,
                ratio=found.ratio,
                is_consistent=found.is_consistent,
                worst_judgements=[JudgementOut.of(one, names) for one in found.worst],
            )
        return cls(
            method=weighting.method,
            weights=list(level.weights),
            matrix=None if matrix is None else [list(row) for row in matrix],
            ahp_share=weighting.ahp_share,
            divergences=None if level.divergences is None else list(level.divergences),
            consistency=consistency,
        )


class IndicatorOut(ApiModel):
    """An indicator with its share of the whole score."""

    source: str
    label: str
    label_zh: str
    direction: Direction
    lowest: float
    highest: float
    missing: Literal["neutral"]
    weight: float


class GroupOut(ApiModel):
    """A group with its share of the whole score."""

    name: str
    label: str
    label_zh: str
    weight: float
    indicators: list[IndicatorOut]
    weighting: WeightingOut


class WeightsOut(ApiModel):
    """The weights of a system that is not stored: what a version of it would have."""

    groups: list[GroupOut]
    weighting: WeightingOut
    is_consistent: bool = Field(description="False: the system would be refused.")
    measurement_id: UUID | None = Field(description="The measurement that entropy was taken from.")

    @classmethod
    def of(cls, system: IndicatorSystem, weights: SystemWeights, measurement_id: UUID | None) -> Self:
        groups, weighting = weighed(system, weights)
        levels = [weighting, *(group.weighting for group in groups)]
        return cls(
            groups=groups,
            weighting=weighting,
            is_consistent=all(one.consistency is None or one.consistency.is_consistent for one in levels),
            measurement_id=measurement_id,
        )


class IndicatorSystemOut(ApiModel):
    """One version of the system; it never changes. The newest is in force."""

    version: int
    groups: list[GroupOut]
    weighting: WeightingOut
    measurement_id: UUID | None = Field(description="The measurement that entropy was taken from.")
    created_at: Instant
    created_by: str

    @classmethod
    def of(cls, stored: StoredSystem) -> Self:
        groups, weighting = weighed(stored.system, stored.weights)
        return cls(
            version=stored.provenance.version,
            groups=groups,
            weighting=weighting,
            measurement_id=stored.provenance.measurement_id,
            created_at=stored.provenance.created_at,
            created_by=stored.provenance.created_by,
        )


def weighed(system: IndicatorSystem, weights: SystemWeights) -> tuple[list[GroupOut], WeightingOut]:
    """Groups with their weights, and the weighting among them."""
    shares = weights.of_sources(system)
    groups = [
        GroupOut(
            name=group.name,
            label=group.label,
            label_zh=group.label_zh,
            weight=share,
            indicators=[_indicator(one, shares[one.source]) for one in group.indicators],
            weighting=WeightingOut.of(group.weighting, level, [one.source for one in group.indicators]),
        )
        for group, share, level in zip(system.groups, weights.groups.weights, weights.within, strict=True)
    ]
    names = [group.name for group in system.groups]
    return groups, WeightingOut.of(system.weighting, weights.groups, names)


def _indicator(indicator: Indicator, weight: float) -> IndicatorOut:
    source = SOURCES[indicator.source]
    return IndicatorOut(
        source=source.name,
        label=source.label,
        label_zh=source.label_zh,
        direction=indicator.direction,
        lowest=indicator.lowest,
        highest=indicator.highest,
        missing="neutral",
        weight=weight,
    )


def _number(judgement: float | str) -> float:
    return float(Fraction(judgement)) if isinstance(judgement, str) else float(judgement)
