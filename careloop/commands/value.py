"""`careloop value`: customer value checked against its ledger."""

import asyncio
from typing import Annotated, Any

import typer

app = typer.Typer(help="Customer value.", no_args_is_help=True)
MOST_SHOWN = 20


@app.callback()
def value() -> None:
    """Customer value."""


@app.command()
def rebuild(
    check: Annotated[
        bool, typer.Option(help="Only compare; change nothing; exit 1 when something differs")
    ] = False,
) -> None:
    """Compute every customer's state again from the ledger and put right (or, with --check, report) what differs.

    Takes valuation's settings from the environment, as `careloop serve valuation` does.
    """
    report = asyncio.run(_rebuild(check))
    for difference in report.differences[:MOST_SHOWN]:
        typer.echo(str(difference))
    outcome = "differ" if check else "were put right"
    typer.echo(
        f"{report.customers} customers, {report.transactions} transactions, {report.cases} cases:"
        f" {report.different} {outcome}"
    )
    if check and report.different:
        raise typer.Exit(1)


async def _rebuild(check: bool) -> Any:
    from rich.progress import Progress

    from services.valuation.service import Settings, rebuild
    from shared.kernel.clock import SystemClock

    with Progress(transient=True) as bars:
        bar = bars.add_task("customers", total=None)
        return await rebuild(
            Settings(),
            clock=SystemClock(),
            check=check,
            on_progress=lambda report: bars.update(bar, completed=report.customers),
        )
