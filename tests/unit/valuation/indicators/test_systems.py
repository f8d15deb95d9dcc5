"""Systems: what is refused by name, and how levels multiply to weights."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.valuation.domain.indicators.errors import (
    IndicatorRepeatedError,
    IndicatorSourceUnknownError,
    InfluenceMixedError,
    JudgementMatrixNotSquareError,
    JudgementsInconsistentError,
    JudgementsNotReciprocalError,
    PopulationNotMeasuredError,
    WeightingIncompleteError,
    WeightsDoNotSumError,
    WinsorLimitsInvalidError,
)
from services.valuation.domain.indicators.population import Distribution
from services.valuation.domain.indicators.system import Group, Indicator, IndicatorSystem, Weighting
from services.valuation.domain.indicators.weighing import refuse_inconsistent, weigh
from shared.kernel.errors import CareloopError

EVEN = tuple(float(step) for step in range(101))
UNEVEN = tuple(float(step) ** 6 for step in range(101))
POPULATION = {
    "recency": Distribution("recency", 5_000, EVEN),
    "frequency": Distribution("frequency", 5_000, UNEVEN),
    "tenure": Distribution("tenure", 5_000, (7.0,) * 101),
    "spend": Distribution("spend", 19, UNEVEN),
}


def given_weights(*weights: float) -> Weighting:
    return Weighting("given", weights=weights)


def group(name: str, *sources: str, weighting: Weighting | None = None, **changes: Any) -> Group:
    indicators = tuple(Indicator(source, "higher") for source in sources)
    even = given_weights(*(1 / len(sources) for _ in sources))
    return replace(Group(name, name, name, indicators, weighting or even), **changes)


def system(*groups: Group, weighting: Weighting | None = None) -> IndicatorSystem:
    return IndicatorSystem(groups, weighting or given_weights(*(1 / len(groups) for _ in groups)))


ONE = group("a", "recency", "frequency")
# Recency over frequency over tenure over recency: a circle.
CIRCLE = Weighting("ahp", matrix=((1, 3, 1 / 3), (1 / 3, 1, 3), (3, 1 / 3, 1)))


@pytest.mark.parametrize(
    ("made", "error", "field"),
    [
        (system(group("a", "age")), IndicatorSourceUnknownError, "groups[0].indicators[0].source"),
        (system(group("a", "recency", "recency")), IndicatorRepeatedError, "groups[0].indicators[1].source"),
        (system(ONE, group("a", "tenure")), IndicatorRepeatedError, "groups[1].name"),
        (system(ONE, group("b", "recency")), IndicatorRepeatedError, "groups[1].indicators[0].source"),
        (system(group("a", "referrals", "spend")), InfluenceMixedError, "groups[0].indicators"),
        (
            system(group("a", "spend", indicators=(Indicator("spend", "higher", 0.9, 0.9),))),
            WinsorLimitsInvalidError,
            "groups[0].indicators[0].lowest",
        ),
        (system(ONE, weighting=given_weights(0.9)), WeightsDoNotSumError, "weighting.weights"),
        (system(ONE, weighting=given_weights(0.5, 0.5)), WeightsDoNotSumError, "weighting.weights"),
        (
            system(group("a", "recency", "tenure", weighting=given_weights(1.5, -0.5))),
            WeightsDoNotSumError,
            "groups[0].weighting.weights",
        ),
        (system(ONE, weighting=Weighting("ahp")), WeightingIncompleteError, "weighting"),
        (system(ONE, weighting=Weighting("entropy", weights=(1,))), WeightingIncompleteError, "weighting"),
        (system(ONE, weighting=Weighting("mix", matrix=((1,),))), WeightingIncompleteError, "weighting"),
        (
            system(ONE, weighting=Weighting("mix", matrix=((1,),), ahp_share=1.5)),
            WeightingIncompleteError,
            "weighting.ahp_share",
        ),
        (
            system(ONE, weighting=Weighting("ahp", matrix=((1, 2), (0.5, 1)))),
            JudgementMatrixNotSquareError,
            "weighting.matrix",
        ),
    ],
)
def test_a_system_that_makes_no_sense_is_refused_by_field(
    made: IndicatorSystem, error: type[CareloopError], field: str
) -> None:
    with pytest.raises(error) as refused:
        made.check()
    assert refused.value.field_errors[0].field == field


def test_protected_attributes_are_no_sources() -> None:
    for attribute in (
        "age",
        "sex",
        "gender",
        "ethnicity",
        "religion",
        "nationality",
        "health",
        "display_name",
    ):
        with pytest.raises(IndicatorSourceUnknownError):
            system(group("a", attribute)).check()


def test_a_matrix_that_is_wrong_is_named_by_its_level() -> None:
    wrong = group("a", "recency", "tenure", weighting=Weighting("ahp", matrix=((1, 2), (2, 1))))
    with pytest.raises(JudgementsNotReciprocalError) as refused:
        weigh(system(wrong), None)
    assert refused.value.field_errors[0].field == "groups[0].weighting.matrix[1][0]"


def test_contradictory_judgements_are_refused_with_a_sentence_on_each_of_the_worst() -> None:
    made = system(group("a", "recency", "frequency", "tenure", weighting=CIRCLE))
    weights = weigh(made, None)
    with pytest.raises(JudgementsInconsistentError) as refused:
        refuse_inconsistent(made, weights)
    assert "groups[0].weighting has a consistency ratio of" in refused.value.detail
    assert [one.field for one in refused.value.field_errors] == [
        "groups[0].weighting.matrix[0][1]",
        "groups[0].weighting.matrix[0][2]",
        "groups[0].weighting.matrix[1][2]",
    ]
    assert refused.value.field_errors[0].message == (
        "recency was judged 3 times as important as frequency; the other judgements suggest 1/9"
    )


def test_levels_multiply() -> None:
    made = system(
        group("a", "recency", "frequency", weighting=Weighting("ahp", matrix=((1, 4), (0.25, 1)))),
        group("b", "tenure"),
        weighting=given_weights(0.7, 0.3),
    )
    weights = weigh(made, None).of_sources(made)
    assert weights == pytest.approx({"recency": 0.56, "frequency": 0.14, "tenure": 0.3})


def test_entropy_needs_a_measurement_and_gives_weight_to_what_tells_customers_apart() -> None:
    made = system(
        group("a", "recency", "frequency", "tenure", "spend", weighting=Weighting("entropy")),
        group("b", "nps"),
        weighting=Weighting("entropy"),
    )
    with pytest.raises(PopulationNotMeasuredError):
        weigh(made, None)
    weights = weigh(made, POPULATION).of_sources(made)
    assert weights["frequency"] > weights["recency"] > 0
    # Alike for all, known of too few, and not measured at all.
    assert weights["tenure"] == weights["spend"] == weights["nps"] == 0
    assert sum(weights.values()) == pytest.approx(1)


def test_a_group_diverges_as_much_as_its_indicators_together() -> None:
    apart = system(group("a", "recency"), group("b", "frequency"), weighting=Weighting("entropy"))
    together = system(group("a", "recency", "frequency", weighting=Weighting("entropy")))
    found = weigh(together, POPULATION).of_sources(together)
    assert weigh(apart, POPULATION).of_sources(apart) == pytest.approx(found)


WEIGHTINGS = st.sampled_from(
    [
        Weighting("given", weights=(0.2, 0.3, 0.5)),
        Weighting("ahp", matrix=((1, 2, 4), (1 / 2, 1, 2), (1 / 4, 1 / 2, 1))),
        Weighting("entropy"),
        Weighting("mix", matrix=((1, 2, 4), (1 / 2, 1, 2), (1 / 4, 1 / 2, 1)), ahp_share=0.4),
    ]
)


@given(WEIGHTINGS, WEIGHTINGS, WEIGHTINGS, WEIGHTINGS)
def test_weights_of_the_sources_sum_to_one(
    first: Weighting, second: Weighting, third: Weighting, among: Weighting
) -> None:
    made = system(
        group("a", "recency", "frequency", "tenure", weighting=first),
        group("b", "spend", "csat", "nps", weighting=second),
        group("c", "tickets", "cost_to_serve", "average_spend", weighting=third),
        weighting=among,
    )
    made.check()
    weights = weigh(made, POPULATION).of_sources(made)
    assert len(weights) == 9
    assert sum(weights.values()) == pytest.approx(1)
    assert min(weights.values()) >= 0
