"""`careloop demo`: the main job on real input, in a throw-away suite under a simulated clock."""

import asyncio
import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from careloop.sample.demo import Inputs, Outcome
    from careloop.suite import Suite

UNUSABLE_INPUT = 2
FAILED = 1
INTERRUPTED = 130
TOKEN_MINUTES = 8 * 60
# How often the clock of a suite that stays up is moved on.
STEP_SECONDS = 0.2


def demo(
    incidents: Annotated[
        Path | None, typer.Option(help="UCI ServiceNow event log (CSV); generated when absent")
    ] = None,
    complaints: Annotated[
        Path | None, typer.Option(help="CFPB complaints (CSV); generated when absent")
    ] = None,
    orders: Annotated[
        Path | None, typer.Option(help="Orders in the CDNOW form; the sample that ships when absent")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write the report as JSON, with the calendars")] = None,
    clocks: Annotated[Path | None, typer.Option(help="Write one CSV row a clock")] = None,
    exit_: Annotated[
        bool, typer.Option("--exit", help="End after the report; else the suite stays up")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of what is generated")] = 2016,
    port: Annotated[int, typer.Option(help="Port on this machine while it stays up; 0 takes a free one")] = 0,
) -> None:
    """Replay orders, incidents and complaints through the suite's API; report what was promised and kept.

    Ends with 0, with 1 when an event could not be handled or the suite refused a request, with 2 when a file
    cannot be used.
    """
    import uvloop

    from careloop.infrastructure.errors import InfrastructureError
    from careloop.sample.demo import read_inputs
    from shared.kernel.errors import CareloopError

    try:
        for path in (report, clocks):
            _require_writable(path)
        inputs = read_inputs(incidents, complaints, orders, seed)
    except CareloopError as error:
        _refuse(error, UNUSABLE_INPUT)
    try:
        dead_letters = uvloop.run(_demo(inputs, report, clocks, stays_up=not exit_, port=port))
    except (CareloopError, InfrastructureError, OSError) as error:
        _refuse(error, FAILED)
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise typer.Exit(INTERRUPTED) from None
    if dead_letters:
        typer.secho(f"careloop: {dead_letters} events could not be handled", err=True, fg="red")
        raise typer.Exit(FAILED)


async def _demo(
    inputs: "Inputs", report: Path | None, clocks: Path | None, *, stays_up: bool, port: int
) -> int:
    """Run it in a directory that is gone afterwards; how many events could not be handled."""
    import tempfile

    from rich.console import Console

    from careloop.sample.client import suite_client
    from careloop.sample.demo import replay
    from careloop.sample.phases import Phases
    from careloop.sample.report import show
    from careloop.suite import open_suite
    from shared.telemetry.logs import configure

    configure(service="careloop", log_format="console", level="warning")
    console = Console()
    with _ending_on_sigterm(), tempfile.TemporaryDirectory(prefix="careloop-demo-") as directory:
        state_dir = Path(directory)
        console.print("Starting a throw-away suite under a simulated clock …")
        async with open_suite(state_dir, simulated_start=inputs.begins_at, durable=False) as suite:
            with Phases(console) as phases:
                outcome = await replay(suite, suite_client(suite.app, state_dir), inputs, phases)
            show(console, outcome.figures)
            _write(outcome, report, clocks, console)
            if stays_up:
                await _stay_up(suite, port, console)
    dead_letters: int = outcome.figures["dead_letters"]
    return dead_letters


async def _stay_up(suite: "Suite", port: int, console: "Console") -> None:
    """Serve the suite until Ctrl-C; its clock goes on from the end of the replay in real time."""
    from datetime import timedelta

    from careloop.issuer import issue_token
    from shared.operations.http_server import HttpServer
    from shared.operations.running import stopping_on_signals

    stop = asyncio.Event()
    server = HttpServer(suite.app, host="127.0.0.1", port=port)
    with stopping_on_signals(stop):
        await server.start()
        try:
            token = issue_token(suite.state_dir, "supervisor", "demo-visitor", minutes=TOKEN_MINUTES)
            _invite(console, f"http://127.0.0.1:{server.port}", token)
            began, began_at = time.monotonic(), suite.clock.now()
            while not stop.is_set():
                await suite.advance(began_at + timedelta(seconds=time.monotonic() - began))
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), STEP_SECONDS)
        finally:
            await server.stop()


def _invite(console: "Console", url: str, token: str) -> None:
    said = (
        f"\nThe suite stays up to be explored: {url}/docs",
        f"  export TOKEN={token}",
        f'  curl -H "Authorization: Bearer $TOKEN" "{url}/ticketing/v1/tickets?priority=critical"',
        "Ctrl-C ends it and leaves nothing behind.",
    )
    for line in said:
        console.print(line, soft_wrap=True, highlight=False)


def _write(outcome: "Outcome", report: Path | None, clocks: Path | None, console: "Console") -> None:
    from careloop.sample.clock_rows import write_clocks

    if report is not None:
        text = json.dumps(outcome.figures, ensure_ascii=False, indent=2)
        report.write_text(text + "\n", encoding="utf-8")
        console.print(f"Report: {report}")
    if clocks is not None:
        write_clocks(clocks, outcome.clocks)
        console.print(f"Clocks: {clocks}, {len(outcome.clocks):,} rows")


@contextmanager
def _ending_on_sigterm() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does: everything it started is stopped and removed."""
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


def _require_writable(path: Path | None) -> None:
    from careloop.sample.history import UnwritableReportError

    if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
        raise UnwritableReportError(f"{path} cannot be written: name a file in a directory that exists")


def _refuse(error: Exception, code: int) -> None:
    typer.secho(f"careloop: {error}", err=True, fg="red")
    raise typer.Exit(code) from None
