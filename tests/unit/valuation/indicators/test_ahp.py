"""Weights from judgements: Saaty's published examples, and what must hold of any matrix."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.valuation.domain.indicators.ahp import MOST_ITEMS, checked, prioritise
from services.valuation.domain.indicators.errors import (
    JudgementMatrixNotSquareError,
    JudgementOutOfRangeError,
    JudgementsNotReciprocalError,
)
from shared.kernel.errors import InvalidInputError


def matrix(*upper: str) -> list[list[float]]:
    """A reciprocal matrix from its upper triangle, one row a text."""
    order = len(upper) + 1
    judged = [[1.0] * order for _ in range(order)]
    for row, text in enumerate(upper):
        for column, judgement in enumerate(text.split(), row + 1):
            judged[row][column] = float(Fraction(judgement))
            judged[column][row] = 1 / judged[row][column]
    return judged


# Saaty (2003), table 1: a house by size, transport, neighbourhood, age, yard, modern, condition, financing.
HOUSE = matrix(
    "5 3 7 6 6 1/3 1/4",
    "1/3 5 3 3 1/5 1/7",
    "6 3 4 6 1/5",
    "1/3 1/4 1/7 1/8",
    "1/2 1/5 1/6",
    "1/5 1/6",
    "1/2",
)
NEIGHBOURHOOD, CONDITION = 2, 6
# Saaty (1980), wealth: United States, USSR, China, France, United Kingdom, Japan, West Germany.
WEALTH = matrix("4 9 6 6 5 5", "7 5 5 3 4", "1/5 1/5 1/7 1/5", "1 1/3 1/3", "1/3 1/3", "2")


def test_the_wealth_of_nations_is_reproduced() -> None:
    found = prioritise(WEALTH)
    assert [round(weight, 3) for weight in found.weights] == [0.427, 0.230, 0.021, 0.052, 0.052, 0.123, 0.094]
    assert found.eigenvalue == pytest.approx(7.608, abs=5e-4)
    assert found.index == pytest.approx(0.10, abs=5e-3)
    assert found.ratio == pytest.approx(0.08, abs=5e-3)
    assert found.is_consistent


def test_the_house_is_reproduced_with_its_inconsistency() -> None:
    found = prioritise(HOUSE)
    assert [round(weight, 3) for weight in found.weights] == [
        *(0.173, 0.054, 0.188, 0.018),
        *(0.031, 0.036, 0.167, 0.333),
    ]
    assert found.eigenvalue == pytest.approx(9.669, abs=5e-4)
    assert found.ratio == pytest.approx(0.17, abs=5e-3)
    assert not found.is_consistent


def test_the_judgement_to_think_again_about_is_the_one_that_saaty_names() -> None:
    worst = prioritise(HOUSE).worst[0]
    assert (worst.row, worst.column, worst.given) == (NEIGHBOURHOOD, CONDITION, 6)
    assert worst.deviation == pytest.approx(5.32, abs=5e-3)
    assert worst.fitting == pytest.approx(1 / 2.18, abs=5e-3)
    assert worst.suggested == Fraction(1, 2)


def test_with_the_suggestion_taken_the_house_is_consistent_as_published() -> None:
    mended = [list(row) for row in HOUSE]
    mended[NEIGHBOURHOOD][CONDITION], mended[CONDITION][NEIGHBOURHOOD] = 0.5, 2.0
    found = prioritise(mended)
    assert [round(weight, 3) for weight in found.weights] == [
        *(0.175, 0.062, 0.103, 0.019),
        *(0.034, 0.041, 0.221, 0.345),
    ]
    assert found.eigenvalue == pytest.approx(8.811, abs=1e-3)
    assert found.is_consistent


def test_the_worst_judgements_are_listed_worst_first() -> None:
    deviations = [one.deviation for one in prioritise(HOUSE).worst]
    assert len(deviations) == 3
    assert all(before >= after for before, after in pairwise(deviations))


@pytest.mark.parametrize("order", [1, 2])
def test_one_or_two_items_cannot_contradict(order: int) -> None:
    found = prioritise([[1.0]] if order == 1 else [[1, 4], [0.25, 1]])
    assert found.ratio == 0
    assert found.worst == ()
    assert found.weights == pytest.approx([1.0] if order == 1 else [0.8, 0.2])


@pytest.mark.parametrize(
    ("judged", "error", "field"),
    [
        ([], JudgementMatrixNotSquareError, "matrix"),
        ([[1, 2]], JudgementMatrixNotSquareError, "matrix"),
        ([[1, 2], [0.5]], JudgementMatrixNotSquareError, "matrix"),
        ([[1.0] * 16] * 16, JudgementMatrixNotSquareError, "matrix"),
        ([[1, 10], [0.1, 1]], JudgementOutOfRangeError, "matrix[0][1]"),
        ([[1, 0], [1, 1]], JudgementOutOfRangeError, "matrix[0][1]"),
        ([[1, -2], [-0.5, 1]], JudgementOutOfRangeError, "matrix[0][1]"),
        ([[1, float("nan")], [1, 1]], JudgementOutOfRangeError, "matrix[0][1]"),
        ([[1, 9], [0.05, 1]], JudgementOutOfRangeError, "matrix[1][0]"),
        ([[1, 3], [3, 1]], JudgementsNotReciprocalError, "matrix[1][0]"),
        ([[2, 1], [1, 1]], JudgementsNotReciprocalError, "matrix[0][0]"),
    ],
)
def test_a_matrix_of_judgements_is_square_in_range_and_reciprocal(
    judged: list[list[float]], error: type[InvalidInputError], field: str
) -> None:
    with pytest.raises(error) as refused:
        prioritise(judged)
    assert refused.value.field_errors[0].field == field


def test_a_third_may_be_written_with_two_decimals() -> None:
    judged = checked([[1, 0.33, 7], [3, 1, 9], [0.14, 0.11, 1]])
    assert judged[0, 1] == pytest.approx(1 / 3, abs=1e-15)
    assert judged[2, 0] == pytest.approx(1 / 7, abs=1e-15)


STEPS = st.sampled_from([Fraction(1, n) for n in range(9, 1, -1)] + [Fraction(n) for n in range(1, 10)])


@st.composite
def judgements(draw: Any) -> list[list[float]]:
    order = draw(st.integers(3, 7))
    return matrix(*(" ".join(str(draw(STEPS)) for _ in range(order - row - 1)) for row in range(order - 1)))


@given(judgements())
def test_weights_are_positive_and_sum_to_one(judged: list[list[float]]) -> None:
    found = prioritise(judged)
    assert all(weight > 0 for weight in found.weights)
    assert sum(found.weights) == pytest.approx(1)
    assert found.eigenvalue >= len(judged) - 1e-9
    assert all(1 / 9 <= one.fitting <= 9 for one in found.worst)


@given(judgements(), st.randoms())
def test_the_order_of_the_items_does_not_matter(judged: list[list[float]], chance: Any) -> None:
    places = list(range(len(judged)))
    chance.shuffle(places)
    shuffled = prioritise([[judged[row][column] for column in places] for row in places])
    found = prioritise(judged)
    assert shuffled.weights == pytest.approx([found.weights[place] for place in places], abs=1e-9)
    assert shuffled.ratio == pytest.approx(found.ratio, abs=1e-9)


@given(st.lists(st.floats(1, 3), min_size=1, max_size=MOST_ITEMS))
def test_judgements_that_agree_give_back_the_weights_behind_them(importances: list[float]) -> None:
    found = prioritise([[one / other for other in importances] for one in importances])
    assert found.weights == pytest.approx([one / sum(importances) for one in importances])
    assert found.ratio == pytest.approx(0, abs=1e-9)


@given(judgements())
def test_a_more_important_item_weighs_more(judged: list[list[float]]) -> None:
    raised = [list(row) for row in judged]
    raised[0] = [1.0] + [min(9.0, one * 1.5) for one in judged[0][1:]]
    for row in range(1, len(judged)):
        raised[row][0] = 1 / raised[0][row]
    assert prioritise(raised).weights[0] >= prioritise(judged).weights[0] - 1e-12


@given(judgements())
def test_leaving_out_a_judgement_that_fits_gives_it_back(judged: list[list[float]]) -> None:
    weights = prioritise(judged).weights
    low = min(weights)
    fitting = [1 + weight - low for weight in weights]
    found = prioritise([[one / other for other in fitting] for one in fitting])
    for one in found.worst:
        assert one.fitting == pytest.approx(one.given, rel=1e-6)
        assert one.deviation == pytest.approx(1, abs=1e-6)
