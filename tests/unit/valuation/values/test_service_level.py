"""Value less cost by service level: the figures against the customers themselves, and when a best one is named."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.valuation.domain.values.service_level import Level, LevelSums, best_level
from services.valuation.domain.values.words import best_words

Customers = Sequence[tuple[int, int, float]]
MONEY = st.integers(-10_000, 1_000_000)
CUSTOMERS = st.lists(st.tuples(MONEY, st.integers(1, 5_000), st.floats(0.3, 12)), min_size=2, max_size=60)


def sums(level: Level, customers: Customers) -> LevelSums:
    """What the database adds up of (margin, cost, years) of each."""
    nets = [margin - cost for margin, cost, _ in customers]
    years = [one[2] for one in customers]
    rates = [cost / one for (_, cost, one) in customers]
    return LevelSums(
        tier="gold",
        level=level,
        customers=len(customers),
        years=sum(years),
        margin=sum(one[0] for one in customers),
        saved=0,
        cost=sum(one[1] for one in customers),
        unpriced_cases=0,
        lowest=min(rates),
        highest=max(rates),
        squares=(
            float(sum(net * net for net in nets)),
            sum(net * year for net, year in zip(nets, years, strict=True)),
            sum(year * year for year in years),
        ),
    )


def around(mean: int, spread: int, count: int = 100, cost: int = 100) -> Customers:
    return [(mean + cost + (spread if place % 2 else -spread), cost, 1.0) for place in range(count)]


@given(CUSTOMERS)
def test_the_error_is_that_of_a_ratio(customers: Customers) -> None:
    found = sums("low", customers)
    nets = np.array([margin - cost for margin, cost, _ in customers], dtype=float)
    years = np.array([one[2] for one in customers])
    residuals = nets - nets.sum() / years.sum() * years
    expected = sqrt((residuals**2).sum() * len(nets) / (len(nets) - 1)) / years.sum()
    assert found.net_a_year == pytest.approx(nets.sum() / years.sum())
    assert found.error == pytest.approx(expected, rel=1e-4, abs=1e-3 * max(1.0, float(np.abs(nets).max())))


def test_with_one_year_each_it_is_the_error_of_a_mean() -> None:
    found = sums("low", around(1_000, 50))
    assert found.net_a_year == 1_000
    assert found.error == pytest.approx(50 / sqrt(99))
    low, high = found.interval() or (0, 0)
    assert high - low == pytest.approx(2 * 1.96 * found.error, rel=1e-3)


def test_a_level_that_is_clearly_best_is_named_with_a_caution() -> None:
    best = best_level(
        [sums("none", around(500, 50, cost=0)), sums("low", around(900, 50)), sums("high", around(600, 50))]
    )
    assert (best.verdict, best.rivals) == ("clear", ())
    said, said_zh = best_words(best, "USD")
    assert said.startswith(
        "Value less cost is highest with the low level (USD 1.00 to USD 1.00 of service a year):"
        " USD 9.00 a customer and year. It is clear of all other levels."
    )
    assert "not put on a level by chance" in said
    assert said_zh.startswith(
        "低服务水平（每年服务成本 USD 1.00 至 USD 1.00）的价值减成本最高：每客户每年 USD 9.00。"
    )


def test_levels_that_cannot_be_told_apart_are_said_to_be_so() -> None:
    best = best_level(
        [sums("none", around(500, 50, cost=0)), sums("low", around(900, 800)), sums("high", around(880, 800))]
    )
    assert best.level is not None
    assert (best.verdict, best.level.level, [one.level for one in best.rivals]) == (
        "unclear",
        "low",
        ["high"],
    )
    assert "The data do not tell it from the high level." in best_words(best, "USD")[0]


def test_few_new_and_unpriced_customers_are_not_compared() -> None:
    best = best_level(
        [
            sums("none", around(500, 50, cost=0)),
            sums("low", around(900, 50, count=29)),
            sums("new", around(9_000, 50)),
            sums("unpriced", around(9_000, 50)),
        ]
    )
    assert (best.verdict, best.level) == ("too_few", None)
    assert sums("low", around(900, 50, count=29)).interval() is None
    assert "none can be called best" in best_words(best, "USD")[0]
    assert best_level([]).verdict == "too_few"


@given(st.integers(0, 5_000), st.integers(0, 5_000), st.integers(1, 3_000))
def test_the_order_of_the_levels_does_not_matter(low: int, high: int, spread: int) -> None:
    one, other = sums("low", around(low, spread)), sums("high", around(high, spread))
    forth, back = best_level([one, other]), best_level([other, one])
    assert forth.verdict == back.verdict
    if forth.verdict == "clear":
        assert forth.level == back.level == max(one, other, key=lambda each: each.net_a_year)
