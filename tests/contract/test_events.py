"""The published language: a golden message for each event, and additive change only.

`golden/<type>.json` is a message as it was released together with its schema of that day. A golden file is never
edited: what was released must stay readable, and what consumers rely on must stay there.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from careloop.documents.events import asyncapi, schema_of
from careloop.documents.examples import example
from shared.contracts.base import Contract, all_contracts, contract_for

GOLDEN = Path(__file__).parent / "golden"
CONTRACTS = list(all_contracts())
PERSONAL = {
    "name",
    "email",
    "phone",
    "address",
    "comment",
    "text",
    "subject",
    "body",
    "description",
    "contact",
}


def incompatibilities(released: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What a consumer of `released` would miss or misread in messages of the schema `now`."""
    found = []
    for name, field in released.get("properties", {}).items():
        current = now.get("properties", {}).get(name)
        if current is None:
            found.append(f"{name} is gone")
        elif _shape(current) - _shape(field):
            found.append(f"{name} may now be {sorted(_shape(current) - _shape(field))}")
    optional_now = set(released.get("required", [])) - set(now.get("required", []))
    return found + [f"{name} is no longer always there" for name in sorted(optional_now)]


def _shape(field: dict[str, Any]) -> set[str]:
    if "anyOf" in field:
        return set().union(*(_shape(choice) for choice in field["anyOf"]))
    if "enum" in field:
        return {f"={value}" for value in field["enum"]}
    return {str(field.get("format") or field.get("type") or field.get("$ref"))}


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.TYPE)
def test_released_message_is_still_readable_and_complete(contract: type[Contract]) -> None:
    golden = json.loads((GOLDEN / f"{contract.TYPE}.json").read_text())
    message = contract.model_validate(golden["message"])
    written = json.loads(message.model_dump_json())
    assert {key: written[key] for key in golden["message"]} == golden["message"]
    assert incompatibilities(golden["schema"], schema_of(contract)) == []


def test_no_released_event_was_forgotten() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == {contract.TYPE for contract in CONTRACTS}


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.TYPE)
def test_payloads_carry_references_not_personal_data(contract: type[Contract]) -> None:
    assert not PERSONAL & set(schema_of(contract)["properties"])


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.TYPE)
def test_type_says_producer_event_and_version(contract: type[Contract]) -> None:
    producer, event, version = contract.TYPE.split(".")
    assert contract.__module__ == f"shared.contracts.{producer}"
    assert contract.__name__ == "".join(word.title() for word in event.split("_")) + version.upper()
    assert contract.description().endswith(".")
    assert contract_for(contract.TYPE) is contract


def test_consumers_ignore_fields_that_they_do_not_know() -> None:
    contract = CONTRACTS[0]
    message = contract.model_validate({**example(schema_of(contract)), "added_later": 1})
    assert "added_later" not in json.loads(message.model_dump_json())


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda schema: schema["properties"].pop("a"), "a is gone"),
        (lambda schema: schema["required"].remove("a"), "no longer always there"),
        (lambda schema: schema["properties"].update(a={"type": "integer"}), "may now be"),
        (lambda schema: schema["properties"].update(b={"type": "string"}), None),
    ],
)
def test_the_comparison_itself_sees_breaking_changes(change: Any, complaint: str | None) -> None:
    released = {"properties": {"a": {"type": "string"}}, "required": ["a"]}
    now = json.loads(json.dumps(released))
    change(now)
    found = incompatibilities(released, now)
    assert (complaint in " ".join(found)) if complaint else not found


def test_asyncapi_refers_only_to_what_it_defines() -> None:
    document = asyncapi(CONTRACTS)
    assert document["asyncapi"].startswith("3.")
    for reference in _references(document):
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
    assert len(document["components"]["messages"]) == len(CONTRACTS)


def _references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if "$ref" in part else []
        return own + [ref for value in part.values() for ref in _references(value)]
    if isinstance(part, list):
        return [ref for value in part for ref in _references(value)]
    return []
