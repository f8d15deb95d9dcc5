"""One origin for several services in one process: what the gateway is to the stack."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send


class Composite:
    """Sends `/<name>/v1/…` to that service's application and everything else to `pages`.

    Paths are passed on whole (no mounting): a service serves the same paths alone and behind a gateway. As at
    the gateway, a service's health and metrics are not reachable from here.
    """

    def __init__(self, apps: Mapping[str, ASGIApp], pages: ASGIApp) -> None:
        self._apps = {f"/{name}/v1/": app for name, app in apps.items()}
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        end = path.find("/", path.find("/", 1) + 1) + 1
        app = self._apps.get(path[:end], self._pages)
        await app(scope, receive, send)
