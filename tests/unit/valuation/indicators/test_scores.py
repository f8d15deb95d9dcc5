"""Places, scores and their sentences: against the sample itself, and what must hold of any."""

from bisect import bisect_left, bisect_right
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.valuation.domain.indicators import words
from services.valuation.domain.indicators.population import FEWEST_KNOWN, Distribution, normalised
from services.valuation.domain.indicators.score import score
from services.valuation.domain.indicators.sources import SOURCES
from services.valuation.domain.indicators.system import Group, Indicator, IndicatorSystem, Weighting

VALUES = st.lists(st.integers(0, 40).map(float), min_size=FEWEST_KNOWN, max_size=300)


def distribution(values: list[float], source: str = "spend") -> Distribution:
    """As PostgreSQL's percentile_disc gives it: the first value that covers the share."""
    rising = sorted(values)
    count = len(rising)
    return Distribution(
        source, count, tuple(rising[max(0, -(-step * count // 100) - 1)] for step in range(101))
    )


@given(VALUES, st.integers(-2, 42))
def test_a_place_is_right_to_about_one_percent(values: list[float], value: int) -> None:
    rising = sorted(values)
    below = bisect_left(rising, value) / len(rising)
    through = bisect_right(rising, value) / len(rising)
    place = distribution(values).place(float(value))
    tolerance = 0.011 if value in values else 1 / len(values) + 0.011
    assert place.below == pytest.approx(below, abs=tolerance)
    assert place.below + place.level == pytest.approx(through, abs=tolerance)
    assert place.below + place.level + place.above == pytest.approx(1)


@given(VALUES, st.lists(st.floats(-2, 42), min_size=2, max_size=20))
def test_more_is_never_further_down(values: list[float], asked: list[float]) -> None:
    places = [distribution(values).place(value).percentile for value in sorted(asked)]
    assert places == sorted(places)
    assert all(0 <= place <= 1 for place in places)


def test_what_is_winsorised_counts_fully_beyond_its_limits_and_linearly_between() -> None:
    found = distribution([float(value) for value in range(1001)])
    indicator = Indicator("spend", "higher", 0.05, 0.95)
    shares = [normalised(found.place(value), indicator) for value in (0, 50, 500, 950, 10**9)]
    assert shares == pytest.approx([0, 0, 0.5, 1, 1], abs=0.012)
    turned = Indicator("spend", "lower", 0.05, 0.95)
    assert normalised(found.place(0), turned) == 1
    assert normalised(found.place(10**9), turned) == 0


def system(*indicators: Indicator) -> IndicatorSystem:
    even = Weighting("given", weights=tuple(1 / len(indicators) for _ in indicators))
    return IndicatorSystem(
        (Group("all", "All", "全部", indicators, even),), Weighting("given", weights=(1.0,))
    )


SPEND = Indicator("spend", "higher")
RECENCY = Indicator("recency", "lower")
CLV = Indicator("potential_clv", "higher")
SYSTEM = system(SPEND, RECENCY, CLV)
WEIGHTS = {"spend": 0.5, "recency": 0.3, "potential_clv": 0.2}
POPULATION = {
    "spend": distribution([float(value) for value in range(1001)]),
    "recency": distribution([float(value) for value in range(1001)], "recency"),
    "potential_clv": distribution([1.0] * 19, "potential_clv"),
}


def scored(**facts: float | None) -> Any:
    return score(SYSTEM, WEIGHTS, POPULATION, facts)


def test_the_best_customer_gets_all_points_and_the_worst_none() -> None:
    population = {**POPULATION, "potential_clv": POPULATION["spend"]}
    best = score(SYSTEM, WEIGHTS, population, {"spend": 1000.0, "recency": 0.0, "potential_clv": 1000.0})
    worst = score(SYSTEM, WEIGHTS, population, {"spend": 0.0, "recency": 1000.0, "potential_clv": 0.0})
    assert (best.points, best.coverage) == pytest.approx((100, 1))
    assert (worst.points, worst.coverage) == pytest.approx((0, 1))


def test_what_is_not_known_is_neutral_and_lowers_the_coverage() -> None:
    found = scored(spend=500.0, recency=None, potential_clv=3.0)
    assert found.points == pytest.approx(50, abs=0.6)
    assert found.coverage == pytest.approx(0.5)
    assert [one.missing for one in found.contributions] == [None, "unknown", "too_few"]
    nothing = scored()
    assert (nothing.points, nothing.coverage) == pytest.approx((50, 0))


@given(
    st.floats(0, 1000),
    st.floats(0, 1000),
    st.floats(0, 1000),
    st.one_of(st.none(), st.floats(0, 1000)),
)
def test_a_better_figure_never_costs_points(
    low: float, high: float, recency: float, clv: float | None
) -> None:
    low, high = sorted((low, high))
    better = scored(spend=high, recency=recency, potential_clv=clv)
    worse = scored(spend=low, recency=recency, potential_clv=clv)
    assert better.points >= worse.points - 1e-9
    later = scored(spend=recency, recency=high, potential_clv=clv)
    sooner = scored(spend=recency, recency=low, potential_clv=clv)
    assert sooner.points >= later.points - 1e-9
    for found in (better, worse):
        assert 0 <= found.points <= 100 + 1e-9
        assert found.points == pytest.approx(sum(one.points for one in found.contributions))


def test_contributions_are_sentences_in_both_languages() -> None:
    found = scored(spend=871.0, recency=100.0)
    spend, recency, clv = (words.contribution(one, "USD") for one in found.contributions)
    assert spend == (
        "Amount bought so far: USD 8.71, more than about 87% of customers; 43.9 of at most 50.0 points.",
        "累计消费：USD 8.71，高于约 87% 的客户；得 43.9 分（满分 50.0 分）。",
    )
    assert recency[0] == (
        "Time since the last purchase: 100 days, less than about 90% of customers; 27.2 of at most 30.0 points."
    )
    assert clv == (
        "Expected lifetime value: not scored yet, so it counts as neutral (10.0 of at most 20.0 points)"
        " and lowers the coverage.",
        "预期生命周期价值：尚未评估，按中性计 10.0 分（满分 20.0 分），并降低数据覆盖率。",
    )
    assert words.summary(found) == (
        "81.2 of 100 points, from 80% of the weight. What helps most: amount bought so far.",
        "得分 81.2（满分 100），数据覆盖率 80%。主要加分项：累计消费。",
    )


@pytest.mark.parametrize(
    ("spend", "recency", "said", "said_zh"),
    [
        (1000.0, 1000.0, "more than nearly all customers", "高于几乎所有客户"),
        (0.0, 0.0, "among the lowest of all customers", "处于全部客户的最低水平"),
    ],
)
def test_the_ends_are_said_without_a_share(spend: float, recency: float, said: str, said_zh: str) -> None:
    found = scored(spend=spend, recency=recency)
    best = words.contribution(found.contributions[0], "USD")
    assert said in best[0]
    assert said_zh in best[1]
    turned = words.contribution(found.contributions[1], "USD")[0]
    expected = "among the highest of all customers" if recency else "less than nearly all customers"
    assert expected in turned


def test_a_customer_like_most_others_is_said_to_be_level_with_them() -> None:
    population = {"referrals": distribution([0.0] * 900 + [1.0] * 60 + [2.0] * 40, "referrals")}
    made = system(Indicator("referrals", "higher"))

    def said(count: float) -> str:
        found = score(made, {"referrals": 1.0}, population, {"referrals": count})
        return words.contribution(found.contributions[0], "USD")[0]

    assert said(0) == (
        "Customers referred unprompted: 0, the same as about 90% of customers; 44.9 of at most 100.0 points."
    )
    assert "1, more than about 91% of customers" in said(1)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(123456, "USD", "USD 1,234.56"), (1500, "JPY", "JPY 1,500"), (-5, "KWD", "KWD -0.005")],
)
def test_money_is_written_with_the_decimals_of_its_currency(minor: float, currency: str, text: str) -> None:
    assert words.money(minor, currency) == text


def test_every_unit_has_a_form_and_every_source_words_in_both_languages() -> None:
    for name, source in SOURCES.items():
        made = system(Indicator(name, source.direction))
        population = {name: distribution([float(value) for value in range(1001)], name)}
        found = score(made, {name: 1.0}, population, {name: 1.0})
        said, said_zh = words.contribution(found.contributions[0], "CNY")
        assert said.startswith(f"{source.label}: ")
        assert said_zh.startswith(f"{source.label_zh}：")
        assert said.endswith("points.")
        assert said_zh.endswith("分）。")
