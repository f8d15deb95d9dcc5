"""Errors as RFC 9457 problems: `application/problem+json` with a stable `type` and `code`."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ConfigDict, Field
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from shared.kernel.errors import CareloopError, FieldError, InvalidInputError
from shared.telemetry import context
from shared.web.models import ApiModel

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:careloop:problem:"
# One rule has two names in pydantic, depending on how it was asked.
_RULES = {"model_attributes_type": "model_type"}


class MalformedRequestError(CareloopError):
    """The request is not valid HTTP for this API."""

    status = 400


class MethodNotAllowedError(CareloopError):
    """This path has no such method; Allow lists those it has."""

    status = 405


class RequestTooLargeError(CareloopError):
    """The body is larger than this operation takes."""

    status = 413


class UnsupportedMediaTypeError(CareloopError):
    """The body is of a media type that this operation does not take."""

    status = 415


class InternalError(CareloopError):
    """Something went wrong here; the request id finds it in the logs."""

    status = 500


class PathNotFoundError(CareloopError):
    """There is no such path."""

    status = 404


class FieldProblem(ApiModel):
    """One field of the input and the rule that it breaks."""

    field: str = Field(description="Path of the field as it was sent, e.g. `targets[0].duration`.")
    rule: str = Field(description="Stable word for the rule, e.g. `missing`, `greater_than`.")
    message: str


class Problem(ApiModel):
    """An error (RFC 9457). Extension members of single errors stand beside these."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Stable URI of the kind of error: `urn:careloop:problem:<code>`.")
    title: str
    status: int
    code: str = Field(description="Stable word for the kind of error.")
    detail: str
    instance: str = Field(description="Path of the request.")
    request_id: str | None = Field(default=None, description="Finds this request in the logs.")
    errors: list[FieldProblem] = Field(default_factory=list)


def catalogue() -> list[type[CareloopError]]:
    """Every named error of the modules imported so far, by code: what `type` and `code` may say."""
    found: dict[str, type[CareloopError]] = {}
    waiting = list(CareloopError.__subclasses__())
    while waiting:
        kind = waiting.pop()
        waiting.extend(kind.__subclasses__())
        found.setdefault(kind.code, kind)
    return [found[code] for code in sorted(found)]


def problem_type(code: str) -> str:
    return TYPE_PREFIX + code


def problem_body(error: CareloopError, instance: str) -> bytes:
    """The JSON of an error."""
    working = context.current()
    members: dict[str, Any] = {
        **error.members,
        "type": problem_type(error.code),
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
        "instance": instance,
    }
    if working is not None and working.request_id is not None:
        members["request_id"] = working.request_id
    if error.field_errors:
        members["errors"] = [
            {"field": one.field, "rule": one.rule, "message": one.message} for one in error.field_errors
        ]
    return to_json(members)


def problem_response(
    error: CareloopError, instance: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer to a request that ended in `error`."""
    return Response(
        problem_body(error, instance), error.status, {**headers_of(error), **(headers or {})}, MEDIA_TYPE
    )


def headers_of(error: CareloopError) -> dict[str, str]:
    """Headers that belong to a status: the challenge of 401, the wait of 429 and 503."""
    headers = {}
    if error.status == 401:
        challenge = 'Bearer realm="careloop"'
        if error.members.get("token_refused"):
            challenge += ', error="invalid_token"'
        headers["WWW-Authenticate"] = challenge
    if error.status == 405 and "allow" in error.members:
        headers["Allow"] = ", ".join(error.members["allow"])
    wait = error.members.get("retry_after_seconds")
    if wait is not None:
        headers["Retry-After"] = str(wait)
    elif error.status == 503:
        headers["Retry-After"] = "1"
    return headers


def field_path(location: Sequence[str | int]) -> str:
    """A pydantic location as the caller wrote it: `("body", "targets", 0, "duration")` → `targets[0].duration`."""
    parts = location[1:] if location and location[0] in ("body", "query", "path", "header") else location
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path or str(location[0] if location else "body")


def invalid_input(errors: Sequence[Mapping[str, Any]]) -> InvalidInputError:
    """pydantic's errors as one named error with the fields as the caller wrote them."""
    fields = [
        FieldError(field_path(one["loc"]), _RULES.get(one["type"], one["type"]), one["msg"]) for one in errors
    ]
    first = fields[0]
    more = f" (and {len(fields) - 1} more)" if len(fields) > 1 else ""
    return InvalidInputError(f"{first.field}: {first.message}{more}", field_errors=fields)


def is_json(content_type: str) -> bool:
    """Whether a Content-Type says JSON, in UTF-8 as JSON always is."""
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


def instance_of(request: Request) -> str:
    """The path of the request, for `instance`."""
    path: str = request.scope["path"]
    return path
