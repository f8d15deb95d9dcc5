"""The parts that all OpenAPI documents share: problems, headers, parameters and security."""

from typing import Any

from shared.kernel.errors import (
    CareloopError,
    ConflictError,
    FieldError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionFailedError,
    PreconditionRequiredError,
    RateLimitedError,
    UnauthenticatedError,
    UnavailableError,
)
from shared.web.idempotency import LONGEST_KEY
from shared.web.problems import (
    MEDIA_TYPE,
    FieldProblem,
    InternalError,
    MalformedRequestError,
    Problem,
    RequestTooLargeError,
    UnsupportedMediaTypeError,
    problem_type,
)

SECURITY: list[dict[str, list[str]]] = [{"bearer": []}]
SECURITY_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Access token of the issuer (RFC 9068, ES256). `careloop token --role agent` prints one "
        "of the development issuer.",
    }
}
PARAMETERS: dict[str, Any] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Makes a retry safe: the same key with the same request gets the first answer again, for "
        "24 hours, without a second effect. Scoped by principal, method and path.",
        "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]+$"},
        "example": "01957a3e-5c00-7000-8000-000000000001",
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "required": True,
        "description": 'The ETag that you last read (its version alone, `"3"`, will do).',
        "schema": {"type": "string"},
        "example": '"3-9f86d081"',
    },
    "IfMatchIfAny": {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": "The ETag that you last read; needed where there is something to change already.",
        "schema": {"type": "string"},
        "example": '"3-9f86d081"',
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "required": False,
        "description": "An ETag that you hold; 304 when it is still the current one.",
        "schema": {"type": "string"},
        "example": '"3-9f86d081"',
    },
}
HEADERS: dict[str, Any] = {
    "ETag": {
        "description": "Strong validator of this representation: its version and a digest.",
        "schema": {"type": "string"},
        "example": '"3-9f86d081"',
    },
    "Location": {"description": "Where the new resource is.", "schema": {"type": "string"}},
    "Link": {"description": '`rel="next"`: the next page, if there is one.', "schema": {"type": "string"}},
    "X-Request-Id": {"description": "Finds this request in the logs.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
    "WWW-Authenticate": {"description": "The challenge.", "schema": {"type": "string"}},
}
_HEADERS_BY_STATUS = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
_EXAMPLES: dict[int, CareloopError] = {
    400: MalformedRequestError(),
    401: UnauthenticatedError(),
    403: PermissionDeniedError("A principal of role customer may not do this."),
    404: NotFoundError(),
    409: ConflictError(),
    412: PreconditionFailedError(),
    413: RequestTooLargeError(),
    415: UnsupportedMediaTypeError("Send application/json, not text/plain."),
    422: InvalidInputError(
        "limit: Input should be less than or equal to 200",
        field_errors=[
            FieldError("limit", "less_than_equal", "Input should be less than or equal to 200"),
        ],
    ),
    428: PreconditionRequiredError(),
    429: RateLimitedError(),
    500: InternalError(),
    503: UnavailableError(),
}


def schemas() -> dict[str, Any]:
    """The schemas of problems."""
    template = "#/components/schemas/{model}"
    problem = Problem.model_json_schema(ref_template=template, mode="serialization")
    problem.pop("$defs", None)
    return {"Problem": problem, "FieldProblem": FieldProblem.model_json_schema(ref_template=template)}


def problem_content() -> dict[str, Any]:
    return {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def response(status: int) -> dict[str, Any]:
    """A reference to the response of that status in `components`."""
    return {"$ref": f"#/components/responses/{_name(status)}"}


def responses() -> dict[str, Any]:
    """Every problem response, with an example."""
    return {_name(status): _response(status, error) for status, error in _EXAMPLES.items()}


def _name(status: int) -> str:
    return type(_EXAMPLES[status]).__name__.removesuffix("Error")


def _response(status: int, error: CareloopError) -> dict[str, Any]:
    content = problem_content()
    content[MEDIA_TYPE]["example"] = _example(error)
    described: dict[str, Any] = {"description": f"{error.title}.", "content": content}
    header = _HEADERS_BY_STATUS.get(status)
    if header is not None:
        described["headers"] = {header: {"$ref": f"#/components/headers/{header}"}}
    return described


def _example(error: CareloopError) -> dict[str, Any]:
    example: dict[str, Any] = {
        "type": problem_type(error.code),
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
        "instance": "/service/v1/path",
        "request_id": "01957a3e5c0070008000000000000001",
    }
    if error.field_errors:
        example["errors"] = [
            {"field": one.field, "rule": one.rule, "message": one.message} for one in error.field_errors
        ]
    return example
