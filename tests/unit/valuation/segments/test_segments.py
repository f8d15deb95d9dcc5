"""RFM groups and the matrix: every customer has one of each, at the cuts too, with words in two languages."""

from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.valuation.domain.rfm import Rfm
from services.valuation.domain.segments.errors import SegmentCutsOutOfOrderError
from services.valuation.domain.segments.matrix import (
    CELLS,
    LEVELS,
    POTENTIAL_LEVELS,
    cell_of,
    influence_note,
    level_of,
)
from services.valuation.domain.segments.rfm_groups import GROUPS, group_by, group_of
from services.valuation.domain.segments.rules import SegmentRules
from shared.kernel.errors import InvalidInputError

RULES = SegmentRules(1, 180, 3, 10_000, (1000, 3000), (2000, 5000))
TODAY = date(2026, 3, 2)


def rules(**changes: Any) -> SegmentRules:
    facts: dict[str, Any] = {
        "version": 1,
        "recent_days": 180,
        "frequent_days": 3,
        "large_spend_minor": 10_000,
        "current_minor": (1000, 3000),
        "potential_minor": (2000, 5000),
    }
    return SegmentRules(**{**facts, **changes})


@pytest.mark.parametrize("field", ["current_minor", "potential_minor"])
@pytest.mark.parametrize("cuts", [(0, 5), (5, 5), (9, 5), (-1, 5)])
def test_two_cuts_rise_from_above_zero(field: str, cuts: tuple[int, int]) -> None:
    with pytest.raises(SegmentCutsOutOfOrderError) as refused:
        rules(**{field: cuts})
    assert refused.value.field_errors[0].field == field


@pytest.mark.parametrize("field", ["recent_days", "frequent_days", "large_spend_minor"])
def test_cuts_of_groups_are_at_least_one(field: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        rules(**{field: 0})
    assert refused.value.field_errors[0].field == field


@pytest.mark.parametrize(
    ("days_ago", "purchase_days", "spend", "expected"),
    [
        (180, 3, 10_000, "key_value"),
        (180, 2, 10_000, "key_development"),
        (181, 3, 10_000, "key_retention"),
        (181, 2, 10_000, "key_recovery"),
        (0, 3, 9_999, "general_value"),
        (0, 1, 0, "general_development"),
        (500, 9, 9_999, "general_retention"),
        (500, 1, 1, "general_recovery"),
        (None, 0, 0, "not_bought"),
    ],
)
def test_a_customer_has_the_group_of_its_purchases(
    days_ago: int | None, purchase_days: int, spend: int, expected: str
) -> None:
    last = None if days_ago is None else TODAY - timedelta(days=days_ago)
    assert group_of(Rfm(last, last, purchase_days, purchase_days, spend), RULES, TODAY).code == expected


def test_the_eight_groups_are_all_reached_and_told_apart() -> None:
    reached = {
        group_by(is_recent=recent, is_frequent=frequent, is_large=large).code
        for recent, frequent, large in product([True, False], repeat=3)
    }
    assert reached == set(GROUPS) - {"not_bought"}


@pytest.mark.parametrize(
    ("current", "potential", "expected"),
    [
        (-5, 0, ("low", "low")),
        (999, 1999, ("low", "low")),
        (1000, 2000, ("medium", "medium")),
        (2999, 4999.9, ("medium", "medium")),
        (3000, 5000, ("high", "high")),
        (3000, None, ("high", "not_scored")),
        (0, None, ("low", "not_scored")),
    ],
)
def test_a_customer_has_one_cell(current: int, potential: float | None, expected: tuple[str, str]) -> None:
    cell = cell_of(current, potential, RULES)
    assert (cell.current, cell.potential) == expected


def test_every_cell_and_group_has_words_of_its_own_in_both_languages() -> None:
    assert set(CELLS) == set(product(LEVELS, POTENTIAL_LEVELS))
    for segments in (list(CELLS.values()), list(GROUPS.values())):
        for field in ("name", "name_zh", "strategy", "strategy_zh"):
            said = [getattr(segment, field) for segment in segments]
            assert len(set(said)) == len(said)
            has_chinese = [any("\u4e00" <= letter <= "\u9fff" for letter in one) for one in said]
            assert all(has_chinese) if field.endswith("_zh") else not any(has_chinese)


@given(st.integers(-(10**6), 10**9), st.integers(1, 10**6), st.integers(1, 10**6))
def test_levels_rise_with_the_value(value: int, low: int, more: int) -> None:
    cuts = (low, low + more)
    assert LEVELS.index(level_of(value, cuts)) <= LEVELS.index(level_of(value + more, cuts))


def test_influence_is_an_overlay_that_keeps_rewards_apart() -> None:
    assert influence_note(0, 0) is None
    unprompted, rewarded = influence_note(1, 5), influence_note(0, 5)
    assert unprompted is not None
    assert rewarded is not None
    assert unprompted != rewarded
    assert "reward" in rewarded.strategy
    assert "reward" not in unprompted.strategy
