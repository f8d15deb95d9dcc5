"""Routes in one flat table with an index, so that finding one of many costs the same as finding the first.

FastAPI matches an included router's routes one after the other, twice; with forty routes that was a good part
of a request.
"""

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.routing import iter_route_contexts
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.telemetry import traces
from shared.web.lean import LeanRoute
from shared.web.problems import MethodNotAllowedError

_SHARED_DEPTH = 3
_FOUND = "careloop.route"
_COPIED = (
    "response_model",
    "status_code",
    "tags",
    "dependencies",
    "summary",
    "description",
    "response_description",
    "responses",
    "deprecated",
    "response_model_include",
    "response_model_exclude",
    "response_model_by_alias",
    "response_model_exclude_unset",
    "response_model_exclude_defaults",
    "response_model_exclude_none",
    "include_in_schema",
    "response_class",
    "name",
    "openapi_extra",
    "strict_content_type",
    "operation_id",
)


class ServiceApp(FastAPI):
    """A FastAPI application with an index over its routes and `edge_layer` as its outermost layer."""

    def __init__(self, *, edge_layer: Callable[[ASGIApp], ASGIApp], **options: Any) -> None:
        self._edge_layer = edge_layer
        super().__init__(**options)

    def include_flat(self, router: APIRouter, prefix: str) -> None:
        """Like `include_router`, one route at a time."""
        for context in iter_route_contexts(router.routes):
            options = {name: getattr(context, name) for name in _COPIED}
            path, endpoint, methods = context.path, context.endpoint, context.methods
            if path is None or endpoint is None or methods is None:
                raise TypeError(f"{context.name or context.path} is no HTTP route")
            self.router.add_api_route(
                prefix + path, endpoint, methods=methods, route_class_override=LeanRoute, **options
            )

    def build_middleware_stack(self) -> ASGIApp:
        """The edge layer reports faults itself, so Starlette's server-error layer has no work left."""
        handlers: Any = self.exception_handlers
        full = ExceptionMiddleware(AsyncExitStackMiddleware(_as_found(self.router)), handlers=handlers)
        return self._edge_layer(IndexedRoutes(self.router.routes, full))


class IndexedRoutes:
    """Finds a route by the number of its segments and the word after `/<service>/v1/`.

    A lean route answers at once, another goes through `full`, FastAPI's own layers; so does what is not in the
    index (health, paths that no route has).
    """

    def __init__(self, routes: Sequence[BaseRoute], full: ASGIApp) -> None:
        index: dict[tuple[int, str], list[Route]] = {}
        for route in routes:
            if not isinstance(route, Route):
                continue
            segments = route.path.split("/")
            if (
                len(segments) > _SHARED_DEPTH
                and "{" not in segments[_SHARED_DEPTH]
                and ":path" not in route.path
            ):
                index.setdefault((len(segments), segments[_SHARED_DEPTH]), []).append(route)
        self._index = {key: tuple(found) for key, found in index.items()}
        self._full = full

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        allowed: set[str] = set()
        for route in self._candidates(scope):
            match, child_scope = route.matches(scope)
            if match is Match.FULL:
                scope.update(child_scope)
                if traces.is_on():
                    traces.name_request(scope["method"], route.path)
                if isinstance(route, LeanRoute) and route.lean is not None:
                    await route.lean(scope, receive, send)
                else:
                    scope[_FOUND] = route
                    await self._full(scope, receive, send)
                return
            if match is Match.PARTIAL:
                scope["route"] = route
                allowed |= route.methods or set()
        if allowed:
            raise MethodNotAllowedError(allow=sorted(allowed))
        await self._full(scope, receive, send)

    def _candidates(self, scope: Scope) -> tuple[Route, ...]:
        if scope["type"] != "http" or scope.get("root_path"):
            return ()
        segments = scope["path"].split("/")
        if len(segments) <= _SHARED_DEPTH:
            return ()
        return self._index.get((len(segments), segments[_SHARED_DEPTH]), ())


def _as_found(router: APIRouter) -> ASGIApp:
    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        route: Route | None = scope.pop(_FOUND, None)
        if route is None:
            await router(scope, receive, send)
        else:
            await route.handle(scope, receive, send)

    return handle
