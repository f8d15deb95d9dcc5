"""An example for every JSON body: made from its schema, shown only if the model itself accepts it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

ID = "01957a3e-5c00-7000-8000-000000000001"
_BY_FORMAT = {
    "uuid": ID,
    "date-time": "2026-03-02T01:00:00Z",
    "date": "2026-03-02",
    "time": "09:00:00",
    "duration": "PT4H",
    "email": "wei@example.org",
    "uri": "https://example.org",
    "decimal": "12.50",
}
_BY_NAME = {"currency": "USD", "country": "CN", "language": "zh", "timezone": "Asia/Shanghai"}
_DEEPEST = 8
# What pydantic says of a Decimal, which goes out as text.
_DECIMAL_PATTERN = "^(?!^[-+.]*$)"
_DECIMAL = "0.35"


def example_of(
    schema: Mapping[str, Any],
    schemas: Mapping[str, Any],
    name: str = "",
    *,
    required_only: bool = False,
    depth: int = 0,
) -> Any:
    """A value for `schema`; `schemas` resolve its references, `name` stands for plain text.

    The schema's own examples, defaults and constants come first; `required_only` leaves out optional fields.
    """

    def inner(of: Mapping[str, Any], called: str = name, deeper: int = 1) -> Any:
        return example_of(of, schemas, called, required_only=required_only, depth=depth + deeper)

    if depth > 2 * _DEEPEST:
        return None
    if "$ref" in schema:
        return inner(schemas[schema["$ref"].rpartition("/")[2]])
    for own in ("example", "const", "default"):
        if schema.get(own) is not None:
            return schema[own]
    for several in ("examples", "enum"):
        if schema.get(several):
            return schema[several][0]
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return inner(schema[choice][0], deeper=0)
    match schema.get("type"):
        case "object":
            left_out = required_only or depth > _DEEPEST
            return {
                field: inner(of, field)
                for field, of in schema.get("properties", {}).items()
                if not left_out or field in schema.get("required", ())
            }
        case "array":
            count = schema.get("minItems", 0 if depth > _DEEPEST else 1)
            return [inner(schema.get("items", {}))] * count
        case "integer" | "number":
            return _number(schema)
        case "boolean":
            return False
        case "null":
            return None
    return _text(schema, name)


def _number(schema: Mapping[str, Any]) -> Any:
    least = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
    most = schema.get("maximum", schema.get("exclusiveMaximum", float("inf")))
    chosen = min(max(1, least), most)
    return chosen if schema["type"] == "number" else int(chosen)


def _text(schema: Mapping[str, Any], name: str) -> str:
    given = _BY_FORMAT.get(schema.get("format", ""))
    if given is not None:
        return given
    if name in _BY_NAME:
        return _BY_NAME[name]
    pattern = schema.get("pattern", "")
    if pattern.startswith(_DECIMAL_PATTERN):
        return _DECIMAL
    words = (name or "text") if pattern else (name or "text").replace("_", " ")
    return words.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength", len(words) + 1_000)]


def accepted_example(
    schema: Mapping[str, Any],
    schemas: Mapping[str, Any],
    faults: Callable[[Any], Sequence[Mapping[str, Any]]],
) -> Any | None:
    """An example in which the model finds no `faults`: with all fields, or else the required ones; or None."""
    for required_only in (False, True):
        example = example_of(schema, schemas, required_only=required_only)
        for fault in faults(example):
            if fault["type"] == "decimal_parsing":
                _put(example, fault["loc"][1:], _DECIMAL)
        if not faults(example):
            return example
    return None


def _put(into: Any, location: Sequence[Any], value: Any) -> None:
    for step in location[:-1]:
        into = into[step]
    into[location[-1]] = value
