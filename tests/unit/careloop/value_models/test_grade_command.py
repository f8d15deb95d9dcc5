"""`careloop value grade`: a file in, one JSON object and a picture out."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from careloop.commands.value import app

CDNOW = Path(__file__).parents[4] / "careloop" / "sample" / "data" / "cdnow_sample.txt"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """CDNOW as transactions."""
    path = tmp_path / "log.csv"
    rows = (line.split() for line in CDNOW.read_text().splitlines())
    lines = (f"{row[1]},{row[2][:4]}-{row[2][4:6]}-{row[2][6:]},{row[4]}\n" for row in rows)
    path.write_text("customer_id,date,amount\n" + "".join(lines))
    return path


@pytest.fixture
def few(tmp_path: Path) -> Path:
    path = tmp_path / "few.csv"
    path.write_text(
        "customer_id,date,amount\na,2026-01-01,10\na,2026-02-01,5\na,2026-03-01,5\nb,2026-01-05,3\n"
    )
    return path


def refused(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["grade", *map(str, arguments)])
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    return result.stderr


def test_cdnow_is_graded_and_drawn(log: Path, tmp_path: Path) -> None:
    picture = tmp_path / "calibration.svg"
    given = ["--calibration-end", "1997-09-30", "--model", "bg-nbd", "--picture", str(picture)]
    result = CliRunner().invoke(app, ["grade", "--transactions", str(log), *given])
    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    assert (shown["grade"], shown["calibration_end"], shown["end"]) == ("A", "1997-09-30", "1998-06-30")
    assert round(shown["capture"]["model"], 3) == round(shown["capture"]["past_spend"], 3) == 0.663
    assert shown["purchases"]["actual"] == 1882
    assert shown["reasons"] == []
    assert "Ranking by past spend alone is as good" in " ".join(shown["words"])
    assert picture.read_bytes().startswith(b"<?xml")


def test_few_data_have_reasons_instead_of_a_grade(few: Path) -> None:
    result = CliRunner().invoke(app, ["grade", "--transactions", str(few), "--unit", "day"])
    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    assert shown["grade"] is None
    assert shown["calibration_end"] == "2026-01-30"
    codes = {reason["code"] for reason in shown["reasons"]}
    assert {"too_few_customers", "too_few_repeat_buyers", "history_too_short"} <= codes


@pytest.mark.parametrize("day", ["2025-12-31", "2026-03-01", "2027-01-01"])
def test_a_calibration_day_outside_of_the_file_is_refused(few: Path, day: str) -> None:
    said = refused("--transactions", few, "--calibration-end", day)
    assert "calibration_end_invalid" in said
    assert "from 2026-01-01 to 2026-02-28" in said


def test_purchases_of_one_day_cannot_be_cut(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text("customer_id,date,amount\na,2026-01-01,10\n")
    assert "all purchases are of 2026-01-01" in refused("--transactions", path)


def test_a_picture_that_cannot_be_made_is_refused(few: Path, tmp_path: Path, log: Path) -> None:
    assert "must end in .svg or .png" in refused("--transactions", few, "--picture", tmp_path / "a.gif")
    unwritable = tmp_path / "missing" / "a.svg"
    assert "cannot be written" in refused("--transactions", log, "--picture", unwritable)
    drawn = tmp_path / "a.svg"
    assert "No model could be fitted" in refused("--transactions", few, "--picture", drawn)
    assert not drawn.exists()


def test_a_bad_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("customer_id,date,amount\na,2026-01-01,10\na,yesterday,10\n")
    assert "line 3: date" in refused("--transactions", path)
