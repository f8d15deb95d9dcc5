"""What the gateway serves beside the services, for the suite in one process."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.web.faults import HANDLERS

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-cache"),
)


def suite_pages(site: Path, jwks: Path) -> ASGIApp:
    """`/docs/`, `/openapi.json` and the issuer's keys; anything else is a problem of status 404."""

    async def home(request: Request) -> Response:
        return RedirectResponse("/docs/")

    async def openapi(request: Request) -> Response:
        return FileResponse(site / "openapi.json", media_type="application/json")

    async def keys(request: Request) -> Response:
        return FileResponse(jwks, media_type="application/json")

    return Starlette(
        routes=[
            Route("/", home),
            Route("/docs", home),
            Route("/openapi.json", openapi),
            Route("/.well-known/jwks.json", keys),
            Mount("/docs", StaticFiles(directory=site / "docs", html=True)),
        ],
        middleware=[Middleware(SafeHeaders)],
        exception_handlers=HANDLERS,
    )


class SafeHeaders:
    """Headers that keep a browser from doing with our pages what they were not made for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        await self._app(scope, receive, with_headers)
