"""Whatever goes wrong, the caller gets a problem that names it, and nothing of our insides."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

NOTES = "/notes/v1/notes"


def checked(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["code"] == code
    assert problem["type"] == f"urn:careloop:problem:{code}"
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"] == answer.request.url.path
    assert problem["request_id"] == answer.headers["x-request-id"]
    return problem


async def test_400_for_a_body_that_breaks_off(make_client: Any) -> None:
    async def broken() -> Any:
        yield b'{"text": '
        raise OSError("cable cut")

    answer = await make_client().post(NOTES, content=broken(), headers={"Content-Type": "application/json"})
    checked(answer, 400, "malformed_request")


async def test_401(make_client: Any) -> None:
    answer = await make_client(None).get(NOTES)
    checked(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == 'Bearer realm="careloop"'


async def test_403(make_client: Any) -> None:
    problem = checked(await make_client("quality").post(NOTES, json={"text": "x"}), 403, "permission_denied")
    assert "quality" in problem["detail"]


async def test_404_of_a_path_and_of_a_resource(client: httpx.AsyncClient) -> None:
    for path in ("/", "/nothing", "/notes/v1/nothing", "/notes/v2/notes", f"{NOTES}/"):
        checked(await client.get(path), 404, "path_not_found")
    checked(await client.get(f"{NOTES}/{uuid4()}"), 404, "not_found")


async def test_405_lists_the_methods_there_are(client: httpx.AsyncClient) -> None:
    answer = await client.patch(NOTES)
    checked(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, POST"
    one = await client.post(f"{NOTES}/{uuid4()}")
    assert one.headers["allow"] == "DELETE, GET, PUT"
    assert (await client.post("/healthz")).status_code == 405


async def test_413_by_length_and_by_what_really_comes(make_app: Any, make_client: Any) -> None:
    client = make_client("admin", of=make_app(body_limit_bytes=2_048))
    problem = checked(await client.post(NOTES, content=b"x" * 2_049), 413, "request_too_large")
    assert problem["limit_bytes"] == 2_048

    async def chunks() -> Any:
        for _ in range(9):
            yield b" " * 256

    answer = await client.post(NOTES, content=chunks(), headers={"Content-Type": "application/json"})
    checked(answer, 413, "request_too_large")
    lied = await client.post(NOTES, content=b"x" * 4_096, headers={"Content-Length": "10"})
    assert lied.status_code in (413, 422, 415)
    assert (await client.post(NOTES, json={"text": "x" * 200})).status_code == 201


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""]
)
async def test_415(media_type: str, client: httpx.AsyncClient) -> None:
    answer = await client.post(NOTES, content=b'{"text": "x"}', headers={"Content-Type": media_type})
    checked(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        ({}, "text", "missing"),
        ({"text": ""}, "text", "string_too_short"),
        ({"text": 7}, "text", "string_type"),
        ({"text": "x", "colour": "red"}, "colour", "extra_forbidden"),
        ({"text": "x", "due_at": "2026-01-01T00:00:00"}, "due_at", "timezone_aware"),
        ({"text": "x", "due_at": "0001-01-01T00:00:00+14:00"}, "due_at", "value_error"),
        ({"text": "x", "tags": [1, "two"]}, "tags[1]", "int_parsing"),
        ([], "body", "model_type"),
        (None, "body", "missing"),
    ],
)
async def test_422_names_field_and_rule(
    body: Any, field: str, rule: str, client: httpx.AsyncClient, count: Any
) -> None:
    problem = checked(await client.post(NOTES, json=body), 422, "invalid_input")
    assert (problem["errors"][0]["field"], problem["errors"][0]["rule"]) == (field, rule)
    assert problem["errors"][0]["message"]
    assert await count() == 0


@pytest.mark.parametrize(
    "body", [b"{", b"", b'{"text": "\\ud800"}', b"\xff", b"[" * 100_000, b'{"text": NaN}', b"{'text': 1}"]
)
async def test_422_for_what_is_no_json(body: bytes, client: httpx.AsyncClient) -> None:
    answer = await client.post(NOTES, content=body, headers={"Content-Type": "application/json"})
    assert checked(answer, 422, "invalid_input")["errors"]


async def test_422_names_parameters_too(client: httpx.AsyncClient) -> None:
    path = checked(await client.get(f"{NOTES}/seven"), 422, "invalid_input")
    assert path["errors"][0]["field"] == "note_id"
    query = checked(await client.get(NOTES, params={"limit": "1000"}), 422, "invalid_input")
    assert (query["errors"][0]["field"], query["errors"][0]["rule"]) == ("limit", "less_than_equal")


async def test_422_for_the_character_that_the_database_cannot_hold(
    client: httpx.AsyncClient, count: Any
) -> None:
    problem = checked(await client.post(NOTES, json={"text": "a\0b"}), 422, "invalid_text")
    assert problem["errors"] == [
        {"field": "text", "rule": "no_nul", "message": "text may not hold the character U+0000"}
    ]
    query = checked(await client.get(NOTES, params={"word": "\0"}), 422, "invalid_text")
    assert query["errors"][0]["field"] == "word"
    assert await count() == 0


async def test_500_says_nothing_of_our_insides(client: httpx.AsyncClient) -> None:
    answer = await client.get("/notes/v1/broken")
    checked(answer, 500, "internal")
    assert "secret" not in answer.text
    assert "Runtime" not in answer.text


async def test_503_when_the_database_is_away(client: httpx.AsyncClient, database: Any) -> None:
    await database.close()
    answer = await client.get(NOTES)
    checked(answer, 503, "database_unavailable")
    assert answer.headers["retry-after"] == "1"
