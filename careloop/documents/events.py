"""The event catalogue: AsyncAPI 3 for machines, a page an event for people."""

import json
from collections.abc import Mapping
from typing import Any

from careloop.documents.examples import example
from careloop.registry import OUTSIDE_PRODUCERS
from shared.contracts.base import Contract, all_contracts

EXTENSIONS = {
    "ce_specversion": "CloudEvents version, `1.0`",
    "ce_id": "event id (UUIDv7); the same id is the same event, however often it arrives",
    "ce_source": "`/careloop/<service>`",
    "ce_type": "the type below",
    "ce_subject": "the key: what the event is about",
    "ce_time": "when it happened (RFC 3339, UTC)",
    "ce_sequence": "counts the events of one key from 1; tells order where arrival does not",
    "ce_correlationid": "shared by all that one outside request set off",
    "ce_causationid": "the event that directly caused this one, if any",
    "ce_traceparent": "W3C trace context",
}

KEYS = {
    "sla": "subject id (digests: the target's, availability: the objective's)",
    "ticketing": "ticket id",
    "valuation": "customer id",
    "complaints": "complaint id",
    "billing": "any UUID that stays the same for all transactions of one customer",
}


def catalogue_files(consumers: Mapping[str, list[str]]) -> dict[str, str]:
    """Path below docs/ → text, for every page and the AsyncAPI document.

    `consumers` tells for each event type which services of the suite subscribe to it.
    """
    contracts = list(all_contracts())
    files = {f"events/{contract.TYPE}.md": _page(contract, consumers) for contract in contracts}
    files["events/README.md"] = _index(contracts, consumers)
    files["events/asyncapi.json"] = json.dumps(asyncapi(contracts), indent=2, ensure_ascii=False) + "\n"
    return files


def schema_of(contract: type[Contract]) -> dict[str, Any]:
    """The payload's JSON schema, as a producer writes it."""
    return contract.model_json_schema(mode="serialization")


def asyncapi(contracts: list[type[Contract]]) -> dict[str, Any]:
    """AsyncAPI 3.0: one channel a producing service, one message an event type."""
    producers = sorted({contract.producer() for contract in contracts})
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "careloop events",
            "version": "1.0.0",
            "description": "CloudEvents 1.0 in binary mode on Apache Kafka. Delivered at least once, in order for "
            "each key. Additive changes only; a breaking change is a new version beside the old one.",
        },
        "defaultContentType": "application/json",
        "channels": {
            producer: {
                "address": f"{producer}.events",
                "description": f"Key: {KEYS[producer]}.",
                "messages": {
                    contract.__name__: {"$ref": f"#/components/messages/{contract.__name__}"}
                    for contract in contracts
                    if contract.producer() == producer
                },
            }
            for producer in producers
        },
        "operations": {
            _operation(producer): {"action": _action(producer), "channel": {"$ref": f"#/channels/{producer}"}}
            for producer in producers
        },
        "components": {
            "messages": {contract.__name__: _message(contract) for contract in contracts},
            "schemas": {"CloudEventHeaders": _headers_schema()},
        },
    }


def _action(producer: str) -> str:
    """What the suite does on the producer's channel: others may publish what it only reads."""
    return "receive" if producer in OUTSIDE_PRODUCERS else "send"


def _operation(producer: str) -> str:
    return f"consume_{producer}" if producer in OUTSIDE_PRODUCERS else f"publish_{producer}"


def _message(contract: type[Contract]) -> dict[str, Any]:
    schema = schema_of(contract)
    return {
        "name": contract.TYPE,
        "title": contract.__name__,
        "summary": contract.description(),
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/CloudEventHeaders"},
        "payload": _inlined(schema, schema.get("$defs", {})),
        "examples": [{"payload": example(schema)}],
    }


def _headers_schema() -> dict[str, Any]:
    properties = {name: {"type": "string", "description": what} for name, what in EXTENSIONS.items()}
    return {"type": "object", "properties": properties, "required": list(EXTENSIONS)[:7]}


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inlined(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {key: _inlined(value, definitions) for key, value in schema.items() if key != "$defs"}


def _page(contract: type[Contract], consumers: Mapping[str, list[str]]) -> str:
    schema = schema_of(contract)
    required = set(schema.get("required", []))
    rows = "\n".join(
        f"| `{name}` | {_type_of(field)} | {'yes' if name in required else 'no'} |"
        for name, field in schema["properties"].items()
    )
    read_by = (
        ", ".join(consumers.get(contract.TYPE, [])) or "nobody in the suite; published for other systems"
    )
    return (
        f"# {contract.TYPE}\n\n{contract.description()}\n\n"
        f"Topic `{contract.producer()}.events`, key = {KEYS[contract.producer()]}. Read by: {read_by}.\n\n"
        f"| field | type | always there |\n| --- | --- | --- |\n{rows}\n\n"
        f"```json\n{json.dumps(example(schema), indent=2, ensure_ascii=False)}\n```\n"
    )


def _type_of(field: Mapping[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_type_of(choice) for choice in field["anyOf"])
    if "enum" in field:
        return "one of " + ", ".join(f"`{value}`" for value in field["enum"])
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if field.get("type") == "array":
        return f"list of {_type_of(field['items'])}"
    return str(field.get("format") or field.get("type", "any"))


def _index(contracts: list[type[Contract]], consumers: Mapping[str, list[str]]) -> str:
    lines = [
        "# Events",
        "",
        "Services meet only here. [asyncapi.json](asyncapi.json) is the same for machines.",
        "Headers of every message:",
        "",
        *(f"- `{name}`: {what}" for name, what in EXTENSIONS.items()),
    ]
    for producer in sorted({contract.producer() for contract in contracts}):
        lines += ["", f"## {producer}", "", "| event | what happened | read by |", "| --- | --- | --- |"]
        lines += [
            f"| [{contract.TYPE}]({contract.TYPE}.md) | {contract.description()} | "
            f"{', '.join(consumers.get(contract.TYPE, [])) or '–'} |"
            for contract in contracts
            if contract.producer() == producer
        ]
    return "\n".join(lines) + "\n"
