"""One OpenAPI document for all services: schemas and operation ids get their service's name in front."""

from collections.abc import Mapping
from typing import Any

TITLE = "careloop"
SUMMARY = "Service requests, promises about time, customer value, and complaints that close"
# These are the same in every document, so one copy stands for all.
_SHARED_SECTIONS = ("responses", "headers", "parameters", "securitySchemes")
_SHARED_SCHEMAS = frozenset({"Problem", "FieldProblem"})
_SCHEMA_REF = "#/components/schemas/"


class MergeConflictError(ValueError):
    """Two documents say different things about what must be one."""


def merge_documents(
    documents: Mapping[str, Mapping[str, Any]], *, title: str = TITLE, version: str | None = None
) -> dict[str, Any]:
    """Merge the documents of the services, by name. Raises `MergeConflictError` for a path that two have.

    `TicketOut` of ticketing becomes `ticketing.TicketOut`, `open_ticket` becomes `ticketing_open_ticket`, the
    tag `tickets` becomes `ticketing: tickets`.
    """
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    shared: dict[str, dict[str, Any]] = {section: {} for section in _SHARED_SECTIONS}
    tags: list[dict[str, str]] = []
    for service, document in documents.items():
        for path, item in document.get("paths", {}).items():
            _put(paths, path, _path_item(_renamed(item, service), service, tags, document))
        components = document.get("components", {})
        for name, schema in components.get("schemas", {}).items():
            _put(schemas, _schema_name(name, service), _renamed(schema, service))
        for section in _SHARED_SECTIONS:
            for name, component in components.get(section, {}).items():
                _put(shared[section], name, _renamed(component, service))
    versions = {document["info"]["version"] for document in documents.values()}
    return {
        "openapi": next((document["openapi"] for document in documents.values()), "3.1.0"),
        "info": {"title": title, "summary": SUMMARY, "version": version or max(versions, default="0")},
        "tags": tags,
        "paths": paths,
        "components": {"schemas": schemas, **{name: found for name, found in shared.items() if found}},
        "security": next(
            (document["security"] for document in documents.values() if "security" in document), []
        ),
    }


def _path_item(
    item: dict[str, Any], service: str, tags: list[dict[str, str]], document: Mapping[str, Any]
) -> dict[str, Any]:
    for operation in item.values():
        if not isinstance(operation, dict) or "operationId" not in operation:
            continue
        operation["operationId"] = f"{service}_{operation['operationId']}"
        operation["tags"] = [f"{service}: {tag}" for tag in operation.get("tags", ())] or [service]
        for tag in operation["tags"]:
            if all(known["name"] != tag for known in tags):
                summary = document["info"].get("summary", "")
                tags.append({"name": tag, "description": summary})
    return item


def _put(into: dict[str, Any], name: str, value: Any) -> None:
    if into.setdefault(name, value) != value:
        raise MergeConflictError(f"{name} is described twice, differently")


def _schema_name(name: str, service: str) -> str:
    return name if name in _SHARED_SCHEMAS else f"{service}.{name}"


def _renamed(value: Any, service: str) -> Any:
    """A copy in which every reference to a schema has the new name."""
    if isinstance(value, str) and value.startswith(_SCHEMA_REF):
        return _SCHEMA_REF + _schema_name(value.removeprefix(_SCHEMA_REF), service)
    if isinstance(value, dict):
        return {key: _renamed(inner, service) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, service) for inner in value]
    return value
