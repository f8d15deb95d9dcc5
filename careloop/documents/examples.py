"""A deterministic example of a JSON schema, for the pages that people read."""

from typing import Any
from uuid import UUID

_INSTANT = "2026-03-02T01:00:00Z"
_ID = UUID("01957a3e-5c00-7000-8000-000000000001")


def example(schema: dict[str, Any], definitions: dict[str, Any] | None = None, name: str = "") -> Any:
    """One value that `schema` accepts, its own example if it has one.

    `definitions` resolve its references, `name` seeds plain strings.
    """
    definitions = definitions if definitions is not None else schema.get("$defs", {})
    if "examples" in schema:
        return schema["examples"][0]
    if "$ref" in schema:
        return example(definitions[schema["$ref"].rpartition("/")[2]], definitions, name)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return example(schema[choice][0], definitions, name)
    match schema.get("type"):
        case "object":
            return {
                key: example(value, definitions, key) for key, value in schema.get("properties", {}).items()
            }
        case "array":
            return [example(schema["items"], definitions, name)]
        case "integer":
            return 1
        case "number":
            return 0.5
        case "boolean":
            return False
        case "null":
            return None
    match schema.get("format"):
        case "uuid":
            return str(_ID)
        case "date-time":
            return _INSTANT
        case "date":
            return _INSTANT[:10]
    return name or "text"
