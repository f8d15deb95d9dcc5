"""`careloop serve`: one service as a process of its own; what stack and cluster run."""

from enum import StrEnum
from typing import Annotated

import typer


class Role(StrEnum):
    api = "api"
    worker = "worker"


def serve(
    service: Annotated[str, typer.Argument(help="ticketing, sla, valuation or complaints")],
    role: Annotated[Role, typer.Option(help="api answers requests; worker runs relay, consumers and timers")],
) -> None:
    """Run one service in one role, with settings from the environment (<SERVICE>_DATABASE_URL …)."""
    import uvloop
    from pydantic import ValidationError

    from shared.db.migrations import SchemaNotAtHeadError
    from shared.kernel.errors import InvalidInputError

    try:
        uvloop.run(_serve(service, role))
    except ValidationError as error:
        wrong = [
            f"{service.upper()}_{str(one['loc'][0]).upper()}" if one["loc"] else "settings"
            for one in error.errors()
        ]
        reasons = "; ".join(f"{name}: {one['msg']}" for name, one in zip(wrong, error.errors(), strict=True))
        _refuse(reasons)
    except (SchemaNotAtHeadError, InvalidInputError) as error:
        _refuse(error.detail)


async def _serve(name: str, role: Role) -> None:
    from careloop.registry import composition
    from shared.kernel.clock import SystemClock
    from shared.operations.running import serve as run
    from shared.operations.transports import open_transport
    from shared.telemetry import logs, traces

    composed = composition(name)
    settings = composed.Settings()
    logs.configure(service=f"{name}.{role.value}", log_format=settings.log_format, level=settings.log_level)
    end_traces = traces.configure(f"{name}.{role.value}")
    transport = open_transport(settings, client_id=f"{name}-{role.value}")
    try:
        service = composed.build(settings, clock=SystemClock(), transport=transport)
        await run(
            service,
            role.value,
            host=settings.host,
            port=settings.port,
            shutdown_seconds=settings.shutdown_seconds,
        )
    finally:
        await transport.close()
        end_traces()


def _refuse(why: str) -> None:
    typer.secho(f"careloop: {why}", err=True, fg="red")
    raise typer.Exit(1)
