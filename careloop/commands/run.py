"""`careloop run`: the suite in one process, on the real clock, with durable state."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer


def run(
    port: Annotated[int, typer.Option(help="Port on this machine; 0 takes a free one")] = 8080,
    state_dir: Annotated[Path, typer.Option(help="Where the data is kept")] = Path(".careloop"),
) -> None:
    """Start all four services in this process; Ctrl-C ends them, the data stays."""
    from careloop.infrastructure.errors import InfrastructureError

    try:
        asyncio.run(_run(port, state_dir))
    except (InfrastructureError, OSError) as error:
        typer.secho(f"careloop: {error}", err=True, fg="red")
        raise typer.Exit(1) from None


async def _run(port: int, state_dir: Path) -> None:
    from careloop.suite import open_suite
    from careloop.welcome import welcome
    from shared.operations.http_server import HttpServer
    from shared.operations.running import running_loops, stopping_on_signals
    from shared.telemetry.logs import configure

    configure(service="careloop", log_format="console", level="warning")
    stop = asyncio.Event()
    with stopping_on_signals(stop):
        async with open_suite(state_dir) as suite:
            server = HttpServer(suite.app, host="127.0.0.1", port=port)
            async with running_loops(list(suite.services.values()), stop):
                await server.start()
                try:
                    welcome(f"http://127.0.0.1:{server.port}", state_dir)
                    await stop.wait()
                finally:
                    await server.stop()
