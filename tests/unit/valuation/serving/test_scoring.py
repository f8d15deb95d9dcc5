"""Scores: one customer and many by the same arithmetic, and what lifetime value is made of."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.valuation.domain.models.beta_geometric import BgNbd, MbgNbd
from services.valuation.domain.models.errors import ModelParametersInvalidError, ModelUnknownError
from services.valuation.domain.models.gamma_gamma import GammaGamma
from services.valuation.domain.serving import notes
from services.valuation.domain.serving.moves import MoveRules
from services.valuation.domain.serving.scoring import Bought, ScoreRules, ValueModel, score

RULES = ScoreRules(discount_rate=0.1, default_margin_rate=0.3)
# The published parameters of the CDNOW sample, weeks turned into days and dollars into cents.
BUYING = MbgNbd(0.525, 6.183 * 7, 0.891, 1.614)
MODEL = ValueModel(3, BUYING, GammaGamma(6.25, 3.74, 1544.0))

customers = st.tuples(
    st.integers(1, 60), st.integers(0, 2000), st.integers(0, 2000), st.integers(0, 10**7), st.floats(-2, 2)
)


def bought(days: int, recency: int, rest: int, spend: int, rate: float) -> Bought:
    recency = 0 if days == 1 else max(recency, days - 1)
    return Bought(days, recency, recency + rest, spend, spend // days, round(spend * rate))


@given(st.lists(customers, min_size=1, max_size=20), st.booleans())
def test_many_are_scored_as_each_one_is_and_always_with_finite_figures(
    rows: list[tuple[int, int, int, int, float]], has_spend: bool
) -> None:
    model = ValueModel(1, BUYING, MODEL.spend if has_spend else None)
    ones = [bought(*row) for row in rows]
    names = ("days", "recency", "age", "spend", "first_spend", "margin")
    many = score(model, Bought(*(np.array([getattr(one, name) for one in ones]) for name in names)), RULES)
    for place, one in enumerate(ones):
        single = score(model, one, RULES)
        for figure in ("p_alive", "expected_purchases", "expected_average_spend_minor", "clv_minor"):
            found = float(getattr(many, figure)[place])
            assert np.isfinite(found)
            assert found == pytest.approx(float(getattr(single, figure)), rel=1e-6, abs=1e-6)
        assert 0 <= many.p_alive[place] <= 1


def test_lifetime_value_is_discounted_purchases_times_spend_times_the_own_margin_rate() -> None:
    history = (3.0, 100.0, 160.0)
    found = score(MODEL, Bought(4, 100, 160, 10_000, 1_000, 2_500), RULES)
    assert MODEL.spend is not None
    spend = MODEL.spend.expected_average_spend(3.0, 3_000.0)
    assert float(found.margin_rate) == 0.25
    assert float(found.expected_average_spend_minor) == pytest.approx(float(spend))
    purchases = float(BUYING.discounted_purchases(*history, RULES.discounting))
    assert float(found.clv_minor) == pytest.approx(purchases * float(spend) * 0.25)
    assert purchases < float(found.expected_purchases)


def test_without_a_spend_model_the_own_average_is_taken_and_without_spend_the_default_margin() -> None:
    model = ValueModel(1, BUYING, None)
    assert float(score(model, Bought(4, 100, 160, 10_000, 0, 0), RULES).expected_average_spend_minor) == 2_500
    free = score(model, Bought(2, 50, 60, 0, 0, 0), RULES)
    assert (float(free.margin_rate), float(free.clv_minor)) == (0.3, 0.0)


@pytest.mark.parametrize(("margin", "rate"), [(-90_000, -1.0), (90_000, 1.0), (-500, -0.05)])
def test_one_bad_sale_does_not_speak_for_a_year_many_times_over(margin: int, rate: float) -> None:
    assert float(score(MODEL, Bought(2, 5, 9, 10_000, 5_000, margin), RULES).margin_rate) == rate


def test_a_stored_version_is_read_back_and_what_is_no_model_of_purchases_is_refused() -> None:
    spend = {"p": 6.25, "q": 3.74, "gamma": 1544.0}
    assert ValueModel.of(3, "mbg-nbd", BUYING.as_dict(), spend) == MODEL
    with pytest.raises(ModelParametersInvalidError):
        ValueModel.of(1, "gamma-gamma", spend, None)
    with pytest.raises(ModelUnknownError):
        ValueModel.of(1, "rfm-only", {}, None)


@pytest.mark.parametrize(
    ("told", "now", "moved"),
    [
        ((0.9, 10_000.0), (0.9, 10_000.0), False),
        ((0.9, 10_000.0), (0.71, 10_000.0), False),
        ((0.9, 10_000.0), (0.69, 10_000.0), True),
        ((0.9, 10_000.0), (0.9, 12_499.0), False),
        ((0.9, 10_000.0), (0.9, 12_500.0), True),
        ((0.9, 10_000.0), (0.9, 7_500.0), True),
        ((0.9, 100.0), (0.9, 900.0), False),
        ((0.9, 100.0), (0.9, 1_100.0), True),
        ((0.9, -8_000.0), (0.9, -5_000.0), True),
        ((np.nan, np.nan), (0.1, 90_000.0), False),
    ],
)
def test_a_score_has_moved_by_points_or_by_a_share_that_is_worth_telling(
    told: tuple[float, float], now: tuple[float, float], moved: bool
) -> None:
    columns = (np.array([figure]) for figure in (*told, *now))
    assert MoveRules(0.2, 0.25, 1000.0).moved(*columns).tolist() == [moved]


@pytest.mark.parametrize(
    ("model", "method", "days", "has_spend_model", "has_spent", "codes"),
    [
        ("mbg-nbd", "weak prior, x", 3, True, True, []),
        ("mbg-nbd", "weak prior, x", 1, True, True, ["one_purchase_day"]),
        (BgNbd.NAME, "weak prior, x", 1, True, True, ["one_purchase_day", "alive_by_assumption"]),
        (BgNbd.NAME, "weak prior, x", 2, True, True, []),
        ("mbg-nbd", "typical prior, x", 2, False, True, ["held_near_typical", "own_average_spend"]),
        ("mbg-nbd", "pooled prior, x", 2, True, False, ["held_near_typical", "default_margin_rate"]),
    ],
)
def test_notes_say_what_a_score_rests_on(
    model: str, method: str, days: int, has_spend_model: bool, has_spent: bool, codes: list[str]
) -> None:
    found = notes.of_score(
        model, method, purchase_days=days, has_spend_model=has_spend_model, has_spent=has_spent
    )
    assert [note.code for note in found] == codes
