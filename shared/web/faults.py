"""Every exception that ends a request, and the problem that the caller is told."""

import json
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import asyncpg
import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from shared.db.database import RETRIED, TRANSIENT, DatabaseUnavailableError
from shared.kernel.errors import (
    CareloopError,
    FieldError,
    InvalidInputError,
    PermissionDeniedError,
    RateLimitedError,
    UnauthenticatedError,
    UnavailableError,
)
from shared.web.problems import (
    InternalError,
    MalformedRequestError,
    MethodNotAllowedError,
    PathNotFoundError,
    RequestTooLargeError,
    UnsupportedMediaTypeError,
    instance_of,
    invalid_input,
    is_json,
    problem_response,
)

log = structlog.get_logger(__name__)

_BY_STATUS: dict[int, type[CareloopError]] = {
    400: MalformedRequestError,
    401: UnauthenticatedError,
    403: PermissionDeniedError,
    404: PathNotFoundError,
    405: MethodNotAllowedError,
    413: RequestTooLargeError,
    415: UnsupportedMediaTypeError,
    422: InvalidInputError,
    429: RateLimitedError,
    503: UnavailableError,
}
_NUL = "\0"


class ContentionError(UnavailableError):
    """Too many changes to the same resource at once; nothing was changed, try again."""


class InvalidTextError(InvalidInputError):
    """Text may not hold the character U+0000."""


async def named(request: Request, error: Exception) -> Response:
    """An error that has a name."""
    assert isinstance(error, CareloopError)
    return problem_response(error, instance_of(request))


async def http(request: Request, error: Exception) -> Response:
    """What Starlette and FastAPI raise: unknown path, wrong method, unreadable body."""
    assert isinstance(error, HTTPException)
    problem = getattr(error, "problem", None)
    if problem is None and isinstance(error.__cause__, UnicodeDecodeError | RecursionError):
        problem = InvalidInputError.of("body", "json_invalid", "the body is not JSON in UTF-8 of sane depth")
    if problem is None:
        kind = _BY_STATUS.get(error.status_code)
        if kind is None:
            kind = MalformedRequestError if error.status_code < 500 else InternalError
        problem = kind()
    return problem_response(problem, instance_of(request), error.headers)


async def invalid(request: Request, error: Exception) -> Response:
    """What pydantic refused."""
    assert isinstance(error, RequestValidationError)
    errors = error.errors()
    is_refused_whole = any(one["loc"] == ("body",) for one in errors)
    if is_refused_whole and not is_json(request.headers.get("content-type", "")) and await request.body():
        given = request.headers.get("content-type", "none")
        return problem_response(
            UnsupportedMediaTypeError(f"Send application/json, not {given}."), instance_of(request)
        )
    return problem_response(invalid_input(errors), instance_of(request))


async def unavailable(request: Request, error: Exception) -> Response:
    """The database is away or busy."""
    log.warning("database_unavailable", error=repr(error))
    return problem_response(DatabaseUnavailableError(), instance_of(request))


async def contention(request: Request, error: Exception) -> Response:
    """The last attempt lost its race, too."""
    log.warning("contention", error=repr(error))
    return problem_response(ContentionError(), instance_of(request))


async def text(request: Request, error: Exception) -> Response:
    """PostgreSQL holds no U+0000 in text: name the field that has it."""
    fields = [
        FieldError(path, "no_nul", "text may not hold the character U+0000")
        for path in _nul_paths(await _content(request))
    ]
    return problem_response(InvalidTextError(field_errors=fields), instance_of(request))


HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    CareloopError: named,
    HTTPException: http,
    RequestValidationError: invalid,
    asyncpg.exceptions.CharacterNotInRepertoireError: text,
    **dict.fromkeys(TRANSIENT, unavailable),
    **dict.fromkeys(RETRIED, contention),
    asyncpg.exceptions.QueryCanceledError: unavailable,
}


async def answer_to(request: Request, error: Exception) -> Response:
    """The problem of any error that has a handler; raises the error again when it has none."""
    for kind in type(error).__mro__:
        handler = HANDLERS.get(kind)
        if handler is not None:
            return await handler(request, error)
    raise error


async def _content(request: Request) -> Any:
    """Body, query and path, each under the names the caller used."""
    content: dict[str, Any] = {**request.path_params, **request.query_params}
    try:
        body = json.loads(await request.body())
    except (ValueError, RuntimeError):
        return content
    return {**content, **body} if isinstance(body, dict) else {**content, "body": body}


def _nul_paths(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, str) and _NUL in value:
        yield path
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _nul_paths(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _nul_paths(inner, f"{path}[{index}]")
