"""The guide on the value of a customer prints what the code computes."""

import re
from pathlib import Path

import numpy as np
import pytest

from careloop.documents.value_guide import cdnow_held_out, value_guide_files
from services.valuation.domain.models.catalogue import MODELS, BuyingModel, clv
from services.valuation.domain.models.discounting import Discounting
from services.valuation.domain.models.fitting import fit
from services.valuation.domain.models.gamma_gamma import GammaGamma
from services.valuation.domain.models.grading import CALIBRATION, CAPTURE, GRADED, TOTAL, grade
from services.valuation.domain.models.holding_out import HeldOut
from services.valuation.domain.models.sufficiency import (
    LEAST_CUSTOMERS,
    LEAST_HELD_OUT_PURCHASES,
    LEAST_HISTORY_DAYS,
    LEAST_REPEATERS,
)

GUIDES = Path(__file__).parents[4] / "docs" / "guides"
GUIDE = (GUIDES / "what-the-value-of-a-customer-means.md").read_text()


@pytest.fixture(scope="module")
def cdnow() -> HeldOut:
    return cdnow_held_out()


def rows(name: str) -> list[list[str]]:
    """Cells of the table under the comment that begins with `name`."""
    found = re.search(rf"<!-- {name}\b.*? -->\n(.*?)\n\n", GUIDE, re.DOTALL)
    assert found is not None, name
    table = found[1].splitlines()[2:]
    assert table
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def percent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f} %"


def test_concentration(cdnow: HeldOut) -> None:
    spends = np.sort(cdnow.spent)[::-1]
    printed = rows("concentration")
    assert len(printed) == 3
    for best, share in printed:
        top = int(len(spends) * float(best.removesuffix(" %")) / 100)
        assert share == percent(spends[:top].sum() / spends.sum(), 1)
    places = np.arange(1, len(spends) + 1)
    gini = (len(spends) + 1 - 2 * (places * spends).sum() / spends.sum()) / len(spends)
    assert f"<!-- gini -->{gini:.3f}" in GUIDE


def test_customers(cdnow: HeldOut) -> None:
    bg, mbg = (fit(MODELS[name], cdnow.histories()).parameters for name in ("bg-nbd", "mbg-nbd"))
    spend = fit(GammaGamma, cdnow.spends()).parameters
    assert isinstance(bg, BuyingModel)
    assert isinstance(mbg, BuyingModel)
    assert isinstance(spend, GammaGamma)
    printed = rows("customers")
    assert len(printed) == 4
    year = Discounting.by_month(52.0, "week", 0.10)
    for row in printed:
        x, t_x, age, average = (float(cell) for cell in row[:4])
        history = (x, t_x, age)
        assert row[4:] == [
            percent(float(bg.p_alive(*history))),
            percent(float(mbg.p_alive(*history))),
            f"{float(mbg.expected_purchases(*history, 52.0)):.2f}",
            f"{float(clv(mbg, spend, history, average, year)):.0f}",
        ]


def test_limits() -> None:
    assert [row[2:] for row in rows("limits")] == [
        [percent(limits.a), percent(limits.b)] for limits in (CAPTURE, TOTAL, CALIBRATION)
    ]


def test_grades(cdnow: HeldOut) -> None:
    printed = rows("grades")
    assert [row[0] for row in printed] == list(GRADED)
    for row in printed:
        found = grade(cdnow, GRADED[row[0]])
        assert found.capture is not None
        assert found.purchases is not None
        assert found.purchases.ratio is not None
        assert found.calibration is not None
        assert row[1:] == [
            found.letter,
            percent(found.capture.past_spend, 1),
            percent(found.capture.model, 1),
            percent(1 - found.purchases.ratio, 1),
            percent(found.calibration.model, 1),
            percent(found.calibration.past_rate, 1),
        ]


def test_what_the_text_says_of_the_totals(cdnow: HeldOut) -> None:
    purchases = grade(cdnow).purchases
    assert purchases is not None
    for said in (
        f"promises\n{purchases.past_rate:,.0f} purchases",
        f"{purchases.actual:,.0f} came",
        f"MBG/NBD expected {purchases.model:,.0f}",
        f"{len(cdnow):,} customers",
    ):
        assert said in GUIDE


def test_what_is_needed() -> None:
    assert [int(row[1]) for row in rows("needed")] == [
        LEAST_CUSTOMERS,
        LEAST_REPEATERS,
        LEAST_HISTORY_DAYS,
        LEAST_HELD_OUT_PURCHASES,
    ]


def test_pictures_of_the_guide_are_those_that_are_drawn() -> None:
    shown = set(re.findall(r"\]\((pictures/[^)]+)\)", GUIDE))
    assert {f"guides/{name}" for name in shown} == set(value_guide_files())
