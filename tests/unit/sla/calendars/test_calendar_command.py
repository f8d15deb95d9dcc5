"""The pinned command: one JSON object a line in, one a line out, in order."""

import json
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from careloop.commands.calendar import app

OFFICE = {
    "timezone": "Asia/Shanghai",
    "weekly": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
    "holidays": {"country": "CN", "subdivision": None, "makeup_workdays": True},
    "exceptions": {"2026-12-31": []},
}


def ask(command: str, *lines: object) -> list[dict[str, Any]]:
    """Each line as it is when bytes, else as JSON."""
    written = b"".join(
        (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines
    )
    result = CliRunner().invoke(app, [command], input=written)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def due(
    seconds: object, start: object = "2026-02-27T16:00:00+08:00", calendar: object = OFFICE
) -> dict[str, Any]:
    return {"calendar": calendar, "start": start, "seconds": seconds}


def test_due_answers_in_utc_in_the_order_of_the_questions() -> None:
    assert ask(
        "due", due(3600), due(3601), due(0), due(-3600), due(0.5, "2026-02-27T16:59:59.750000+08:00")
    ) == [
        {"due": "2026-02-27T09:00:00+00:00"},
        # 28 February 2026 is a Saturday that China works.
        {"due": "2026-02-28T01:00:01+00:00"},
        {"due": "2026-02-27T08:00:00+00:00"},
        {"due": "2026-02-27T07:00:00+00:00"},
        {"due": "2026-02-28T01:00:00.250000+00:00"},
    ]


def test_elapsed_answers_whole_seconds_as_an_integer_and_keeps_fractions() -> None:
    def between(start: str, end: str) -> dict[str, Any]:
        return {"calendar": OFFICE, "start": start, "end": end}

    answers = ask(
        "elapsed",
        between("2026-02-27T16:00:00+08:00", "2026-02-28T10:00:00+08:00"),
        between("2026-02-28T10:00:00+08:00", "2026-02-27T16:00:00+08:00"),
        between("2026-02-28T02:00:00Z", "2026-02-28T02:00:00.250000Z"),
    )
    assert answers == [{"seconds": 7200}, {"seconds": -7200}, {"seconds": 0.25}]
    assert isinstance(answers[0]["seconds"], int)


def test_a_line_that_cannot_be_answered_gets_an_error_and_the_others_their_answer() -> None:
    lines: list[tuple[object, str]] = [
        (b"not json", "invalid_question"),
        (b"", "invalid_question"),
        (b"\xff\xfe", "invalid_question"),
        (b"[" * 100_000, "invalid_question"),
        ([], "invalid_question"),
        ({}, "invalid_question"),
        ({"calendar": OFFICE, "start": "2026-02-27T16:00:00Z"}, "invalid_question"),
        (due("3600"), "invalid_question"),
        (due(True), "invalid_question"),
        (due(None), "invalid_question"),
        (due(float("nan")), "invalid_question"),
        (due(float("inf")), "invalid_question"),
        (due(1e308), "invalid_question"),
        (due(10**400), "calendar_year_out_of_range"),
        (due(1, "2026-02-27T16:00:00"), "invalid_question"),
        (due(1, "yesterday"), "invalid_question"),
        (due(1, 1772208000), "invalid_question"),
        (due(1, "0001-01-01T00:00:00+14:00"), "calendar_year_out_of_range"),
        (due(10**11), "calendar_year_out_of_range"),
        (due(1, calendar=None), "invalid_calendar"),
        (due(1, calendar=OFFICE | {"timezone": "Mars/Olympus"}), "invalid_calendar"),
        (due(1, calendar=OFFICE | {"weekly": {}}), "calendar_has_no_open_time"),
        (due(1, calendar=OFFICE | {"weekly": {"\ud800": []}}), "invalid_calendar"),
        (due(1, calendar=OFFICE | {"exceptions": {"\ud800": []}}), "invalid_calendar"),
    ]
    answers = ask("due", *(part for line, _ in lines for part in (line, due(3600))))
    assert answers[1::2] == [{"due": "2026-02-27T09:00:00+00:00"}] * len(lines)
    for (line, code), answer in zip(lines, answers[::2], strict=True):
        assert list(answer) == ["error"], line
        assert answer["error"].startswith(f"{code}: "), line


def test_ten_thousand_mixed_questions_are_answered_in_one_run() -> None:
    chance = random.Random(20260302)
    calendars: list[dict[str, Any]] = [
        {"timezone": zone, "weekly": weekly, "holidays": {"country": country} if country else None}
        for zone, country in (
            ("Asia/Shanghai", "CN"),
            ("Europe/Berlin", "DE"),
            ("America/Sao_Paulo", "BR"),
            ("Australia/Lord_Howe", "AU"),
            ("Pacific/Apia", None),
        )
        for weekly in (
            OFFICE["weekly"],
            {key: [["00:00", "24:00"]] for key in ("mon", "wed", "sat")},
            {key: [["08:00", "12:00"], ["22:00", "06:00"]] for key in ("fri", "sun")},
        )
    ]
    lines: list[Any] = []
    for _ in range(10_000):
        on = datetime(2008, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(20 * 365 * 86_400))
        length = chance.choice((0, 1, 59.5, 3600, 28_800, -3600, 400_000, -144_000, 3_000_000))
        lines.append(due(length, on.isoformat(), chance.choice(calendars)))
    lines[777] = due(1, calendar=OFFICE | {"weekly": {}})
    answers = ask("due", *lines)
    assert len(answers) == len(lines)
    assert [number for number, answer in enumerate(answers) if "due" not in answer] == [777]
    asked = [
        {"calendar": line["calendar"], "start": line["start"], "end": answer.get("due", line["start"])}
        for line, answer in zip(lines, answers, strict=True)
    ]
    lengths = [line["seconds"] if number != 777 else 0 for number, line in enumerate(lines)]
    assert [answer["seconds"] for answer in ask("elapsed", *asked)] == lengths


@pytest.mark.parametrize("command", ["due", "elapsed"])
def test_no_questions_no_answers(command: str) -> None:
    assert ask(command) == []


def test_each_answer_comes_before_the_next_question_is_asked() -> None:
    program = "from careloop.commands.calendar import app; app()"
    with subprocess.Popen(
        [sys.executable, "-c", program, "due"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for seconds, answer in ((3600, "2026-02-27T09:00:00+00:00"), (0, "2026-02-27T08:00:00+00:00")):
            process.stdin.write(json.dumps(due(seconds)).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline()) == {"due": answer}
        process.stdin.close()
        assert process.wait(timeout=10) == 0


def test_the_closed_days_of_a_calendar_are_written_as_a_calendar_file() -> None:
    years = ["--first-year", "2026", "--last-year", "2026"]
    written = CliRunner().invoke(app, ["ics", *years], input=json.dumps(OFFICE).encode())
    assert written.exit_code == 0, written.output
    text = written.stdout_bytes.decode()
    assert text.startswith("BEGIN:VCALENDAR\r\n")
    assert "DTSTART;VALUE=DATE:20261001\r\n" in text
    assert "SUMMARY:Chinese New Year's Eve\r\n" in text
    assert "DTSTART;VALUE=DATE:20261231\r\n" in text
    named = CliRunner().invoke(
        app, ["ics", *years, "--name", "a\r\nBEGIN:VEVENT\udcff"], input=json.dumps(OFFICE).encode()
    )
    assert "X-WR-CALNAME:a  BEGIN:VEVENT \r\n" in named.stdout_bytes.decode()
    for wrong, code in ((b"{", "invalid_question"), (b"{}", "invalid_calendar")):
        refused = CliRunner().invoke(app, ["ics", *years], input=wrong)
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert refused.stderr.startswith(f"{code}: ")
