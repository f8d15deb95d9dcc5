"""One document for all services."""

from typing import Any

import pytest

from shared.web.merging import MergeConflictError, merge_documents


def document(path: str, **schemas: Any) -> dict[str, Any]:
    operation = {
        "operationId": "list_things",
        "tags": ["things"],
        "responses": {
            "200": {
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
            },
            "404": {"$ref": "#/components/responses/NotFound"},
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "x", "version": "1.2.0"},
        "paths": {path: {"get": operation}},
        "components": {
            "schemas": {
                "Thing": {"properties": {"problem": {"$ref": "#/components/schemas/Problem"}}},
                "Problem": {"type": "object"},
                **schemas,
            },
            "responses": {"NotFound": {"description": "No."}},
        },
        "security": [{"bearer": []}],
    }


def test_names_get_their_service_and_references_follow() -> None:
    merged = merge_documents({"a": document("/a/v1/things"), "b": document("/b/v1/things")})
    assert set(merged["paths"]) == {"/a/v1/things", "/b/v1/things"}
    operation = merged["paths"]["/b/v1/things"]["get"]
    assert operation["operationId"] == "b_list_things"
    assert operation["tags"] == ["b: things"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/b.Thing"}
    assert set(merged["components"]["schemas"]) == {"a.Thing", "b.Thing", "Problem"}
    reference = merged["components"]["schemas"]["a.Thing"]["properties"]["problem"]
    assert reference == {"$ref": "#/components/schemas/Problem"}
    assert merged["info"]["version"] == "1.2.0"
    assert merged["security"] == [{"bearer": []}]


def test_the_mapping_of_a_discriminator_is_renamed_too() -> None:
    choice = {"discriminator": {"propertyName": "kind", "mapping": {"x": "#/components/schemas/Thing"}}}
    merged = merge_documents({"a": document("/a/v1/things", Choice=choice)})
    mapping = merged["components"]["schemas"]["a.Choice"]["discriminator"]["mapping"]
    assert mapping == {"x": "#/components/schemas/a.Thing"}


def test_the_documents_themselves_stay_as_they_were() -> None:
    one = document("/a/v1/things")
    merge_documents({"a": one})
    assert one == document("/a/v1/things")


def test_one_path_of_two_services_is_refused() -> None:
    other = document("/a/v1/things")
    other["paths"]["/a/v1/things"]["get"]["operationId"] = "other"
    with pytest.raises(MergeConflictError):
        merge_documents({"a": document("/a/v1/things"), "b": other})
