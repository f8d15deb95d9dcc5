"""Pictures: the same bytes for the same numbers, nothing foreign inside, and nothing left behind."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest

from services.valuation.api.calibration_svg import CalibrationPicture, calibration_image
from services.valuation.domain.models.grading import Group

DRAWN = CalibrationPicture(
    model="mbg-nbd",
    unit="week",
    groups=(Group(0, 100, 0.2, 0.0, 0.3), Group(1, 50, 1.1, 2.0, 1.0), Group(7, 5, 6.0, 9.0, 5.0)),
    expected=(30.0, 58.0, 90.0),
    actual=(25.0, 60.0, 95.0),
)
SVG = "{http://www.w3.org/2000/svg}"


def test_the_picture_says_what_it_shows() -> None:
    root = ET.fromstring(calibration_image(DRAWN))
    texts = {"".join(text.itertext()).strip() for text in root.iter(f"{SVG}text")}
    assert {"0", "1", "7+", "expected by mbg-nbd", "came", "weeks since the calibration day"} <= texts
    title = next(element.text for element in root.iter() if element.tag.endswith("}title"))
    assert title == "Forecast of mbg-nbd and what came"


def test_the_picture_stands_alone() -> None:
    root = ET.fromstring(calibration_image(DRAWN))
    assert not [element for element in root.iter() if element.tag in {f"{SVG}script", f"{SVG}image"}]
    links = [
        value for element in root.iter() for name, value in element.attrib.items() if name.endswith("href")
    ]
    assert links
    assert all(link.startswith("#") for link in links)


def test_the_same_numbers_give_the_same_bytes_from_any_thread() -> None:
    before = dict(mpl.rcParams)
    with ThreadPoolExecutor(4) as threads:
        images = set(threads.map(lambda _: calibration_image(DRAWN), range(4)))
    assert len(images) == 1
    assert b"Matplotlib v" not in images.pop()
    assert dict(mpl.rcParams) == before


def test_other_numbers_give_another_picture() -> None:
    assert calibration_image(replace(DRAWN, expected=(30.0, 58.0, 91.0))) != calibration_image(DRAWN)


@pytest.mark.parametrize("groups", [DRAWN.groups[:1], ()])
def test_little_can_be_drawn_too(groups: tuple[Group, ...]) -> None:
    drawn = replace(DRAWN, groups=groups, expected=(0.0,), actual=(0.0,))
    assert calibration_image(drawn).startswith(b"<?xml")


def test_png_is_png() -> None:
    assert calibration_image(DRAWN, "png").startswith(b"\x89PNG\r\n")


def test_the_service_starts_without_the_library() -> None:
    code = "import sys, services.valuation.service; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
