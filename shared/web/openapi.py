"""The OpenAPI 3.1 document of a service: what FastAPI derives, and what the edge does to every operation."""

from collections.abc import Iterator, Mapping
from functools import partial
from types import CodeType, FunctionType
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts

from shared.web import documented
from shared.web.commands import Command, IfMatch
from shared.web.examples import accepted_example
from shared.web.merging import merge_documents
from shared.web.permissions import Guard, Permissions
from shared.web.reads import Reading

__all__ = ["describe", "guards_of", "merge_documents"]

# How far a call is followed to see whether it reads If-Match.
DEPTH = 2
JSON = "application/json"
_REPLACED = ("HTTPValidationError", "ValidationError")


def describe(app: FastAPI, permissions: Permissions) -> None:
    """Make `app.openapi()` (kept after the first call) say what the edge does."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, permissions)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def guards_of(dependant: Dependant) -> Iterator[Guard]:
    """The guards among a route's dependencies, however deep."""
    if isinstance(dependant.call, Guard):
        yield dependant.call
    for inner in dependant.dependencies:
        yield from guards_of(inner)


def _document(app: FastAPI, permissions: Permissions) -> dict[str, Any]:
    document: dict[str, Any] = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        separate_input_output_schemas=app.separate_input_output_schemas,
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if not isinstance(route, APIRoute) or not route.include_in_schema:
            continue
        for method in route.methods or ():
            operation = document["paths"][route.path_format][method.lower()]
            _complete(operation, route, next(guards_of(route.dependant)), permissions, schemas)
    for name in _REPLACED:
        schemas.pop(name, None)
    schemas.update(documented.schemas())
    components["responses"] = documented.responses()
    components["headers"] = documented.HEADERS
    components["parameters"] = documented.PARAMETERS
    components["securitySchemes"] = documented.SECURITY_SCHEMES
    document["security"] = documented.SECURITY
    return document


def _complete(
    operation: dict[str, Any],
    route: APIRoute,
    guard: Guard,
    permissions: Permissions,
    schemas: Mapping[str, Any],
) -> None:
    roles = sorted(permissions.table[guard.operation_id])
    said = f"Roles: {', '.join(roles)}."
    operation["description"] = (
        f"{operation['description']}\n\n{said}" if operation.get("description") else said
    )
    operation["x-roles"] = roles
    operation["security"] = documented.SECURITY
    responses = operation["responses"]
    _add_examples(operation, route, schemas)
    has_body = "requestBody" in operation
    if_match = _if_match(guard, route) if isinstance(guard, Command) else "none"
    statuses = {401, 403, 422, 429, 500, 503}
    if route.param_convertors:
        statuses.add(404)
    if has_body:
        statuses |= {400, 413, 415}
    if isinstance(guard, Command):
        statuses.add(409)
        _add_parameter(operation, "IdempotencyKey")
    if if_match != "none":
        statuses |= {412, 428}
        _add_parameter(operation, "IfMatch" if if_match == "required" else "IfMatchIfAny")
    for status in sorted(statuses):
        ours = documented.response(status)
        theirs = responses.get(str(status))
        if theirs is None or status == 422:
            responses[str(status)] = ours
        elif "content" not in theirs:
            theirs["content"] = documented.problem_content()
    for status, answer in responses.items():
        if status.startswith("2") and "$ref" not in answer:
            _add_headers(answer, status, schemas)
    if isinstance(guard, Reading) and any("ETag" in one.get("headers", {}) for one in responses.values()):
        responses["304"] = {"description": "You have this representation already."}
        _add_parameter(operation, "IfNoneMatch")


def _add_examples(operation: dict[str, Any], route: APIRoute, schemas: Mapping[str, Any]) -> None:
    """Where a body's schema has no example of its own: one that the model accepts."""
    bodies = [(operation.get("requestBody", {}), route.body_field)]
    bodies += [
        (answer, route.response_field)
        for status, answer in operation["responses"].items()
        if status.startswith("2")
    ]
    for described, field in bodies:
        content = described.get("content", {}).get(JSON)
        if content is None or field is None or "example" in content or "examples" in content:
            continue
        example = accepted_example(content.get("schema", {}), schemas, partial(_faults, field))
        if example is not None:
            content["example"] = example


def _faults(field: Any, value: Any) -> list[dict[str, Any]]:
    faults: list[dict[str, Any]] = field.validate(value, {}, loc=("body",))[1]
    return faults


def _add_parameter(operation: dict[str, Any], name: str) -> None:
    operation.setdefault("parameters", []).append({"$ref": f"#/components/parameters/{name}"})


def _add_headers(answer: dict[str, Any], status: str, schemas: Mapping[str, Any]) -> None:
    names = ["X-Request-Id"]
    schema = answer.get("content", {}).get(JSON, {}).get("schema", {})
    properties = schemas.get(schema.get("$ref", "").rpartition("/")[2], {}).get("properties", {})
    if "version" in properties:
        names.append("ETag")
    if "next_cursor" in properties:
        names.append("Link")
    if status in ("201", "202"):
        names.append("Location")
    headers = answer.setdefault("headers", {})
    for name in names:
        headers.setdefault(name, {"$ref": f"#/components/headers/{name}"})


def _if_match(guard: Command, route: APIRoute) -> IfMatch:
    if guard.if_match is not None:
        return guard.if_match
    return "required" if _reads_version(route.endpoint, DEPTH) else "none"


def _reads_version(function: Any, depth: int) -> bool:
    """Whether a function reads `edge.expected_version`: itself, in one within it, or in one of its package."""
    if not isinstance(function, FunctionType):
        return False
    names = set(_names(function.__code__))
    if "expected_version" in names:
        return True
    package = function.__module__.rpartition(".")[0]
    called = (function.__globals__.get(name) for name in sorted(names))
    return depth > 0 and any(
        _reads_version(one, depth - 1)
        for one in called
        if isinstance(one, FunctionType) and one.__module__.rpartition(".")[0] == package
    )


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
