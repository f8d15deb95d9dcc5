"""What every answer of every service has: ids, safe headers, one quiet log line, health."""

import io
import json
from typing import Any
from uuid import UUID

import httpx
import pytest

from shared.db.migrations import History
from shared.kernel.errors import UnavailableError
from shared.testing.tokens import TestIssuer
from shared.web.rate_limits import Rate, RateLimits

NOTES = "/notes/v1/notes"


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


async def test_a_sane_request_id_is_kept_and_another_replaced(client: httpx.AsyncClient) -> None:
    kept = await client.get(NOTES, headers={"X-Request-Id": "phone-7.a_b"})
    assert kept.headers["x-request-id"] == "phone-7.a_b"
    for odd in ("two words", "x" * 129, 'quote"', "line\tbreak", ""):
        made = (await client.get(NOTES, headers={"X-Request-Id": odd})).headers["x-request-id"]
        assert made != odd
        UUID(made)


@pytest.mark.parametrize(
    "traceparent",
    [
        "nonsense",
        "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01",
    ],
)
async def test_a_broken_trace_starts_a_new_one(
    traceparent: str, client: httpx.AsyncClient, gate: Any
) -> None:
    answer = await client.post(NOTES, json={"text": "x"}, headers={"traceparent": traceparent})
    assert answer.status_code == 201
    assert gate.origins[0].traceparent != traceparent
    assert gate.origins[0].traceparent.split("-")[1] == gate.origins[0].correlation_id.hex


async def test_answers_carry_headers_that_keep_browsers_and_caches_from_harm(
    client: httpx.AsyncClient,
) -> None:
    for answer in (await client.get(NOTES), await client.get("/nothing"), await client.get("/healthz")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"


async def test_one_log_line_a_request_without_token_path_or_query(
    client: httpx.AsyncClient, log: io.StringIO
) -> None:
    await client.get(f"{NOTES}/{UUID(int=5)}", params={"name": "Ms Smith"})
    assert len(lines(log)) == 1
    line = lines(log)[0]
    assert line["event"] == "request"
    assert (line["method"], line["route"], line["status"]) == ("GET", "/notes/v1/notes/{note_id}", 404)
    assert line["role"] == "admin"
    assert {
        "timestamp",
        "level",
        "service",
        "request_id",
        "correlation_id",
        "trace_id",
        "milliseconds",
    } <= line.keys()
    text = log.getvalue()
    assert client.headers["authorization"].partition(" ")[2] not in text
    assert "Smith" not in text
    assert str(UUID(int=5)) not in text


async def test_probes_are_not_logged(client: httpx.AsyncClient, log: io.StringIO) -> None:
    for path in ("/healthz", "/metrics"):
        assert (await client.get(path)).status_code == 200
    assert lines(log) == []


async def test_a_fault_is_logged_with_its_place_and_the_ids_of_the_request(
    client: httpx.AsyncClient, log: io.StringIO
) -> None:
    answer = await client.get("/notes/v1/broken")
    fault = next(line for line in lines(log) if line["event"] == "request_failed")
    assert fault["request_id"] == answer.headers["x-request-id"]
    assert "RuntimeError" in fault["exception"]
    assert "break_down" in fault["exception"]


async def test_ready_needs_no_broker_and_no_token(make_client: Any) -> None:
    client = make_client(None)
    assert (await client.get("/healthz")).json() == {"status": "alive"}
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "checks": {"database": "ok"}})


async def test_not_ready_without_its_database_or_a_part_it_needs(
    make_client: Any, make_app: Any, database: Any
) -> None:
    async def broker() -> None:
        raise UnavailableError("the broker does not answer")

    answer = await make_client(None, of=make_app(checks={"broker": broker})).get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "ok", "broker": "the broker does not answer"}
    await database.close()
    assert (await make_client(None).get("/readyz")).status_code == 503
    assert (await make_client(None).get("/healthz")).status_code == 200


async def test_not_ready_on_a_database_that_is_not_at_head(
    make_client: Any, make_app: Any, tmp_path: Any
) -> None:
    class Newer(History):
        def head(self) -> str:
            return "0042"

    import sqlalchemy as sa

    answer = await make_client(None, of=make_app(history=Newer("notes", sa.MetaData()))).get("/readyz")
    assert answer.status_code == 503
    assert "careloop migrate notes" in answer.json()["checks"]["database"]


async def test_metrics_count_by_route_not_by_path(client: httpx.AsyncClient) -> None:
    for number in range(3):
        await client.get(f"{NOTES}/{UUID(int=number)}")
        await client.get(f"/scan/{number}")
    text = (await client.get("/metrics")).text
    assert 'route="/notes/v1/notes/{note_id}",service="notes",status="404"' in text
    assert 'route="(none)"' in text
    assert "/scan/" not in text


async def test_rate_limits_say_what_is_left_and_when_to_come_back(make_app: Any, make_client: Any) -> None:
    limits = RateLimits(per_principal=Rate(2, 60), per_address=Rate(100, 60))
    app = make_app(limits=limits)
    anna, ben = make_client("agent", "anna", of=app), make_client("agent", "ben", of=app)
    first = await anna.get(NOTES)
    assert first.headers["ratelimit-policy"] == '"address";q=100;w=60, "principal";q=2;w=60'
    assert '"principal";r=1;t=30' in first.headers["ratelimit"]
    assert (await anna.get(NOTES)).status_code == 200
    refused = await anna.get(NOTES)
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert int(refused.headers["retry-after"]) == 30
    assert refused.json()["code"] == "rate_limited"
    assert (await ben.get(NOTES)).status_code == 200


async def test_an_address_is_limited_before_its_tokens_are_looked_at(make_app: Any, make_client: Any) -> None:
    app = make_app(limits=RateLimits(per_principal=None, per_address=Rate(2, 60)))
    stranger = make_client(None, of=app)
    statuses = [(await stranger.get(NOTES)).status_code for _ in range(3)]
    assert statuses == [401, 401, 429]


async def test_the_document_says_what_the_edge_does(
    app: Any, client: httpx.AsyncClient, issuer: TestIssuer
) -> None:
    document = (await client.get("/notes/v1/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    change = document["paths"]["/notes/v1/notes/{note_id}"]["put"]
    assert change["operationId"] == "change_note"
    assert change["security"] == [{"bearer": []}]
    assert change["x-roles"] == ["admin", "agent"]
    assert {"400", "401", "403", "404", "409", "412", "413", "415", "422", "428", "429"} <= change[
        "responses"
    ].keys()
    assert {"$ref": "#/components/parameters/IfMatch"} in change["parameters"]
    assert {"$ref": "#/components/parameters/IdempotencyKey"} in change["parameters"]
    add = document["paths"]["/notes/v1/notes"]["post"]
    assert "428" not in add["responses"]
    assert add["responses"]["201"]["headers"].keys() >= {"ETag", "Location"}
    listed = document["paths"]["/notes/v1/notes"]["get"]
    assert "Link" in listed["responses"]["200"]["headers"]
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for reference in references(document):
        section, _, name = reference.removeprefix("#/components/").partition("/")
        assert name in document["components"][section], reference


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [one for inner in value.values() for one in references(inner)]
    if isinstance(value, list):
        return [one for inner in value for one in references(inner)]
    return []


async def test_every_body_has_an_example_that_its_model_accepts(client: httpx.AsyncClient) -> None:
    document = (await client.get("/notes/v1/openapi.json")).json()
    content = document["paths"]["/notes/v1/notes"]["post"]["requestBody"]["content"]["application/json"]
    assert content["example"]["text"]
    assert (await client.post(NOTES, json=content["example"])).status_code == 201
    for path in document["paths"].values():
        for operation in path.values():
            for status, answer in operation["responses"].items():
                if status in ("200", "201"):
                    assert "example" in answer["content"]["application/json"], operation["operationId"]
