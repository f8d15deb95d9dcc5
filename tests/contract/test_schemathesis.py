"""Schemathesis on all four documents: whatever is sent, a documented answer comes back, and never a fault."""

import json
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from careloop.documents.openapi import compose_all

EXAMPLES = 8
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
DOCUMENTS = {name: service.app.openapi() for name, service in compose_all().items()}


@schemathesis.serializer("application/x-ndjson", "text/csv")
def lines(context: Any, value: Any) -> bytes:
    """What is generated for an import is sent as it is, or as one JSON value a line."""
    if isinstance(value, bytes | str):
        return value if isinstance(value, bytes) else value.encode(errors="ignore")
    rows = value if isinstance(value, list) else [value]
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def send(case: Any, live_suite: Any) -> None:
    headers = {"Authorization": f"Bearer {live_suite.token('admin')}"}
    case.call_and_validate(base_url=live_suite.url, headers=headers, checks=CHECKS)


ticketing = schemathesis.openapi.from_dict(DOCUMENTS["ticketing"])
sla = schemathesis.openapi.from_dict(DOCUMENTS["sla"])
valuation = schemathesis.openapi.from_dict(DOCUMENTS["valuation"])
complaints = schemathesis.openapi.from_dict(DOCUMENTS["complaints"])


@ticketing.parametrize()
@fuzzed
def test_ticketing_answers_as_documented(case: Any, live_suite: Any) -> None:
    send(case, live_suite)


@sla.parametrize()
@fuzzed
def test_sla_answers_as_documented(case: Any, live_suite: Any) -> None:
    send(case, live_suite)


@valuation.parametrize()
@fuzzed
def test_valuation_answers_as_documented(case: Any, live_suite: Any) -> None:
    send(case, live_suite)


@complaints.parametrize()
@fuzzed
def test_complaints_answers_as_documented(case: Any, live_suite: Any) -> None:
    send(case, live_suite)
