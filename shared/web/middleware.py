"""The one ASGI layer around every service: ids, limits, headers, log, metrics, and no leaked fault."""

import re
import time
from uuid import UUID

import structlog
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.kernel.errors import CareloopError
from shared.telemetry import context
from shared.telemetry.access import AccessLog
from shared.telemetry.metrics import HttpMetrics
from shared.web.edge import headers_of
from shared.web.problems import InternalError, RequestTooLargeError, problem_response
from shared.web.rate_limits import RateLimits

log = structlog.get_logger(__name__)

REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
BODY_LIMIT = "careloop.body_limit_bytes"
SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
NO_STORE = (b"cache-control", b"no-store")
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


class EdgeMiddleware:
    """Wraps the application of one service."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        service: str,
        body_limit_bytes: int,
        metrics: HttpMetrics,
        limits: RateLimits | None,
        access_log: bool = True,
    ) -> None:
        self._app = app
        self._service = service
        self._body_limit = body_limit_bytes
        self._metrics = metrics
        self._limits = limits
        self._access_log = AccessLog(service) if access_log else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = headers_of(scope)
        working = _begin(headers)
        context.set_current(working)
        scope[BODY_LIMIT] = self._body_limit
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._complete(message, working, scope)
            await send(message)

        bounded = _bounded(scope, receive, headers) if scope["method"] not in ("GET", "HEAD") else receive
        try:
            if self._limits is not None:
                self._limits.take_for_address(scope)
            await self._app(scope, bounded, answer)
        except Exception as error:
            if not isinstance(error, CareloopError):
                log.exception("request_failed", service=self._service, path=_route(scope), **working.fields())
            if status:
                raise
            problem = error if isinstance(error, CareloopError) else InternalError()
            await problem_response(problem, scope["path"])(scope, receive, answer)
        finally:
            self._record(scope, working, status, time.perf_counter() - started)

    def _complete(self, message: Message, working: context.WorkContext, scope: Scope) -> None:
        headers = message["headers"]
        headers.extend(SECURITY_HEADERS)
        if not any(name == b"cache-control" for name, _ in headers):
            headers.append(NO_STORE)
        headers.append((b"x-request-id", (working.request_id or "").encode()))
        if self._limits is not None:
            headers.extend(self._limits.headers(scope))

    def _record(self, scope: Scope, working: context.WorkContext, status: int, seconds: float) -> None:
        route = _route(scope)
        self._metrics.observe(scope["method"], route, status, seconds)
        if self._access_log is not None and scope["path"] not in QUIET:
            self._access_log.write(working, scope["method"], route, status, seconds)


def _begin(headers: dict[bytes, bytes]) -> context.WorkContext:
    sent_id = headers.get(b"x-request-id")
    request_id = sent_id.decode() if sent_id is not None and REQUEST_ID.fullmatch(sent_id) else None
    traceparent = headers.get(b"traceparent")
    correlation = headers.get(b"x-correlation-id")
    return context.begin_request(
        request_id,
        None if traceparent is None else traceparent.decode("latin-1"),
        None if correlation is None else _uuid(correlation),
    )


def _uuid(text: bytes) -> UUID | None:
    try:
        return UUID(text.decode("latin-1"))
    except ValueError:
        return None


def _route(scope: Scope) -> str:
    """The path's template; what matches no route is counted as one, so that a scan makes no new series."""
    path: str = getattr(scope.get("route"), "path", "") or "(none)"
    return path


def _bounded(scope: Scope, receive: Receive, headers: dict[bytes, bytes]) -> Receive:
    """Stops a body above the limit; an operation may raise the limit before it reads (`BODY_LIMIT`)."""
    read = 0
    declared = headers.get(b"content-length", b"")

    async def bounded() -> Message:
        nonlocal read
        limit = scope[BODY_LIMIT]
        if declared.isdigit() and int(declared) > limit:
            raise _too_large(limit)
        message = await receive()
        if message["type"] == "http.request":
            read += len(message.get("body", b""))
            if read > limit:
                raise _too_large(limit)
        return message

    return bounded


class TooLarge(HTTPException):
    """Carries a 413 through FastAPI's body parsing, which lets only HTTP exceptions through."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(413)
        self.problem = RequestTooLargeError(
            f"The body may have at most {limit_bytes} bytes.", limit_bytes=limit_bytes
        )


def _too_large(limit_bytes: int) -> TooLarge:
    return TooLarge(limit_bytes)
