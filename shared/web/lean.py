"""The short way through FastAPI for the usual operation: one guard, path parameters, one JSON body.

FastAPI's general way (dependency graph, exit stacks, form and stream handling) costs such an operation about
as much again as its own work. A `LeanRoute` is an `APIRoute` in every respect but this: where its shape allows,
the request is answered by `LeanHandler`, which also authenticates before it reads the body.
"""

from collections.abc import Callable, Mapping
from inspect import iscoroutinefunction
from typing import Any

from fastapi._compat import ModelField
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.kernel.errors import CareloopError
from shared.web.answers import BytesResponse, to_bytes
from shared.web.edge import headers_of
from shared.web.faults import answer_to
from shared.web.permissions import Guard
from shared.web.problems import MalformedRequestError, UnsupportedMediaTypeError, invalid_input, is_json

_JSON = b"application/json"


class LeanRoute(APIRoute):
    """`lean` is the short way as an ASGI application, or None where the route needs FastAPI's."""

    lean: ASGIApp | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        shape = _shape(self)
        if shape is not None:
            self.lean = LeanHandler(self.endpoint, self.status_code or 200, *shape)


class LeanHandler:
    """Guard, parameters, body, endpoint, answer."""

    def __init__(
        self,
        endpoint: Callable[..., Any],
        status: int,
        dependencies: tuple[tuple[str | None, Any], ...],
        path_fields: tuple[ModelField, ...],
        body: tuple[str, type[BaseModel]] | None,
        request_name: str | None,
    ) -> None:
        self._endpoint = endpoint
        self._status = status
        self._dependencies = dependencies
        self._path_fields = path_fields
        self._body_name = body[0] if body else None
        self._validate_body = body[1].__pydantic_validator__.validate_json if body else None
        self._request_name = request_name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        try:
            response = await self._answer(request)
        except Exception as error:  # noqa: BLE001 - what has no handler is raised again
            response = await answer_to(request, error)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        values: dict[str, Any] = {}
        faults: list[Mapping[str, Any]] = []
        for name, dependency in self._dependencies:
            found = await dependency(request)
            if name is not None:
                values[name] = found
        for field in self._path_fields:
            location = ("path", field.alias)
            values[field.name], wrong = field.validate(request.path_params[field.alias], {}, loc=location)
            faults.extend(wrong)
        if self._body_name is not None:
            try:
                values[self._body_name] = await self._body(request)
            except ValidationError as error:
                broken = error.errors(include_url=False, include_input=False, include_context=False)
                faults.extend({**one, "loc": ("body", *one["loc"])} for one in broken)
        if faults:
            raise invalid_input(faults)
        if self._request_name is not None:
            values[self._request_name] = request
        result = await self._endpoint(**values)
        if isinstance(result, Response):
            return result
        return BytesResponse(to_bytes(result), self._status)

    async def _body(self, request: Request) -> BaseModel:
        try:
            content = await request.body()
        except (HTTPException, CareloopError):
            raise
        except Exception as error:
            raise MalformedRequestError("The body could not be read to its end.") from error
        if not content:
            raise invalid_input([{"loc": ("body",), "type": "missing", "msg": "Field required"}])
        media_type = headers_of(request.scope).get(b"content-type", b"")
        if media_type != _JSON and not is_json(media_type.decode("latin-1")):
            given = media_type.decode("latin-1") or "none"
            raise UnsupportedMediaTypeError(f"Send application/json, not {given}.")
        assert self._validate_body is not None
        body: BaseModel = self._validate_body(content)
        return body


def _shape(route: APIRoute) -> tuple[Any, ...] | None:
    """What a `LeanHandler` needs to know, or None where the route has more than it can do."""
    whole = route.dependant
    if whole.query_params or whole.header_params or whole.cookie_params:
        return None
    if whole.response_param_name or whole.background_tasks_param_name or whole.security_scopes_param_name:
        return None
    # The guard first: nothing is looked at for somebody who may not come in.
    dependencies = sorted(whole.dependencies, key=lambda one: not isinstance(one.call, Guard))
    if not dependencies or not all(_takes_only_request(one) for one in dependencies):
        return None
    if not _answers_plainly(route):
        return None
    body = None
    if whole.body_params:
        field = whole.body_params[0]
        annotation = field.field_info.annotation
        is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
        is_whole = (
            len(whole.body_params) == 1 and route.body_field is field and field.field_info.is_required()
        )
        if not is_model or not is_whole:
            return None
        body = (field.name, annotation)
    called = tuple((one.name, one.call) for one in dependencies)
    return called, tuple(whole.path_params), body, whole.request_param_name


def _takes_only_request(dependency: Dependant) -> bool:
    call = dependency.call
    is_async = iscoroutinefunction(call) or iscoroutinefunction(getattr(call, "__call__", None))  # noqa: B004
    others = (
        dependency.dependencies,
        dependency.path_params,
        dependency.query_params,
        dependency.header_params,
        dependency.cookie_params,
        dependency.body_params,
    )
    return is_async and dependency.request_param_name == "request" and not any(others)


def _answers_plainly(route: APIRoute) -> bool:
    """Whether the answer is a Response or one model as it is."""
    model = route.response_model
    is_model = model is None or (isinstance(model, type) and issubclass(model, BaseModel))
    return is_model and not route.is_json_stream and not route.is_sse_stream
