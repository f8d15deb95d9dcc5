"""`careloop stack`: the real distributed system on this machine."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer


def stack(
    port: Annotated[int, typer.Option(help="Port of the gateway on this machine; 0 takes a free one")] = 8080,
    state_dir: Annotated[Path, typer.Option(help="Where data and logs are kept")] = Path(".careloop/stack"),
    verbose: Annotated[bool, typer.Option(help="Show every log line, not only warnings")] = False,
) -> None:
    """Start PostgreSQL, Kafka, the gateway and an api and a worker of each service; Ctrl-C ends them all."""
    from careloop.infrastructure.errors import InfrastructureError
    from careloop.stack import run_stack

    try:
        asyncio.run(run_stack(state_dir, gateway_port=port or None, verbose=verbose))
    except InfrastructureError as error:
        typer.secho(f"careloop: {error}", err=True, fg="red")
        raise typer.Exit(1) from None
