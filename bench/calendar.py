"""Calendar arithmetic against `pandas` CustomBusinessHour and `businesstimedelta` on the same questions.

Both libraries run in an environment of their own (`requirements/bench.txt`, kept under `.careloop/`) and in
one run with ours, in turns. Their answers are compared with ours before any speed is; figures are questions
a second of processor time in the best round of each, so that neighbours on the machine do not decide. Also:
the cold start of a calendar-year, and the pinned command with 10,000 questions.
"""

import hashlib
import json
import random
import statistics
import subprocess
import sys
import time
import venv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.machine import machine
from services.sla.domain.calendars import (
    BusinessTimeline,
    CalendarSpecification,
    LiveCalendar,
    ResolvedCalendar,
    materialise,
)

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements" / "bench.txt"
YEARS = range(2024, 2030)
QUESTIONS = 200
HOURS = (1, 2, 4, 8, 16, 24, 40)
ROUNDS = 12
OWN_PASSES = 50
BAR = 100
COLD_BAR_MILLISECONDS = 2.0
COLD_ROUNDS = 15
YEARS_APART = 8  # so that no year finds the holidays of its neighbours looked up already
COMMAND_QUESTIONS = 10_000

WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
# Windows on whole hours: pandas counts elapsed time in whole hours only. No make-up workdays: it has none.
CALENDARS: list[dict[str, Any]] = [
    {"timezone": "UTC", "days": WORKDAYS, "windows": [["09:00", "17:00"]], "country": None},
    {"timezone": "Europe/Berlin", "days": WORKDAYS, "windows": [["08:00", "12:00"], ["13:00", "18:00"]],
     "country": "DE"},
    {"timezone": "America/Sao_Paulo", "days": (*WORKDAYS, "sat"), "windows": [["08:00", "20:00"]], "country": "BR"},
    {"timezone": "Asia/Shanghai", "days": WORKDAYS, "windows": [["09:00", "12:00"], ["14:00", "18:00"]],
     "country": "CN"},
]  # fmt: skip


def specification(calendar: dict[str, Any]) -> CalendarSpecification:
    country = calendar["country"]
    return CalendarSpecification.parse(
        {
            "timezone": calendar["timezone"],
            "weekly": dict.fromkeys(calendar["days"], calendar["windows"]),
            "holidays": {"country": country, "makeup_workdays": False} if country else None,
        }
    )


def questions(timelines: list[BusinessTimeline]) -> dict[str, list[dict[str, Any]]]:
    """Due: from any minute, open or closed. Elapsed: from a whole hour to half past one."""
    chance = random.Random(20260302)
    asked: dict[str, list[dict[str, Any]]] = {"due": [], "elapsed": []}
    for number in range(QUESTIONS):
        which = number % len(timelines)
        timeline = timelines[which]
        start = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(3 * 365 * 1440))
        hours = chance.choice(HOURS)
        asked["due"].append({"calendar": which, "start": start, "hours": hours})
        opening = timeline.next_open(start).replace(minute=0)
        end = timeline.due(opening, hours * 3600 + 1800)
        asked["elapsed"].append({"calendar": which, "start": opening, "end": end})
    return asked


def environment() -> Path:
    """The Python that has the references: made once for each content of the lock."""
    mark = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    home = ROOT / ".careloop" / f"bench-{mark}"
    python = home / "bin" / "python"
    complete = home / ".complete"
    if not complete.exists():
        print(f"installing {LOCK.relative_to(ROOT)} into {home.relative_to(ROOT)} …", flush=True)
        venv.create(home, clear=True, with_pip=True)
        install: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "--require-hashes", "-r", LOCK], check=True)
        complete.touch()
    return python


def own(
    timelines: list[BusinessTimeline], kind: str, asked: list[dict[str, Any]], passes: int
) -> tuple[list[Any], float]:
    """Answers, and processor seconds a pass."""
    calls = [
        (timelines[q["calendar"]].due, q["start"], q["hours"] * 3600)
        if kind == "due"
        else (timelines[q["calendar"]].elapsed, q["start"], q["end"])
        for q in asked
    ]
    started = time.process_time()
    for _ in range(passes):
        answers = [call(start, other) for call, start, other in calls]
    return answers, (time.process_time() - started) / passes


def agrees(name: str, kind: str, timeline: BusinessTimeline, mine: Any, theirs: Any) -> bool:
    """Whether an answer is the same. pandas counts whole hours, and for a closing time it names the next
    opening, with no open time between."""
    if kind == "elapsed":
        return bool((mine // 3600 if name == "pandas" else mine / 3600) == theirs)
    at = datetime.fromisoformat(theirs)
    return mine == at or (name == "pandas" and timeline.next_open(mine) == at)


def compare() -> bool:
    resolved = [materialise(specification(calendar), YEARS) for calendar in CALENDARS]
    timelines = [BusinessTimeline(one) for one in resolved]
    asked = questions(timelines)
    sent = {
        "calendars": [
            calendar | {"holidays": [on.isoformat() for on in one.holidays]}
            for calendar, one in zip(CALENDARS, resolved, strict=True)
        ],
        "questions": {
            kind: [
                {key: value.isoformat() if isinstance(value, datetime) else value for key, value in q.items()}
                for q in of_kind
            ]
            for kind, of_kind in asked.items()
        },
    }
    ok = True
    rates: dict[tuple[str, str], list[tuple[float, float]]] = {
        (name, kind): [] for name in ("pandas", "businesstimedelta") for kind in asked
    }
    with subprocess.Popen(
        [environment(), "-m", "bench.calendar_references"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    ) as references:
        assert references.stdin is not None
        assert references.stdout is not None
        print(json.dumps(sent), file=references.stdin, flush=True)
        for turn in range(ROUNDS):
            for (name, kind), measured in rates.items():
                print(name, kind, file=references.stdin, flush=True)
                answered = json.loads(references.stdout.readline())
                mine, seconds = own(timelines, kind, asked[kind], OWN_PASSES)
                measured.append((QUESTIONS / seconds, QUESTIONS / answered["seconds"]))
                if turn == 0:
                    triples = zip(asked[kind], mine, answered["answers"], strict=True)
                    differing = [
                        (q, my, their)
                        for q, my, their in triples
                        if not agrees(name, kind, timelines[q["calendar"]], my, their)
                    ]
                    print(
                        f"{name} {kind}: {QUESTIONS - len(differing)} of {QUESTIONS} answers agree",
                        *differing[:3],
                    )
                    ok &= not differing
        references.stdin.close()
    for (name, kind), measured in rates.items():
        median = statistics.median(ours / theirs for ours, theirs in measured)
        ours, theirs = (max(column) for column in zip(*measured, strict=True))
        print(
            f"{name} {kind}: {ours / theirs:.0f} times its throughput ({ours:,.0f} against {theirs:,.0f} questions/s, "
            f"the best of {ROUNDS} rounds each; median of the rounds' ratios {median:.0f}); bar {BAR}"
        )
        ok &= ours / theirs >= BAR
    return ok


def cold() -> bool:
    """First question of a calendar-year, on a stored version and straight from the installed data."""
    stored = [
        ResolvedCalendar.from_json(materialise(specification(calendar), YEARS).to_json())
        for calendar in CALENDARS
    ]
    taken: dict[str, list[float]] = {"stored version": [], "installed data": []}
    for turn in range(COLD_ROUNDS):
        for calendar, one in zip(CALENDARS, stored, strict=True):
            live = LiveCalendar(specification(calendar))
            for kind, days, year in (
                ("stored version", one, 2026),
                ("installed data", live, 1970 + YEARS_APART * turn),
            ):
                start = datetime(year, 6, 1, tzinfo=UTC)
                started = time.process_time()
                BusinessTimeline(days).due(start, 3600)
                taken[kind].append((time.process_time() - started) * 1000)
    ok = True
    for kind, milliseconds in taken.items():
        median, worst = statistics.median(milliseconds), max(milliseconds)
        print(
            f"cold calendar-year, {kind}: median {median:.2f} ms, worst {worst:.2f} ms; bar {COLD_BAR_MILLISECONDS}"
        )
        ok &= median <= COLD_BAR_MILLISECONDS
    return ok


def command() -> bool:
    """The pinned command, start of the interpreter included."""
    chance = random.Random(7)
    forms = [specification(calendar).to_json() for calendar in CALENDARS]
    lines = []
    for _ in range(COMMAND_QUESTIONS):
        start = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(10 * 365 * 86_400))
        question = {"calendar": chance.choice(forms), "start": start.isoformat()}
        lines.append((question, start + timedelta(seconds=chance.randrange(30 * 86_400))))
    ok = True
    for name, more in (
        ("due", lambda _: {"seconds": 36_000}),
        ("elapsed", lambda end: {"end": end.isoformat()}),
    ):
        text = "".join(json.dumps(question | more(end)) + "\n" for question, end in lines)
        program = "from careloop.commands.calendar import app; app()"
        started = time.perf_counter()
        run = subprocess.run(
            [sys.executable, "-c", program, name],
            input=text,
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        )
        seconds = time.perf_counter() - started
        answers = run.stdout.splitlines()
        errors = sum('"error"' in answer for answer in answers)
        print(f"calendar {name}: {len(answers):,} answers, {errors} errors, {seconds:.1f} s")
        ok &= len(answers) == COMMAND_QUESTIONS and not errors
    return ok


def main() -> int:
    print(machine())
    return 0 if all([compare(), cold(), command()]) else 1


if __name__ == "__main__":
    sys.exit(main())
