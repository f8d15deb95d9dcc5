"""The gate on counts: each thing that is short is named, and nothing else."""

from dataclasses import replace

import pytest

from services.valuation.domain.models.sufficiency import (
    LEAST_CUSTOMERS,
    LEAST_HELD_OUT_PURCHASES,
    LEAST_HISTORY_DAYS,
    LEAST_REPEATERS,
    Counts,
    Reason,
    Shortage,
    shortages,
)

ENOUGH = Counts(LEAST_CUSTOMERS, LEAST_REPEATERS, LEAST_HISTORY_DAYS, LEAST_HELD_OUT_PURCHASES)


def test_as_much_as_is_needed_is_enough() -> None:
    assert shortages(ENOUGH) == ()


@pytest.mark.parametrize(
    ("changed", "shortage", "needed"),
    [
        ({"customers": LEAST_CUSTOMERS - 1}, Shortage.CUSTOMERS, LEAST_CUSTOMERS),
        ({"repeaters": LEAST_REPEATERS - 1}, Shortage.REPEATERS, LEAST_REPEATERS),
        ({"history_days": LEAST_HISTORY_DAYS - 1}, Shortage.HISTORY, LEAST_HISTORY_DAYS),
        (
            {"held_out_purchases": LEAST_HELD_OUT_PURCHASES - 1},
            Shortage.HELD_OUT_PURCHASES,
            LEAST_HELD_OUT_PURCHASES,
        ),
    ],
)
def test_one_less_is_named(changed: dict[str, int], shortage: Shortage, needed: int) -> None:
    assert shortages(replace(ENOUGH, **changed)) == (Reason(shortage, needed - 1, needed),)


def test_a_fit_that_is_not_graded_needs_nothing_held_out() -> None:
    assert shortages(replace(ENOUGH, held_out_purchases=None)) == ()


def test_all_that_is_short_is_told() -> None:
    assert [one.shortage for one in shortages(Counts(0, 0, 0, 0))] == [
        Shortage.CUSTOMERS,
        Shortage.REPEATERS,
        Shortage.HISTORY,
        Shortage.HELD_OUT_PURCHASES,
    ]


@pytest.mark.parametrize("shortage", list(Shortage))
def test_every_reason_has_words_in_both_languages(shortage: Shortage) -> None:
    reason = Reason(shortage, 1234, 5678)
    if shortage is not Shortage.MODEL:
        for sentence in (reason.sentence, reason.sentence_zh):
            assert "1,234" in sentence
            assert "5,678" in sentence
    assert "{" not in reason.sentence + reason.sentence_zh
