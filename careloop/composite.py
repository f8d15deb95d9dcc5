"""One origin for several services in one process: what the gateway is to the stack."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

NOT_FOUND = {
    "type": "/problems/not_found",
    "title": "There is no such resource",
    "status": 404,
    "code": "not_found",
}


class Composite:
    """Sends `/<name>/v1/…` to that service's application and everything else to `pages`.

    Paths are passed on whole (no mounting): a service serves the same paths alone and behind a gateway. As at
    the gateway, a service's health and metrics are not reachable from here.
    """

    def __init__(self, apps: Mapping[str, ASGIApp], pages: ASGIApp | None = None) -> None:
        self._apps = {f"/{name}/v1/": app for name, app in apps.items()}
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        end = path.find("/", path.find("/", 1) + 1) + 1
        app = self._apps.get(path[:end]) if end else None
        app = app or self._pages
        if app is not None:
            await app(scope, receive, send)
        else:
            await _not_found(send, path)


async def _not_found(send: Send, path: str) -> None:
    body: dict[str, Any] = {**NOT_FOUND, "instance": path}
    headers = [(b"content-type", b"application/problem+json")]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
