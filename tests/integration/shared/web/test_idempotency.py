"""A write that is sent again has no second effect, whatever happens in between."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from shared.db.database import Database
from shared.web.idempotency import IdempotencyKeyPurge, Key

KEY = {"Idempotency-Key": "first"}
NOTE = {"text": "call back"}


async def test_the_same_request_again_gets_the_same_answer_and_no_second_effect(
    client: httpx.AsyncClient, count: Any
) -> None:
    first = await client.post("/notes/v1/notes", json=NOTE, headers=KEY)
    again = await client.post("/notes/v1/notes", json=NOTE, headers=KEY)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    for name in ("etag", "location", "content-type"):
        assert first.headers[name] == again.headers[name]
    assert first.headers["x-request-id"] != again.headers["x-request-id"]
    assert await count() == 1


async def test_an_answer_without_body_is_repeated_too(client: httpx.AsyncClient) -> None:
    made = await client.post("/notes/v1/notes", json=NOTE)
    first = await client.delete(made.headers["location"], headers=KEY)
    again = await client.delete(made.headers["location"], headers=KEY)
    assert (first.status_code, first.content) == (again.status_code, again.content) == (204, b"")


async def test_another_body_or_query_under_the_same_key_is_refused(
    client: httpx.AsyncClient, count: Any
) -> None:
    await client.post("/notes/v1/notes", json=NOTE, headers=KEY)
    for path, body in (("/notes/v1/notes", {"text": "other"}), ("/notes/v1/notes?a=1", NOTE)):
        refused = await client.post(path, json=body, headers=KEY)
        assert refused.status_code == 422
        assert refused.json()["code"] == "idempotency_key_reused"
    assert await count() == 1


async def test_a_key_belongs_to_its_principal_method_and_path(make_client: Any, count: Any) -> None:
    anna, ben = make_client("admin", "anna"), make_client("admin", "ben")
    hers = await anna.post("/notes/v1/notes", json=NOTE, headers=KEY)
    his = await ben.post("/notes/v1/notes", json=NOTE, headers=KEY)
    assert hers.json()["id"] != his.json()["id"]
    removed = await anna.delete(hers.headers["location"], headers=KEY)
    assert removed.status_code == 204
    assert await count() == 1


async def test_while_the_first_is_worked_on_the_second_is_told_so_at_once(
    client: httpx.AsyncClient, gate: Any, count: Any
) -> None:
    gate.holds = True
    first = asyncio.create_task(client.post("/notes/v1/notes", json=NOTE, headers=KEY))
    await gate.entered.wait()
    second = await client.post("/notes/v1/notes", json=NOTE, headers=KEY)
    assert second.status_code == 409
    assert second.json()["code"] == "idempotent_request_in_flight"
    assert second.headers["retry-after"] == "1"
    gate.opened.set()
    assert (await first).status_code == 201
    third = await client.post("/notes/v1/notes", json=NOTE, headers=KEY)
    assert third.content == (await first).content
    assert await count() == 1


async def test_of_many_at_once_one_takes_effect(client: httpx.AsyncClient, count: Any) -> None:
    answers = await asyncio.gather(
        *(client.post("/notes/v1/notes", json=NOTE, headers=KEY) for _ in range(24))
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert await count() == 1


async def test_what_failed_changed_nothing_and_is_done_anew_by_a_retry(
    client: httpx.AsyncClient, gate: Any, count: Any
) -> None:
    for attempts in (1, 2):
        refused = await client.post("/notes/v1/notes", json={"text": "refused"}, headers=KEY)
        assert refused.status_code == 404
        assert gate.attempts == attempts
    assert await count() == 0
    assert (await client.post("/notes/v1/notes", json=NOTE, headers=KEY)).status_code == 201


async def test_a_repeated_change_gets_its_answer_although_its_version_is_stale_by_then(
    client: httpx.AsyncClient,
) -> None:
    made = await client.post("/notes/v1/notes", json=NOTE)
    headers = {**KEY, "If-Match": made.headers["etag"]}
    first = await client.put(made.headers["location"], json={"text": "done"}, headers=headers)
    again = await client.put(made.headers["location"], json={"text": "done"}, headers=headers)
    assert first.status_code == again.status_code == 200
    assert first.content == again.content


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "schlüssel".encode().decode("latin-1")])
async def test_a_key_is_short_and_visible(client: httpx.AsyncClient, key: str, count: Any) -> None:
    refused = await client.post(
        "/notes/v1/notes", json=NOTE, headers={"Idempotency-Key": key.encode("latin-1")}
    )
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "Idempotency-Key"
    assert await count() == 0


async def test_a_key_older_than_a_day_is_forgotten_even_before_the_purge(
    client: httpx.AsyncClient, database: Database, count: Any
) -> None:
    first = await client.post("/notes/v1/notes", json=NOTE, headers=KEY)
    await age(database, "25 hours")
    second = await client.post("/notes/v1/notes", json=NOTE, headers=KEY)
    assert second.status_code == 201
    assert second.json()["id"] != first.json()["id"]
    third = await client.post("/notes/v1/notes", json=NOTE, headers=KEY)
    assert third.content == second.content
    assert await count() == 2


async def test_the_purge_removes_old_keys_only(client: httpx.AsyncClient, database: Database) -> None:
    await client.post("/notes/v1/notes", json=NOTE, headers={"Idempotency-Key": "old"})
    await age(database, "25 hours")
    await client.post("/notes/v1/notes", json=NOTE, headers={"Idempotency-Key": "new"})
    purge = IdempotencyKeyPurge(database)
    assert await purge.run_once() == 1
    assert await purge.run_once() == 0
    async with database.session() as session:
        assert await session.connection.fetchval("SELECT count(*) FROM idempotency_keys") == 1


async def age(database: Database, by: str) -> None:
    async with database.session() as session:
        await session.connection.execute(
            f"UPDATE idempotency_keys SET expires_at = expires_at - interval '{by}'"
        )


async def test_a_key_stored_between_look_and_insert_is_answered_from_the_store(
    client: httpx.AsyncClient, database: Database, gate: Any, count: Any
) -> None:
    body = json.dumps(NOTE).encode()
    key = Key.of(
        b"first",
        principal="admin:admin-1",
        method="POST",
        path="/notes/v1/notes",
        query=b"",
        body=body,
        operation_id="add_note",
    )
    gate.holds = True
    late = asyncio.create_task(
        client.post("/notes/v1/notes", content=body, headers={**KEY, "Content-Type": "application/json"})
    )
    await gate.entered.wait()
    async with database.session() as session:
        await session.connection.execute(
            "INSERT INTO idempotency_keys VALUES ($1, $2, 'add_note', 201, '{}', $3, now() + interval '1 day')",
            key.digest,
            key.fingerprint,
            b'{"id": "of the other one"}',
        )
    gate.opened.set()
    assert (await late).json() == {"id": "of the other one"}
    assert await count() == 0
