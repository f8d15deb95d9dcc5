"""`careloop calendar`: business-time questions as JSON lines, answered without a server.

The form is pinned, others test against it: one JSON object a line in, one a line out, in order.

    {"calendar": {…}, "start": "2026-02-27T16:00:00+08:00", "seconds": 3600}  →  {"due": "2026-02-27T09:00:00+00:00"}
    {"calendar": {…}, "start": "…", "end": "…"}                               →  {"seconds": 3600}

A line that cannot be answered gets `{"error": "<code>: <what is wrong>"}`; the others are answered all the same.
"""

import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from services.sla.domain.calendars import BusinessTimeline

app = typer.Typer(help="Business time of a calendar: JSON lines in, JSON lines out.", no_args_is_help=True)

_TIMELINES_KEPT = 128
_MICROSECONDS = 1_000_000

Answer = Callable[["BusinessTimeline", Mapping[str, Any]], dict[str, Any]]


@app.command()
def due() -> None:
    """Reads {"calendar", "start", "seconds"} a line, answers {"due"}: when that business time has elapsed."""
    _answer_lines(_due)


@app.command()
def elapsed() -> None:
    """Reads {"calendar", "start", "end"} a line, answers {"seconds"}: the business time between them."""
    _answer_lines(_elapsed)


@app.command()
def ics(
    first_year: Annotated[int, typer.Option(min=1900, max=2199)],
    last_year: Annotated[int, typer.Option(min=1900, max=2199)],
    name: Annotated[str, typer.Option()] = "Closed days",
) -> None:
    """Reads one calendar as JSON, writes its days out of the week as an iCalendar file."""
    from services.sla.api.calendar_files import write_calendar_file
    from services.sla.domain.calendars import CalendarSpecification, materialise
    from shared.kernel.errors import CareloopError

    try:
        specification = CalendarSpecification.parse(_question(sys.stdin.buffer.read()))
        resolved = materialise(specification, range(first_year, last_year + 1))
    except CareloopError as error:
        typer.echo(f"{error.code}: {error.detail}", err=True)
        raise typer.Exit(2) from None
    # The first instant of what it covers, so that the same calendar gives the same file.
    written_at = datetime(first_year, 1, 1, tzinfo=UTC)
    sys.stdout.buffer.write(
        write_calendar_file(resolved, name=name, unique="calendar.careloop", written_at=written_at)
    )


def _due(timeline: "BusinessTimeline", question: Mapping[str, Any]) -> dict[str, Any]:
    seconds = _seconds(question)
    return {"due": timeline.due(_instant(question, "start"), seconds).isoformat()}


def _elapsed(timeline: "BusinessTimeline", question: Mapping[str, Any]) -> dict[str, Any]:
    microseconds = timeline.elapsed_microseconds(_instant(question, "start"), _instant(question, "end"))
    if microseconds % _MICROSECONDS == 0:
        return {"seconds": microseconds // _MICROSECONDS}
    return {"seconds": microseconds / _MICROSECONDS}


def _answer_lines(answer: Answer) -> None:
    from shared.kernel.errors import CareloopError

    timelines = _Timelines()
    for line in sys.stdin.buffer:
        try:
            question = _question(line)
            answered = answer(timelines.of(question), question)
        except CareloopError as error:
            answered = {"error": f"{error.code}: {error.detail}"}
        # In ASCII: a name may hold what no encoding can write.
        sys.stdout.write(json.dumps(answered) + "\n")
        # Whoever asks one line at a time waits for its answer.
        sys.stdout.flush()


class _Timelines:
    """The timelines of the calendars asked for last, by their text."""

    def __init__(self) -> None:
        self._kept: dict[str, BusinessTimeline] = {}

    def of(self, question: Mapping[str, Any]) -> "BusinessTimeline":
        from services.sla.domain.calendars import BusinessTimeline, CalendarSpecification, LiveCalendar

        if "calendar" not in question:
            raise _invalid("calendar", "required", "A question needs a calendar.")
        text = json.dumps(question["calendar"])
        timeline = self._kept.pop(text, None)
        if timeline is None:
            timeline = BusinessTimeline(LiveCalendar(CalendarSpecification.parse(question["calendar"])))
        self._kept[text] = timeline
        if len(self._kept) > _TIMELINES_KEPT:
            del self._kept[next(iter(self._kept))]
        return timeline


def _question(line: bytes) -> Mapping[str, Any]:
    try:
        question = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _invalid("line", "json", f"The line is not JSON: {error}") from None
    if not isinstance(question, dict):
        raise _invalid("line", "object", "A question is a JSON object.")
    return question


def _instant(question: Mapping[str, Any], field: str) -> datetime:
    value = question.get(field)
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.utcoffset() is None:
        message = f"{field} must be an ISO 8601 instant with offset, such as 2026-03-02T09:00:00+00:00."
        raise _invalid(field, "instant", message)
    return at


def _seconds(question: Mapping[str, Any]) -> float:
    value = question.get("seconds")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _invalid("seconds", "number", "seconds must be a number; negative goes back.")
    return value


def _invalid(field: str, rule: str, message: str) -> Exception:
    from services.sla.domain.calendars import InvalidQuestionError

    return InvalidQuestionError.of(field, rule, message)
