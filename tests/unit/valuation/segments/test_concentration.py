"""The concentration curve and the Gini coefficient: known cases, the definition, and CDNOW."""

import itertools
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.valuation.api.concentration_svg import concentration_svg
from services.valuation.domain.segments.concentration import concentration_of

SAMPLE = Path(__file__).parents[4] / "careloop" / "sample" / "data" / "cdnow_sample.txt"
values = st.lists(st.integers(0, 10**9), min_size=1, max_size=60).filter(lambda found: sum(found) > 0)


@pytest.mark.parametrize(
    ("spent", "gini"),
    [([5, 5, 5, 5], 0.0), ([0, 0, 0, 8], 0.75), ([1, 2, 3, 4], 0.25), ([7], 0.0), ([10, -2], 0.75)],
)
def test_gini_of_known_cases(spent: list[int], gini: float) -> None:
    assert concentration_of(spent, 4).gini == pytest.approx(gini)


def test_a_customer_that_a_step_divides_counts_in_part() -> None:
    points = concentration_of([60, 30, 10], 2).points
    assert [point.value_share for point in points] == pytest.approx([0, 0.75, 1])


@pytest.mark.parametrize("spent", [[], [0, 0], [5, -9]])
def test_without_value_there_is_nothing_to_share(spent: list[int]) -> None:
    measured = concentration_of(spent, 10)
    assert (measured.points, measured.gini) == ((), None)


@given(values)
def test_gini_is_the_mean_difference_over_twice_the_mean(spent: list[int]) -> None:
    size, total = len(spent), sum(spent)
    differences = sum(abs(one - other) for one in spent for other in spent)
    assert concentration_of(spent, 5).gini == pytest.approx(differences / (2 * size * total), abs=1e-9)


@given(values, st.integers(1, 100), st.integers(2, 9), st.randoms())
def test_the_curve_rises_ever_slower_to_one_and_knows_no_order_or_unit(
    spent: list[int], points: int, unit: int, random: object
) -> None:
    measured = concentration_of(spent, points)
    shares = [point.value_share for point in measured.points]
    steps = [after - before for before, after in itertools.pairwise(shares)]
    assert (shares[0], shares[-1]) == (0, pytest.approx(1))
    assert all(step >= -1e-9 for step in steps)
    assert all(after <= before + 1e-9 for before, after in itertools.pairwise(steps))
    assert measured.gini is not None
    assert -1e-9 <= measured.gini < 1
    shuffled = [unit * one for one in spent]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    other = concentration_of(shuffled, points)
    assert [point.value_share for point in other.points] == pytest.approx(shares)
    assert other.gini == pytest.approx(measured.gini, abs=1e-9)


def test_cdnow_is_concentrated_as_measured_and_not_as_the_proverb_says() -> None:
    spends: dict[str, int] = defaultdict(int)
    for line in SAMPLE.read_text().splitlines():
        _, customer, day, _, amount = line.split()
        if day <= "19970930":
            spends[customer] += int(Decimal(amount) * 100)
    measured = concentration_of(list(spends.values()), 10)
    assert measured.customers == 2357
    assert round(100 * measured.points[2].value_share, 1) == 63.3
    assert measured.gini == pytest.approx(0.585, abs=0.0005)


def test_the_picture_is_svg_that_stands_alone_and_always_the_same() -> None:
    measured = concentration_of([60, 30, 10, 0, 0], 5)
    image = concentration_svg(measured, "Concentration of spend")
    root = ET.fromstring(image)
    text = image.decode()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "the top 20 % bring 60.0%" in text
    assert "Gini 0.600" in text
    assert "<script" not in text
    assert concentration_svg(measured, "Concentration of spend") == image


def test_an_empty_ledger_has_a_picture_too() -> None:
    assert b"no value to share yet" in concentration_svg(concentration_of([], 5), "Concentration of spend")
