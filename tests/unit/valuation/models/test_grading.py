"""Grades: figures by hand, rules by table, CDNOW as published, and no data that break it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from careloop.sample.readers import read_purchases
from services.valuation.domain.models.grading import (
    CALIBRATION,
    CAPTURE,
    GRADED,
    TOTAL,
    Calibration,
    Captures,
    Grade,
    Limits,
    Total,
    calibration_of,
    captured,
    captures_of,
    expected_by_period,
    grade,
    judge,
    past_rate,
)
from services.valuation.domain.models.grading_words import document_of, sentences, sentences_zh
from services.valuation.domain.models.histories import Vector
from services.valuation.domain.models.holding_out import HeldOut
from services.valuation.domain.models.parameters import Parameters
from services.valuation.domain.models.sufficiency import Shortage

HORIZON = 10.0


def held(**columns: list[float]) -> HeldOut:
    """Ten units told and held out; what is not given is 0."""
    size = len(next(iter(columns.values())))
    zero = np.zeros(size)
    names = ("frequency", "recency", "spent", "average_spend", "later_purchases", "later_spend")
    given = {name: np.array(columns.get(name, zero), dtype=np.float64) for name in names}
    age = np.array(columns.get("age", np.full(size, 10.0)))
    return HeldOut(**given, age=age, horizon=HORIZON, history_days=365, later_by_period=np.zeros(10))


@pytest.fixture(scope="module")
def cdnow() -> HeldOut:
    """39 weeks told, 39 held out."""
    purchases = read_purchases()
    customers = {name: number for number, name in enumerate(sorted({one.customer for one in purchases}))}
    return HeldOut.of(
        [customers[one.customer] for one in purchases],
        [one.day.toordinal() for one in purchases],
        [one.amount_minor / 100 for one in purchases],
        calibration_end=date(1997, 9, 30).toordinal(),
        end=date(1998, 6, 30).toordinal(),
        days_a_unit=7,
    )


# --- figures by hand


@pytest.mark.parametrize(
    ("score", "best", "share"),
    [
        ([5, 4, 3, 2, 1], 1, 0.1),
        ([5, 4, 3, 2, 1], 2, 0.3),
        ([1, 2, 3, 4, 5], 1, 0.4),
        ([5, 4, 4, 2, 1], 2, 0.1 + (0.2 + 0.0) / 2),
        ([1, 1, 1, 1, 1], 2, 0.4),
        ([1, 1, 1, 1, 1], 5, 1.0),
    ],
)
def test_share_of_the_best_counts_equal_scores_in_part(score: list[int], best: int, share: float) -> None:
    actual = np.array([1.0, 2.0, 0.0, 3.0, 4.0])
    assert captured(np.array(score, dtype=np.float64), actual, best) == pytest.approx(share)


def test_captures_are_by_each_ranking() -> None:
    held_out = held(spent=[9.0, 1, 1, 1, 1], later_spend=[10.0, 20, 30, 40, 0])
    found = captures_of(held_out, np.array([0.0, 1, 0, 0, 0]), np.array([0.0, 0, 1, 0, 0]))
    assert found == Captures(customers=1, model=0.2, past_spend=0.1, past_rate=0.3, possible=0.4)


def test_nothing_spent_later_is_no_capture() -> None:
    held_out = held(spent=[9.0, 1])
    assert captures_of(held_out, np.ones(2), np.ones(2)) is None


def test_the_past_rate_goes_on() -> None:
    held_out = held(frequency=[2.0, 1, 0, 0], age=[5.0, 20, 10, 0])
    assert past_rate(held_out).tolist() == [4, 0.5, 0, 0]


def test_errors_of_groups_do_not_cancel() -> None:
    held_out = held(frequency=[0.0, 0, 1, 7, 9], later_purchases=[1.0, 1, 2, 3, 5])
    expected, continued = np.array([0.5, 0.5, 3, 4, 4]), np.array([1.0, 1, 2, 4, 4])
    found = calibration_of(held_out, expected, continued)
    assert found is not None
    assert found.model == pytest.approx((1 + 1 + 0) / 12)
    assert found.past_rate == 0
    assert [(group.frequency, group.customers) for group in found.groups] == [(0, 2), (1, 1), (7, 2)]
    assert [group.actual for group in found.groups] == [1, 2, 4]
    assert [group.model for group in found.groups] == [0.5, 3, 4]


# --- rules


def measured(capture: tuple[float, float], total: float, calibration: tuple[float, float]) -> Grade:
    """capture: model, past spend; calibration: model, past rate."""
    return Grade(
        letter=None,
        reasons=(),
        criteria=(),
        customers=1000,
        repeaters=500,
        history_days=365,
        horizon=HORIZON,
        capture=Captures(200, capture[0], capture[1], 0.5, 0.9),
        purchases=Total(total, 200.0, 100.0),
        calibration=Calibration(calibration[0], calibration[1], ()),
    )


@pytest.mark.parametrize(
    ("given", "letters"),
    [
        (measured((0.66, 0.66), 100, (0.1, 0.9)), "AAA"),
        (measured((0.90, 0.10), 100, (0.1, 0.9)), "AAA"),
        (measured((0.62, 0.66), 100, (0.1, 0.9)), "BAA"),
        (measured((0.50, 0.66), 100, (0.1, 0.9)), "CAA"),
        (measured((0.66, 0.66), 114, (0.1, 0.9)), "AAA"),
        (measured((0.66, 0.66), 84, (0.1, 0.9)), "ABA"),
        (measured((0.66, 0.66), 131, (0.1, 0.9)), "ACA"),
        (measured((0.66, 0.66), 100, (0.3, 0.9)), "AAB"),
        (measured((0.66, 0.66), 100, (0.5, 0.9)), "AAC"),
        # However small the error: no better than going on at the rate so far is no gain.
        (measured((0.66, 0.66), 100, (0.1, 0.1)), "AAC"),
    ],
)
def test_each_criterion_has_its_letter(given: Grade, letters: str) -> None:
    criteria = judge(given)
    assert [one.name for one in criteria] == ["capture", "total", "calibration"]
    assert "".join(one.letter for one in criteria) == letters


@pytest.mark.parametrize("limits", [CAPTURE, TOTAL, CALIBRATION])
def test_a_figure_on_the_limit_is_within_it(limits: Limits) -> None:
    assert [limits.letter(figure) for figure in (0.0, limits.a, limits.b)] == ["A", "A", "B"]
    assert limits.letter(limits.b + 1e-9) == "C"


# --- CDNOW


def test_ranking_by_past_spend_is_as_good_as_bg_nbd_with_gamma_gamma(cdnow: HeldOut) -> None:
    """Best fifth: 471 of 2,357. Past spend includes the first purchase; the model's is E[Y(39)] × E[M]."""
    found = grade(cdnow, GRADED["bg-nbd"])
    assert found.capture is not None
    assert found.capture.customers == 471
    assert round(100 * found.capture.past_spend, 1) == 66.3
    assert round(100 * found.capture.model, 1) == 66.3
    assert found.capture.possible > 0.9


@pytest.mark.parametrize(
    ("model", "expected", "letter"),
    [("bg-nbd", 1654, "A"), ("mbg-nbd", 1577, "B"), ("pareto-nbd", 1663, "A")],
)
def test_the_gain_on_cdnow_is_calibration(cdnow: HeldOut, model: str, expected: int, letter: str) -> None:
    found = grade(cdnow, GRADED[model])
    assert found.purchases is not None
    assert found.calibration is not None
    assert found.purchases.actual == 1882
    assert round(found.purchases.past_rate) == 2930
    assert round(found.purchases.model) == pytest.approx(expected, abs=1)
    assert found.calibration.model < 0.17
    assert found.calibration.past_rate > 0.91
    assert sum(group.customers for group in found.calibration.groups) == found.customers == 2357
    assert found.letter == letter == max(one.letter for one in found.criteria)


def test_weeks_add_up_to_the_whole(cdnow: HeldOut) -> None:
    found = grade(cdnow)
    assert found.buying is not None
    assert found.purchases is not None
    by_week = expected_by_period(cdnow, found.buying.parameters)  # type: ignore[arg-type]
    assert len(by_week) == len(cdnow.later_by_period) == 39
    assert (np.diff(by_week) > 0).all()
    assert by_week[-1] == pytest.approx(found.purchases.model)
    assert cdnow.later_by_period.sum() == found.purchases.actual


def test_words_claim_no_more_than_was_measured(cdnow: HeldOut) -> None:
    said = " ".join(sentences(grade(cdnow, GRADED["bg-nbd"])))
    assert "Grade A" in said
    assert "Ranking by past spend alone is as good" in said
    assert "The gain is calibration" in said
    behind = replace(measured((0.5, 0.66), 100, (0.2, 0.1)), letter="C")
    said = " ".join(sentences(behind))
    assert "Past spend ranks better" in said
    assert "There is no gain in calibration" in said
    assert len(sentences(behind)) == len(sentences_zh(behind))


# --- data of every kind


def odd_data() -> Iterator[tuple[list[int], list[int], list[float]]]:
    """Customer, day, amount."""
    yield [], [], []
    yield [1], [0], [5.0]
    yield [1, 1], [0, 0], [5.0, 5.0]
    yield [1, 1], [0, 99], [0.0, 0.0]
    yield [1, 1, 1], [0, 50, 99], [1e308, 1e308, 1e308]
    yield [1] * 100, list(range(100)), [1.0] * 100
    yield list(range(50)) * 2, [49] * 50 + [51] * 50, [1.0] * 100
    yield list(range(50)), [0] * 50, [1.0] * 50
    random = np.random.default_rng(20)
    for size in (1, 3, 10, 100, 1000):
        rows = size * 4
        yield (
            random.integers(0, size, rows).tolist(),
            random.integers(0, 100, rows).tolist(),
            random.gamma(1.0, 20.0, rows).round(2).tolist(),
        )


@pytest.mark.parametrize("data", list(odd_data()))
@pytest.mark.parametrize("model", GRADED.values(), ids=GRADED)
def test_any_data_give_a_grade_or_reasons(
    data: tuple[list[int], list[int], list[float]], model: type[Parameters]
) -> None:
    held_out = HeldOut.of(*data, calibration_end=50, end=100, days_a_unit=7)
    found = grade(held_out, model)
    assert found.letter is None
    assert Shortage.HISTORY in {reason.shortage for reason in found.reasons}
    # Refuses what is not a finite number.
    json.dumps(document_of(found), allow_nan=False)


def random_customers(random: np.random.Generator, size: int, late_rate: float) -> HeldOut:
    """A year of purchases at a rate of each customer's own, then half a year at `late_rate` times it."""
    rates = random.gamma(1.0, 1 / 60, size)
    rows: list[tuple[int, int]] = []
    for customer, rate in enumerate(rates):
        early = random.uniform(0, 365, random.poisson(365 * rate))
        late = random.uniform(366, 548, random.poisson(182 * rate * late_rate))
        rows += [(customer, 0), *((customer, int(day)) for day in (*early, *late))]
    customer, day = zip(*rows, strict=True)
    amount: Vector = np.ones(len(rows))
    return HeldOut.of(customer, day, amount, calibration_end=365, end=548, days_a_unit=7)


def test_customers_who_all_stop_are_no_a() -> None:
    """What no model can know of: the world changed after the calibration day."""
    random = np.random.default_rng(3)
    going_on, stopping = (grade(random_customers(random, 600, late)) for late in (1.0, 0.3))
    assert going_on.reasons == ()
    assert going_on.letter is not None
    assert stopping.reasons == ()
    assert stopping.letter == "C"
