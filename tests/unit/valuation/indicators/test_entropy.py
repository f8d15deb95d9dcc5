"""Weights from data: an example worked by hand, and what must hold of any."""

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from services.valuation.domain.indicators.entropy import divergences, entropy_weights, mixed

VALUES = arrays(np.float64, st.tuples(st.integers(2, 12), st.integers(1, 5)), elements=st.floats(0, 1e6))


def test_two_columns_worked_by_hand() -> None:
    # Shares (1/2, 1/2) have the entropy ln 2, so nothing is left; shares (1/4, 3/4) leave ln 2 − .5623.
    found = divergences(np.array([[5.0, 1.0], [5.0, 3.0]]))
    assert found == pytest.approx([0, log(2) + 0.25 * log(0.25) + 0.75 * log(0.75)])
    assert entropy_weights(list(found)) == pytest.approx((0, 1))


def test_what_is_the_same_for_all_weighs_nothing_and_the_most_uneven_weighs_most() -> None:
    column = np.linspace(0, 1, 101)
    weights = entropy_weights(list(divergences(np.column_stack([np.ones(101), column, column**8]))))
    assert weights[0] == pytest.approx(0, abs=1e-12)
    assert weights[2] > weights[1] > 0


def test_where_nothing_differs_all_weigh_the_same() -> None:
    assert entropy_weights([0, 0, 0, 0]) == (0.25, 0.25, 0.25, 0.25)
    assert divergences(np.zeros((0, 2))).sum() == 0


@given(VALUES)
def test_weights_sum_to_one_and_none_is_negative(values: np.ndarray) -> None:
    weights = entropy_weights(list(divergences(values)))
    assert sum(weights) == pytest.approx(1)
    assert min(weights) >= 0


@given(VALUES)
def test_order_repetition_and_unit_do_not_matter(values: np.ndarray) -> None:
    expected = divergences(values)
    places = np.random.default_rng(len(values)).permutation(len(values))
    assert divergences(values[places]) == pytest.approx(expected, abs=1e-9)
    assert divergences(np.repeat(values, 3, axis=0)) == pytest.approx(expected, abs=1e-9)
    assert divergences(values * 100) == pytest.approx(expected, abs=1e-9)


@given(st.floats(0, 1))
def test_a_mix_lies_between_its_parts(share: float) -> None:
    judged, measured = (0.7, 0.2, 0.1), (0.1, 0.3, 0.6)
    found = mixed(judged, measured, share)
    assert sum(found) == pytest.approx(1)
    for one, low, high in zip(found, judged, measured, strict=True):
        assert min(low, high) - 1e-12 <= one <= max(low, high) + 1e-12
    assert mixed(judged, measured, 1) == pytest.approx(judged)
    assert mixed(judged, measured, 0) == pytest.approx(measured)
