"""`careloop token`: a bearer token of the development issuer."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer


def token(
    role: Annotated[
        str, typer.Option(help="agent, supervisor, quality, admin, system or customer")
    ] = "agent",
    subject: Annotated[str | None, typer.Option(help="Who it is; <role>-1 unless given")] = None,
    customer_id: Annotated[UUID | None, typer.Option(help="The account of a customer")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="Scopes of a system, e.g. ticketing:*")] = None,
    minutes: Annotated[float, typer.Option(help="How long it is good for")] = 60.0,
    state_dir: Annotated[Path, typer.Option(help="Where the suite keeps its state")] = Path(".careloop"),
) -> None:
    """Print a token for a suite on this machine. Production services refuse it."""
    from careloop.issuer import issue_token

    try:
        issued = issue_token(
            state_dir,
            role,
            subject or f"{role}-1",
            customer_id=customer_id,
            scopes=scope or (),
            minutes=minutes,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo(issued)
