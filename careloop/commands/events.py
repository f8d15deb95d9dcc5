"""`careloop events`: publish a service's recorded events again."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Published events.", no_args_is_help=True)


@app.callback()
def events() -> None:
    """Published events."""


@app.command()
def republish(
    service: Annotated[str, typer.Argument(help="ticketing, sla, valuation or complaints")],
    since: Annotated[datetime, typer.Option(help="From when, e.g. 2026-03-01T00:00:00 (UTC)")],
    archive: Annotated[Path | None, typer.Option(help="Folder of archived days, to go back further")] = None,
) -> None:
    """Publish again, under the same ids, all events recorded since a moment.

    Consumers that know them leave them alone, so it is safe to repeat; a new consumer starts from history. Takes the
    service's settings from the environment, as `careloop serve` does.
    """
    from shared.events.published import RepublishInterruptedError

    try:
        count = asyncio.run(_republish(service, since.replace(tzinfo=since.tzinfo or UTC), archive))
    except RepublishInterruptedError as error:
        typer.secho(f"careloop: {error.detail}", err=True, fg="red")
        raise typer.Exit(1) from None
    typer.echo(f"{count} events of {service} published again")


async def _republish(name: str, since: datetime, archive: Path | None) -> int:
    from rich.progress import Progress

    from careloop.registry import composition
    from shared.db.database import Database
    from shared.events.published import republish as publish_again
    from shared.kernel.clock import SystemClock
    from shared.operations.transports import open_transport

    settings = composition(name).Settings()
    database = Database(settings.database_url, clock=SystemClock(), name=f"{name}.republish")
    transport = open_transport(settings, client_id=f"{name}-republish")
    await database.open()
    try:
        with Progress(transient=True) as bars:
            bar = bars.add_task("publishing again", total=None)
            return await publish_again(
                name,
                database,
                transport,
                since,
                directory=archive,
                on_progress=lambda done: bars.update(bar, completed=done),
            )
    finally:
        await transport.close()
        await database.close()
