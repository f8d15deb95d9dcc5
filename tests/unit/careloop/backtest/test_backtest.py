"""The backtest on a slice of the public ServiceNow log: eight incidents, their verdicts and why they differ."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from careloop.backtest.made_sla import Reason
from careloop.backtest.run import Backtest, backtest
from careloop.cli import app

SLICE = Path(__file__).parent / "data" / "incidents.csv"
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CALENDARS = {
    "always": {"timezone": "UTC", "weekly": {key: [["00:00", "24:00"]] for key in WEEK}},
    "office": {"timezone": "Europe/London", "weekly": {key: [["08:00", "18:00"]] for key in WEEK[:5]}},
}
BOTH_WAITS = ["waiting_on_customer", "waiting_on_third_party"]
POLICIES: list[dict[str, Any]] = [
    {
        "name": "urgent",
        "agreement": "sla",
        "calendar": "always",
        "match": {"subject_kind": "ticket", "priority": ["critical", "high"]},
        "targets": [{"metric": "resolution", "duration": 24, "unit": "business_hours"}],
    },
    {
        "name": "others",
        "agreement": "sla",
        "calendar": "office",
        "match": {"subject_kind": "ticket"},
        "targets": [
            {"metric": "resolution", "duration": 36, "unit": "business_hours", "pauses_on": BOTH_WAITS},
            {"metric": "time_to_own", "duration": 8, "unit": "business_hours"},
        ],
    },
]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    policies, calendars = tmp_path / "policies.json", tmp_path / "calendars.json"
    policies.write_text(json.dumps(POLICIES), encoding="utf-8")
    calendars.write_text(json.dumps(CALENDARS), encoding="utf-8")
    return policies, calendars


@pytest.fixture
def result(files: tuple[Path, Path]) -> Backtest:
    return backtest(SLICE, *files)


def test_every_incident_is_folded_and_counted_once_a_metric(result: Backtest) -> None:
    assert result.incidents == 8
    resolution = result.by_metric["sla", "resolution"]
    assert resolution.met + resolution.missed + resolution.running + resolution.cancelled == 8
    by_group = [counted for key, counted in result.by_group.items() if key[1] == "resolution"]
    assert sum(counted.missed for counted in by_group) == resolution.missed
    assert len([miss for miss in result.misses if miss.metric == "resolution"]) == resolution.missed


def test_logs_own_verdict_stands_beside_ours_with_reasons_that_add_up(result: Backtest) -> None:
    compared = result.comparison
    assert compared is not None
    assert sum(compared.matrix.values()) == 8
    apart = sum(count for (ours, theirs), count in compared.matrix.items() if ours != theirs)
    assert sum(compared.reasons.values()) == apart
    examples = {number: reason for reason, numbers in compared.examples.items() for number in numbers}
    assert examples["INC0000070"] is Reason.WAITING_COUNTED
    assert examples["INC0000370"] is Reason.MEASURED_TO_CLOSING
    assert examples["INC0000064"] is Reason.LOG_TARGET_LONGER
    assert examples["INC0000295"] is Reason.LOG_TARGET_SHORTER
    assert "INC0000045" not in examples


def test_where_the_verdicts_differ_adds_up_to_why(result: Backtest) -> None:
    assert result.comparison is not None
    by_reason: Counter[Reason] = Counter()
    for (group, reason), count in result.comparison.places.items():
        assert group != ""
        by_reason[reason] += count
    assert by_reason == result.comparison.reasons


def test_same_log_gives_the_same_answer(result: Backtest, files: tuple[Path, Path]) -> None:
    assert backtest(SLICE, *files) == result


def test_command_prints_tables_and_json(files: tuple[Path, Path]) -> None:
    policies, calendars = (str(file) for file in files)
    asked = ["sla", "backtest", "--log", str(SLICE), "--policy", policies, "--calendar", calendars]
    shown = CliRunner().invoke(app, [*asked, "--by", "priority", "--json"])
    assert shown.exit_code == 0, shown.output
    answer = json.loads(shown.stdout)
    assert answer["incidents"] == 8
    assert {group["priority"] for group in answer["groups"]} <= {"critical", "high", "moderate", "low"}
    assert {one["reason"] for one in answer["made_sla"]["differences"]} <= set(Reason)
    tables = CliRunner().invoke(app, asked)
    assert tables.exit_code == 0, tables.output
    assert "Beside the log's own made_sla" in tables.output


def test_log_without_the_column_is_backtested_without_comparison(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    rows = [line.split(",") for line in SLICE.read_text(encoding="utf-8").splitlines()]
    place = rows[0].index("made_sla")
    bare = tmp_path / "bare.csv"
    bare.write_text(
        "\n".join(",".join(row[:place] + row[place + 1 :]) for row in rows) + "\n", encoding="utf-8"
    )
    assert backtest(bare, *files).comparison is None


BAD_FILES: dict[str, tuple[str, Any, str]] = {
    "policy without target": ("policy", [POLICIES[0] | {"targets": []}], "invalid_policy: targets"),
    "calendar nobody wrote": ("policy", [POLICIES[0] | {"calendar": "moon"}], "unreadable_file: calendar"),
    "calendar that is no name": ("policy", [POLICIES[0] | {"calendar": ["x"]}], "unreadable_file: calendar"),
    "name that is no text": ("policy", [POLICIES[0] | {"name": 7}], "unreadable_file: name"),
    "dates that a log does not have": (
        "policy",
        [POLICIES[0] | {"effective_from": "2030-01-01T00:00:00Z"}],
        "unreadable_file: effective_from",
    ),
    "policies that overlap": ("policy", [POLICIES[1], POLICIES[1]], "overlapping_effective_dates"),
    "target that is no object": ("policy", [POLICIES[0] | {"targets": ["soon"]}], "targets.0"),
    "no policy at all": ("policy", [], "unreadable_file"),
    "unknown zone": ("calendar", {"timezone": "Mars/Olympus", "weekly": {}}, "invalid_calendar: timezone"),
    "calendar that is a list": ("calendar", [], "unreadable_file"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file_is_named_and_nothing_is_counted(files: tuple[Path, Path], name: str) -> None:
    which, content, said = BAD_FILES[name]
    policies, calendars = files
    (policies if which == "policy" else calendars).write_text(json.dumps(content), encoding="utf-8")
    asked = ["--log", str(SLICE), "--policy", str(policies), "--calendar", str(calendars)]
    answer = CliRunner().invoke(app, ["sla", "backtest", *asked])
    assert answer.exit_code == 2
    assert said in answer.stderr
    assert answer.stdout == ""


def test_log_that_is_missing_is_named(files: tuple[Path, Path], tmp_path: Path) -> None:
    asked = ["--log", str(tmp_path / "none.csv"), "--policy", str(files[0])]
    answer = CliRunner().invoke(app, ["sla", "backtest", *asked])
    assert answer.exit_code == 2
    assert "unreadable_history" in answer.stderr


LOG = Path(__file__).parents[5] / "shared" / "data" / "servicenow_incidents.csv"
GUIDE = Path(__file__).parents[4] / "docs" / "guides" / "writing-an-sla-policy.md"
COUNTED = {
    "the log counts the time in which the incident waited": Reason.WAITING_COUNTED,
    "the log measures to the closing, not to the resolution": Reason.MEASURED_TO_CLOSING,
    "the log's target must be shorter": Reason.LOG_TARGET_SHORTER,
}


@pytest.mark.skipif(not LOG.exists(), reason="the public log is not beside the project")
def test_guide_says_where_the_public_logs_verdict_differs_and_why(tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    target = {"metric": "resolution", "duration": 120, "unit": "elapsed_hours"}
    document = {"agreement": "sla", "match": {"subject_kind": "ticket"}, "targets": [target]}
    policy.write_text(json.dumps(document), encoding="utf-8")
    result = backtest(LOG, policy, None, group_by="priority")
    assert result.comparison is not None
    met = result.by_metric["sla", "resolution"].met
    text = GUIDE.read_text(encoding="utf-8")
    assert f"Resolution is met in {met} of {result.incidents}" in text
    assert f"The log calls {result.comparison.matrix['met', 'met']} met" in text
    for said, reason in COUNTED.items():
        places = [
            result.comparison.places[group, reason] for group in ("critical", "high", "moderate", "low")
        ]
        assert f"| {said} | {' | '.join(map(str, (sum(places), *places)))} |" in text
    assert sum(result.comparison.reasons.values()) == sum(
        result.comparison.reasons[reason] for reason in COUNTED.values()
    )
