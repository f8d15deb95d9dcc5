"""The application of one service: routes in, everything that all services have in common around them."""

from collections.abc import Mapping, Sequence

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.types import ASGIApp

from shared.db.database import Database
from shared.db.migrations import History
from shared.telemetry import traces
from shared.telemetry.metrics import HttpMetrics
from shared.web.authentication import TokenVerifier
from shared.web.edge import Edge
from shared.web.faults import HANDLERS
from shared.web.health import Check, database_check, health_routes
from shared.web.middleware import EdgeMiddleware
from shared.web.openapi import describe, guards_of
from shared.web.permissions import Permissions, PermissionTableError
from shared.web.rate_limits import RateLimits
from shared.web.routing import ServiceApp

BODY_LIMIT_BYTES = 1_048_576


def create_app(
    service: str,
    *,
    title: str,
    summary: str,
    version: str,
    routers: Sequence[APIRouter],
    permissions: Mapping[str, frozenset[str]],
    database: Database,
    verifier: TokenVerifier,
    description: str = "",
    history: History | None = None,
    checks: Mapping[str, Check] | None = None,
    limits: RateLimits | None = None,
    body_limit_bytes: int = BODY_LIMIT_BYTES,
    access_log: bool = True,
) -> FastAPI:
    """Serve `routers` under `/<service>/v1`, guarded by `permissions`.

    A route's operation id is its function's name. `history` makes readiness ask whether the database is at
    head; `checks` are further conditions of readiness by name. Raises `PermissionTableError` when an operation
    has no guard or no row, or a row has no operation.
    """
    table = Permissions(service, permissions)
    metrics = HttpMetrics(service)

    def edge_layer(inner: ASGIApp) -> ASGIApp:
        return EdgeMiddleware(
            inner,
            service=service,
            body_limit_bytes=body_limit_bytes,
            metrics=metrics,
            limits=limits,
            access_log=access_log,
        )

    app = ServiceApp(
        edge_layer=edge_layer,
        title=title,
        summary=summary,
        description=description,
        version=version,
        openapi_url=f"/{service}/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=True,
        telemetry={"tracing": traces.is_on(), "metrics": False, "logs": False},
        generate_unique_id_function=lambda route: route.name,
        exception_handlers=HANDLERS,
        routes=health_routes({"database": database_check(database, history), **(checks or {})}),
    )
    for router in routers:
        app.include_flat(router, f"/{service}/v1")
    _require_guards(app, table)
    app.state.edge = Edge(
        service=service, database=database, verifier=verifier, permissions=table, limits=limits
    )
    describe(app, table)
    return app


def _require_guards(app: FastAPI, table: Permissions) -> None:
    """Every operation is guarded under its own id and has a row; every row has an operation."""
    seen: set[str] = set()
    for context in iter_route_contexts(app.routes):
        if not isinstance(context.original_route, APIRoute):
            continue
        name = context.unique_id
        guards = [guard.operation_id for guard in guards_of(context.original_route.dependant)]
        if guards != [name]:
            raise PermissionTableError(
                f"{name} at {context.path} must be guarded once, as itself; found {guards or 'no guard'}"
            )
        if name in seen:
            raise PermissionTableError(f"two operations are called {name}")
        seen.add(name)
    if seen != table.table.keys():
        without_row, without_operation = sorted(seen - table.table.keys()), sorted(table.table.keys() - seen)
        raise PermissionTableError(
            f"operations without a row: {without_row}; rows without an operation: {without_operation}"
        )
