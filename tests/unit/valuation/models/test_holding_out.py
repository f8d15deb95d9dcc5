"""Purchases cut in two: columns by hand, and the same whatever the order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.valuation.domain.models.holding_out import HeldOut
from services.valuation.domain.models.sufficiency import Counts

# Customer, day, amount. 7 buys twice on day 14, 9 comes too late to be known, 5 never comes again.
PURCHASES = [
    (7, 0, 10.0),
    (7, 14, 3.0),
    (7, 14, 1.0),
    (7, 35, 8.0),
    (7, 50, 2.0),
    (7, 71, 99.0),
    (5, 21, 6.0),
    (9, 43, 5.0),
]


def cut(rows: list[tuple[int, int, float]], *, calibration_end: int = 42, end: int = 70) -> HeldOut:
    customer, day, amount = zip(*rows, strict=True) if rows else ((), (), ())
    return HeldOut.of(customer, day, amount, calibration_end=calibration_end, end=end, days_a_unit=7)


def test_columns_are_those_of_the_papers() -> None:
    held_out = cut(PURCHASES)
    # Rows are in the order of the customers' numbers: 5, 7.
    assert held_out.frequency.tolist() == [0, 2]
    assert held_out.recency.tolist() == [0, 5]
    assert held_out.age.tolist() == [3, 6]
    assert held_out.spent.tolist() == [6, 22]
    assert held_out.average_spend.tolist() == [0, 6]
    assert held_out.later_purchases.tolist() == [0, 1]
    assert held_out.later_spend.tolist() == [0, 2]
    assert held_out.later_by_period.tolist() == [0, 1, 0, 0]
    assert held_out.horizon == 4
    assert held_out.counts() == Counts(customers=2, repeaters=1, history_days=42, held_out_purchases=1)


def test_the_calibration_day_itself_is_told() -> None:
    held_out = cut([(1, 0, 1.0), (1, 42, 1.0), (1, 43, 1.0)])
    assert held_out.frequency.tolist() == [1]
    assert held_out.later_purchases.tolist() == [1]


def test_a_unit_that_is_not_whole_counts_as_one() -> None:
    held_out = cut([(1, 0, 1.0), (1, 51, 1.0)], end=52)
    assert held_out.horizon == 10 / 7
    assert held_out.later_by_period.tolist() == [0, 1]


def test_nobody_is_a_possible_answer() -> None:
    for rows in ([], [(1, 60, 2.0)]):
        held_out = cut(rows)
        assert len(held_out) == 0
        assert held_out.counts() == Counts(0, 0, 0, 0)


rows = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 80), st.integers(0, 50).map(float)), min_size=1, max_size=30
)


@given(rows, st.randoms())
def test_order_says_nothing_and_nothing_is_lost(
    purchases: list[tuple[int, int, float]], random: object
) -> None:
    held_out = cut(purchases)
    shuffled = list(purchases)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    again = cut(shuffled)
    for name in ("frequency", "recency", "age", "spent", "later_purchases", "later_spend", "later_by_period"):
        assert np.array_equal(getattr(held_out, name), getattr(again, name))
    known = {customer for customer, day, _ in purchases if day <= 42}
    days = {(customer, day) for customer, day, _ in purchases if customer in known and day <= 70}
    assert len(held_out) == len(known)
    assert held_out.frequency.sum() + len(known) + held_out.later_purchases.sum() == len(days)
    assert held_out.later_by_period.sum() == held_out.later_purchases.sum()
    if known:
        assert len(held_out.histories()) == len(held_out.spends()) == len(known)
