"""`careloop value fit` and `score` as others test against them: files in, one JSON object or CSV out."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from careloop.commands.value import app

CDNOW = Path(__file__).parents[4] / "careloop" / "sample" / "data" / "cdnow_sample.txt"
BG = '{"r": 0.2426, "alpha": 4.4135, "a": 0.7929, "b": 2.4258}'
SPEND = '{"p": 6.25, "q": 3.74, "gamma": 15.44}'


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """CDNOW as transactions."""
    path = tmp_path / "log.csv"
    rows = (line.split() for line in CDNOW.read_text().splitlines())
    lines = (f"{row[1]},{row[2][:4]}-{row[2][4:6]}-{row[2][6:]},{row[4]}\n" for row in rows)
    path.write_text("customer_id,date,amount\n" + "".join(lines))
    return path


def fitted(*arguments: str | Path) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["fit", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    assert isinstance(shown, dict)
    return shown


def refused(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 2
    assert result.stdout == ""
    return result.stderr


def scored(*arguments: str | Path) -> list[dict[str, str]]:
    result = CliRunner().invoke(app, ["score", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout)))


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_transactions_give_the_published_parameters(log: Path) -> None:
    shown = fitted(
        "--model", "bg-nbd", "--transactions", log, "--plain", "--unit", "week", "--end", "1997-09-30"
    )
    assert shown["model"] == "bg-nbd"
    assert shown["customers"] == 2357
    assert shown["converged"] is True
    assert round(shown["log_likelihood"], 1) == -9582.4
    assert shown["parameters"] == pytest.approx(json.loads(BG), rel=1e-4)
    assert any("p_alive = 1" in warning for warning in shown["warnings"])
    assert any("1959 transactions after 1997-09-30" in warning for warning in shown["warnings"])


def test_days_give_the_same_model_in_days(log: Path) -> None:
    shown = fitted(
        "--model", "mbg-nbd", "--transactions", log, "--plain", "--unit", "day", "--end", "1997-09-30"
    )
    assert shown["parameters"] == pytest.approx(
        {"r": 0.52484, "alpha": 7 * 6.18308, "a": 0.89136, "b": 1.61400}, rel=1e-4
    )


def test_spend_says_how_it_goes_with_frequency(log: Path) -> None:
    shown = fitted("--model", "gamma-gamma", "--transactions", log, "--plain", "--end", "1997-09-30")
    assert shown["customers"] == 946
    assert shown["parameters"] == pytest.approx(json.loads(SPEND), rel=2e-3)
    assert shown["spend_frequency_correlation"]["coefficient"] == pytest.approx(0.1139, abs=1e-4)


def test_transactions_become_chances_for_bg_bb(tmp_path: Path) -> None:
    """Chances are weeks after the first day: days 1 to 7 are the first, and the unfinished fourth is left out."""
    customers = [
        f"{one},2026-01-01,5\n{one},2026-01-0{2 + one % 7},5\n{one},2026-01-29,5\n" for one in range(20)
    ]
    log = written(tmp_path / "log.csv", "customer_id,date,amount\n" + "".join(customers))
    summary = written(tmp_path / "summary.csv", "frequency,recency,periods,weight\n2,4,4,20\n")
    of_log = fitted("--model", "bg-bb", "--transactions", log)
    of_summary = fitted("--model", "bg-bb", "--summary", summary)
    assert of_log["parameters"] == pytest.approx(of_summary["parameters"])
    assert of_log["customers"] == 20
    shorter = fitted("--model", "bg-bb", "--transactions", log, "--end", "2026-01-28")
    one = written(summary, "frequency,recency,periods,weight\n1,1,3,20\n")
    assert shorter["parameters"] == pytest.approx(fitted("--model", "bg-bb", "--summary", one)["parameters"])


def test_weight_stands_for_so_many_rows(tmp_path: Path) -> None:
    once = [(x, t, 30) for x, t in ((0, 0), (1, 4), (2, 20), (5, 29), (3, 11))]
    rows = "".join(f"{x},{t},{age},{10 + x}\n" for x, t, age in once)
    weighted = written(tmp_path / "w.csv", "frequency,recency,T,weight\n" + rows)
    rows = "".join(f"{x},{t},{age}\n" * (10 + x) for x, t, age in once)
    repeated = written(tmp_path / "r.csv", "frequency,recency,T\n" + rows)
    for model in ("bg-nbd", "mbg-nbd", "pareto-nbd"):
        one, other = (fitted("--model", model, "--summary", file) for file in (weighted, repeated))
        assert one["parameters"] == pytest.approx(other["parameters"])
        assert one["log_likelihood"] == pytest.approx(other["log_likelihood"])
        assert one["customers"] == other["customers"] == 61


def test_a_model_that_the_data_do_not_carry_is_replaced_with_the_reason(tmp_path: Path) -> None:
    summary = written(tmp_path / "s.csv", "frequency,recency,T\n2,3,9\n0,0,9\n")
    shown = fitted("--model", "bg-nbd", "--summary", summary)
    assert (shown["asked"], shown["model"]) == ("bg-nbd", "mbg-nbd")
    assert [one["model"] for one in shown["fallbacks"]] == ["bg-nbd", "mbg-nbd"]
    assert all("1 informative customers; 10 are needed" in one["reason"] for one in shown["fallbacks"])
    nothing = fitted("--model", "bg-nbd", "--summary", written(summary, "frequency,recency,T\n0,0,9\n"))
    assert (nothing["model"], nothing["parameters"], nothing["converged"]) == ("rfm-only", None, False)
    assert nothing["warnings"] == ["bg-nbd: nobody has bought again"]


def test_scores_are_one_line_a_row(tmp_path: Path) -> None:
    summary = written(
        tmp_path / "s.csv", "frequency,recency,T,monetary_value\n2,30.43,38.86,35.2\n0,0,38.86,0\n"
    )
    rows = scored("--model", "bg-nbd", "--parameters", BG, "--summary", summary, "--horizon", "39")
    assert [list(row) for row in rows] == [["expected_purchases", "p_alive"]] * 2
    assert round(float(rows[0]["expected_purchases"]), 3) == 1.226
    assert rows[1]["p_alive"] == "1.0"
    whole = json.dumps({"model": "bg-nbd", "parameters": json.loads(BG)})
    arguments = ("--model", "bg-nbd", "--parameters", whole, "--summary", summary, "--horizon", "39")
    now, later = (
        scored(*arguments, "--spend-parameters", SPEND, "--discount-rate", rate)[0] for rate in ("0", "0.10")
    )
    assert float(now["clv"]) == pytest.approx(
        float(now["expected_purchases"]) * float(now["expected_average_spend"])
    )
    assert float(now["clv"]) * 1.1 ** -(39 / 52) < float(later["clv"]) < float(now["clv"])


def test_subscriptions_and_spend_are_scored_by_their_own_columns(tmp_path: Path) -> None:
    summary = written(tmp_path / "s.csv", "periods,ended\n3,0\n3,1\n")
    rows = scored(
        "--model", "s-bg", "--parameters", '{"alpha": 1, "beta": 1}', "--summary", summary, "--horizon", "2"
    )
    # With alpha = beta = 1 the chances to renew are 4/5, then 5/6.
    assert [float(row["expected_purchases"]) for row in rows] == pytest.approx([4 / 5 + 4 / 5 * 5 / 6, 0])
    assert [row["p_alive"] for row in rows] == ["1.0", "0.0"]
    spends = written(summary, "frequency,monetary_value\n4,20\n")
    rows = scored("--model", "gamma-gamma", "--parameters", SPEND, "--summary", spends)
    assert float(rows[0]["expected_average_spend"]) == pytest.approx(6.25 * (15.44 + 80) / (25 + 2.74))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("frequency,recency\n", "line 1: the header lacks T"),
        ("", "line 1: the header lacks frequency, recency, T"),
        ("frequency,recency,T\n", "there is no row below the header"),
        ("frequency,recency,T\n1,2,3\n\n1,x,3\n", "line 4: recency must be a number, not 'x'"),
        ("frequency,recency,T\n1,2,3\n1,2\n", "line 3: 2 cells where the header has 3"),
        ("frequency,recency,T\n1,2,3\n1,4,3\n", "line 3: recency must not exceed T"),
        ("frequency,recency,T\n1.5,2,3\n", "line 2: frequency must be a whole number of at least 0"),
        ("frequency,recency,T\n0,2,3\n", "line 2: recency must be 0 where frequency is 0"),
        ("frequency,recency,T\n1,2,inf\n", "line 2: T must be a number of at least 0"),
        ("frequency,recency,T,weight\n1,2,3,0\n", "line 2: weight must be a number above 0"),
        ("frequency,T,T,recency\n", "line 1: the header names a column twice"),
        ('frequency,recency,T\n1,2,"3\n', "line 2: unexpected end of data"),
    ],
)
def test_a_bad_summary_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    assert message in refused("fit", "--model", "mbg-nbd", "--summary", written(tmp_path / "s.csv", text))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,2026-02-30,1", "line 3: date must be a day such as 2026-03-31, not '2026-02-30'"),
        ("a,2026-02-03,-1", "line 3: amount must be a number of at least 0, not '-1'"),
        ("a,2026-02-03,nan", "line 3: amount must be a number"),
        (",2026-02-03,1", "line 3: customer_id is empty"),
    ],
)
def test_a_bad_transaction_is_refused_with_its_line(tmp_path: Path, row: str, message: str) -> None:
    log = written(tmp_path / "log.csv", f"customer_id,date,amount\na,2026-01-01,1\n{row}\n")
    assert message in refused("fit", "--model", "mbg-nbd", "--transactions", log)


def test_what_does_not_go_together_is_refused(tmp_path: Path, log: Path) -> None:
    summary = written(tmp_path / "s.csv", "frequency,recency,T\n1,2,3\n")
    score = ("score", "--summary", summary, "--horizon", "3", "--model")
    assert "give one file" in refused("fit", "--model", "bg-nbd")
    assert "--end is for transactions" in refused(
        "fit", "--model", "bg-nbd", "--summary", summary, "--end", "2026-01-01"
    )
    assert "s-bg is fitted to a summary" in refused("fit", "--model", "s-bg", "--transactions", log)
    assert "there is no transaction until 1990-01-01" in refused(
        "fit", "--model", "bg-nbd", "--transactions", log, "--end", "1990-01-01"
    )
    assert "not JSON" in refused(*score, "bg-nbd", "--parameters", "{")
    assert "bg-nbd has the parameters r, alpha, a, b" in refused(*score, "bg-nbd", "--parameters", '{"r": 1}')
    assert "r must be finite and above 0" in refused(
        *score, "bg-nbd", "--parameters", BG.replace("0.2426", "-1")
    )
    assert "not of mbg-nbd" in refused(
        *score, "mbg-nbd", "--parameters", json.dumps({"model": "bg-nbd", "parameters": {}})
    )
    assert "clv needs the column monetary_value" in refused(
        *score, "bg-nbd", "--parameters", BG, "--spend-parameters", SPEND
    )
    assert (
        "a horizon is a finite length"
        in refused(
            "score", "--summary", summary, "--horizon", "0", "--model", "bg-nbd", "--parameters", BG
        ).lower()
    )
