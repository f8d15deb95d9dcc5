"""`careloop value`: customer value checked against its ledger, and the value models on files.

`fit` and `score` are pinned, others test against them.
"""

import asyncio
import json
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from shared.kernel.errors import CareloopError

app = typer.Typer(help="Customer value.", no_args_is_help=True)
MOST_SHOWN = 20


class Model(StrEnum):
    """The models there are."""

    BG_NBD = "bg-nbd"
    MBG_NBD = "mbg-nbd"
    PARETO_NBD = "pareto-nbd"
    GAMMA_GAMMA = "gamma-gamma"
    BG_BB = "bg-bb"
    SHIFTED_BETA_GEOMETRIC = "s-bg"


class GradedModel(StrEnum):
    """The models that can be graded: those in continuous time."""

    BG_NBD = "bg-nbd"
    MBG_NBD = "mbg-nbd"
    PARETO_NBD = "pareto-nbd"


class FitUnit(StrEnum):
    """Units of time into which days are turned."""

    DAY = "day"
    WEEK = "week"


class ScoreUnit(StrEnum):
    """Units of time that the parameters may be in; a chance of bg-bb is one unit."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


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


@app.command()
def fit(
    model: Annotated[Model, typer.Option(help="The model")],
    summary: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="CSV: frequency,recency,T[,monetary_value][,weight]; for bg-bb frequency,recency,periods[,weight]; "
            "for s-bg periods,ended[,weight]",
        ),
    ] = None,
    transactions: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="CSV: customer_id,date,amount")
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Pure maximum likelihood: no prior, no other model instead")
    ] = False,
    unit: Annotated[FitUnit, typer.Option(help="Unit of time of the parameters")] = FitUnit.WEEK,
    end: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Last day of observation; else that of the last transaction"),
    ] = None,
) -> None:
    """Estimate a model's parameters and print them as one JSON object.

    Purchases of one day count once, and the average spend leaves out the first day. When the data do not carry the
    model, another one is fitted and `fallbacks` and `warnings` say why (`model` is the one of the parameters);
    without --plain a weak prior keeps the parameters finite. Exits with 2 when a file is not what it should be.
    """
    from careloop.value_models.run import fitted
    from shared.kernel.errors import CareloopError

    try:
        shown = fitted(
            model.value,
            summary=summary,
            transactions=transactions,
            plain=plain,
            unit=unit.value,
            end=None if end is None else end.date(),
        )
    except CareloopError as error:
        _refuse(error)
    typer.echo(json.dumps(shown, ensure_ascii=False, indent=2))


@app.command()
def score(
    model: Annotated[Model, typer.Option(help="The model that the parameters are of")],
    parameters: Annotated[str, typer.Option(help="JSON: the parameters, or all that fit printed")],
    summary: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="CSV as for fit")],
    horizon: Annotated[float | None, typer.Option(help="How far ahead, in units of the parameters")] = None,
    spend_parameters: Annotated[
        str | None, typer.Option(help="JSON: parameters of gamma-gamma; the summary needs monetary_value")
    ] = None,
    discount_rate: Annotated[float, typer.Option(help="A year, as a share")] = 0.10,
    unit: Annotated[ScoreUnit, typer.Option(help="Unit of time of the parameters")] = ScoreUnit.WEEK,
) -> None:
    """Print CSV, one line for each row of the summary.

    expected_purchases: in the horizon. p_alive: P(can still buy) at the end of observation; bg-nbd gives 1 to every
    customer without a repeat purchase, so take mbg-nbd or pareto-nbd for it; for bg-bb at the next chance; for s-bg 1
    or 0 as observed. With --spend-parameters also expected_average_spend, a purchase, and clv: expected spend (not
    margin) of the horizon, discounted from the end of each month. Exits with 2 when something given is wrong.
    """
    from careloop.value_models.run import ScoreQuestion, scored
    from shared.kernel.errors import CareloopError

    question = ScoreQuestion(model.value, parameters, spend_parameters, horizon, unit.value, discount_rate)
    try:
        pieces = scored(question, summary)
    except CareloopError as error:
        _refuse(error)
    for piece in pieces:
        typer.echo(piece)


@app.command()
def grade(
    transactions: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="CSV: customer_id,date,amount")
    ],
    model: Annotated[GradedModel, typer.Option(help="The model to be graded")] = GradedModel.MBG_NBD,
    calibration_end: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="Last day that the model is told; else the middle of the file"
        ),
    ] = None,
    unit: Annotated[FitUnit, typer.Option(help="Unit of time")] = FitUnit.WEEK,
    picture: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Draw the calibration into this .svg or .png")
    ] = None,
) -> None:
    """Grade a forecast: A, B or C against a naive one, on purchases held out. Prints one JSON object.

    The model is fitted to the purchases until the calibration day and asked about those after it. Its rivals are
    ranking by past spend, and everybody going on at the rate so far. Without enough data `grade` is null and `reasons`
    say what is short. Exits with 2 when something given is wrong.
    """
    from careloop.value_models.grade import graded
    from shared.kernel.errors import CareloopError

    try:
        shown = graded(
            transactions,
            model=model.value,
            calibration_end=None if calibration_end is None else calibration_end.date(),
            unit=unit.value,
            picture=picture,
        )
    except CareloopError as error:
        _refuse(error)
    typer.echo(json.dumps(shown, ensure_ascii=False, allow_nan=False, indent=2))


def _refuse(error: "CareloopError") -> NoReturn:
    typer.echo(f"{error.code}: {error.detail}", err=True)
    raise typer.Exit(2)


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
