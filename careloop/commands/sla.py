"""`careloop sla`: promises tried on history, without a server."""

import json
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from careloop.backtest.run import Attainment, Backtest, Miss

app = typer.Typer(help="Promises about time.", no_args_is_help=True)


class GroupBy(StrEnum):
    """What attainment is grouped by: as each incident stood at last."""

    QUEUE = "queue"
    PRIORITY = "priority"
    CATEGORY = "category"
    CHANNEL = "channel"


@app.callback()
def sla() -> None:
    """Promises about time."""


@app.command()
def backtest(
    log: Annotated[Path, typer.Option(help="Incident log, CSV as UCI's ServiceNow event log has it")],
    policy: Annotated[Path, typer.Option(help="A policy document as the API takes it, or a list; JSON")],
    calendar: Annotated[Path | None, typer.Option(help="A calendar, or calendars by name; JSON")] = None,
    by: Annotated[GroupBy, typer.Option(help="What attainment is grouped by")] = GroupBy.QUEUE,
    misses: Annotated[int, typer.Option(min=0, help="How many misses the table lists")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON")] = False,
) -> None:
    """Run a log through the fold of clocks: attainment by metric and group, misses, and the log's own verdict.

    Times of the log are read as UTC. Where the log has a column made_sla, its verdict stands beside ours, with
    the reasons for which they differ. Exits with 2 when a file is not what it should be.
    """
    from careloop.backtest.run import backtest as run
    from shared.kernel.errors import CareloopError

    try:
        result = run(log, policy, calendar, group_by=by)
    except CareloopError as error:
        faults = [f"{fault.field}: {fault.message}" for fault in error.field_errors] or [error.detail]
        for fault in faults:
            typer.echo(f"{error.code}: {fault}", err=True)
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps(_as_json(result), ensure_ascii=False, indent=2))
    else:
        _print(result, misses)


def _as_json(result: "Backtest") -> dict[str, Any]:
    shown: dict[str, Any] = {
        "as_of": result.as_of.isoformat(),
        "incidents": result.incidents,
        "attainment": [
            {"agreement": agreement, "metric": metric, **_counts(counted)}
            for (agreement, metric), counted in sorted(result.by_metric.items())
        ],
        "groups": [
            {"agreement": agreement, "metric": metric, result.group_by: group, **_counts(counted)}
            for (agreement, metric, group), counted in sorted(result.by_group.items())
        ],
        "misses": [_miss(miss) for miss in result.misses],
        "mapping": dict(sorted(result.mapping.items())),
        "made_sla": None,
    }
    compared = result.comparison
    if compared is not None:
        shown["made_sla"] = {
            "verdicts": [
                {"ours": ours, "log": theirs, "incidents": count}
                for (ours, theirs), count in sorted(compared.matrix.items())
            ],
            "differences": [
                {"reason": reason, "incidents": count, "examples": compared.examples[reason]}
                for reason, count in compared.reasons.most_common()
            ],
            "places": [
                {result.group_by: group, "reason": reason, "incidents": count}
                for (group, reason), count in sorted(compared.places.items())
            ],
        }
    return shown


def _counts(counted: "Attainment") -> dict[str, Any]:
    return {
        "met": counted.met,
        "missed": counted.missed,
        "cancelled": counted.cancelled,
        "running": counted.running,
        "attainment": counted.share,
    }


def _miss(miss: "Miss") -> dict[str, Any]:
    names = ("incident", "agreement", "metric", "cycle", "group", "priority", "late_seconds")
    instants = ("started_at", "due_at", "breached_at", "fulfilled_at")
    given: dict[str, datetime | None] = {name: getattr(miss, name) for name in instants}
    texts = {name: None if at is None else at.isoformat() for name, at in given.items()}
    return {name: getattr(miss, name) for name in names} | texts


def _print(result: "Backtest", most: int) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    columns = ("met", "missed", "cancelled", "running", "attainment")
    for title, rows, names in (
        ("Attainment", result.by_metric, ("agreement", "metric")),
        (f"By {result.group_by}", result.by_group, ("agreement", "metric", result.group_by)),
    ):
        table = Table(*names, *columns, title=f"{title}, {result.incidents} incidents, as of {result.as_of}")
        for key, counted in sorted(rows.items()):
            cells = _counts(counted)
            share = "-" if counted.share is None else f"{counted.share:.1%}"
            table.add_row(*key, *(str(cells[name]) for name in columns[:-1]), share)
        console.print(table)
    listed = Table("incident", "metric", "group", "priority", "due", "done", title="Misses")
    for miss in result.misses[:most]:
        done = "-" if miss.fulfilled_at is None else f"{miss.fulfilled_at:%Y-%m-%d %H:%M}"
        due = f"{miss.due_at or miss.breached_at:%Y-%m-%d %H:%M}"
        listed.add_row(miss.incident, miss.metric, miss.group or "-", miss.priority or "-", due, done)
    console.print(listed)
    if len(result.misses) > most:
        console.print(f"{len(result.misses) - most} more; --json lists all.")
    compared = result.comparison
    if compared is None:
        console.print("The log has no column made_sla to compare with.")
        return
    matrix = Table("resolution, ours", "made_sla", "incidents", title="Beside the log's own made_sla")
    for (ours, theirs), count in sorted(compared.matrix.items()):
        matrix.add_row(ours, theirs, str(count))
    console.print(matrix)
    reasons = Table("why they differ", "incidents", "such as", title="Differences")
    for reason, count in compared.reasons.most_common():
        reasons.add_row(reason.replace("_", " "), str(count), ", ".join(compared.examples[reason]))
    console.print(reasons)
    found = [reason for reason, _ in compared.reasons.most_common()]
    headings = [reason.replace("_", " ") for reason in found]
    where = Table(result.group_by, *headings, title=f"Where they differ, by {result.group_by}")
    for group in sorted({group for group, _ in compared.places}):
        where.add_row(group, *(str(compared.places[group, reason]) for reason in found))
    console.print(where)
