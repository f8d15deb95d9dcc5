"""`/healthz`: alive. `/readyz`: able to do its work. `/metrics`: what Prometheus reads."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import asyncpg
import sqlalchemy as sa
import structlog
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from shared.db.database import Database
from shared.db.migrations import History, SchemaNotAtHeadError
from shared.db.statements import statement
from shared.kernel.errors import UnavailableError
from shared.telemetry.metrics import exposition

log = structlog.get_logger(__name__)

CHECK_TIMEOUT_SECONDS = 2.0
LARGEST_SKEW = timedelta(seconds=1)
JSON = "application/json"

Check = Callable[[], Awaitable[None]]
_REVISION = statement(sa.text("SELECT version_num FROM alembic_version"))


class ClockSkewError(UnavailableError):
    """This machine's clock and the database's differ by more than a second."""


def database_check(database: Database, history: History | None) -> Check:
    """Answers, is at head, and its clock agrees with ours within `LARGEST_SKEW`."""
    head = history.head() if history is not None else None

    async def check() -> None:
        offset = await database.measure_clock()
        if abs(offset) > LARGEST_SKEW:
            raise ClockSkewError(f"the clocks differ by {offset.total_seconds():+.3f} s")
        if history is not None:
            found = await _revision(database)
            if found != head:
                raise SchemaNotAtHeadError(
                    f"the database is at revision {found or 'none'}, this code needs {head}: "
                    f"run `careloop migrate {history.service}`"
                )

    return check


def health_routes(checks: Mapping[str, Check]) -> list[BaseRoute]:
    """The three routes, without authentication: the gateway does not route them."""

    async def healthz(request: Request) -> Response:
        return Response(b'{"status":"alive"}', media_type=JSON)

    async def readyz(request: Request) -> Response:
        names = list(checks)
        outcomes = await asyncio.gather(*(_outcome(name, checks[name]) for name in names))
        report = dict(zip(names, outcomes, strict=True))
        ready = all(outcome == "ok" for outcome in outcomes)
        body = {"status": "ready" if ready else "not_ready", "checks": report}
        return Response(to_json(body), 200 if ready else 503, media_type=JSON)

    async def metrics(request: Request) -> Response:
        body, media_type = exposition()
        return Response(body, headers={"content-type": media_type})

    return [
        Route("/healthz", healthz, methods=["GET"], name="healthz", include_in_schema=False),
        Route("/readyz", readyz, methods=["GET"], name="readyz", include_in_schema=False),
        Route("/metrics", metrics, methods=["GET"], name="metrics", include_in_schema=False),
    ]


async def _revision(database: Database) -> str | None:
    try:
        async with database.session() as session:
            found: str | None = await session.fetch_value(_REVISION)
            return found
    except asyncpg.exceptions.UndefinedTableError:
        return None


async def _outcome(name: str, check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
            await check()
    except UnavailableError as error:
        return error.detail
    except Exception as error:  # noqa: BLE001 - whatever a check raises is the reason for not being ready
        log.warning("readiness_check_failed", check=name, error=repr(error))
        return type(error).__name__
    return "ok"
