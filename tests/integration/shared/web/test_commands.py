"""Changes: preconditions, lost races, and where a command comes from."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

NOTE = {"text": "call back"}


async def add(client: httpx.AsyncClient) -> httpx.Response:
    made = await client.post("/notes/v1/notes", json=NOTE)
    assert made.status_code == 201
    return made


async def test_an_answer_has_location_and_etag_of_what_was_made(client: httpx.AsyncClient) -> None:
    made = await add(client)
    read = await client.get(made.headers["location"])
    assert read.headers["etag"] == made.headers["etag"]
    assert read.headers["etag"].startswith('"1-')
    assert read.json() == made.json()


async def test_a_change_needs_the_etag_last_read(client: httpx.AsyncClient) -> None:
    made = await add(client)
    refused = await client.put(made.headers["location"], json={"text": "x"})
    assert refused.status_code == 428
    assert refused.json()["code"] == "precondition_required"


@pytest.mark.parametrize("etag", ['"1"', None])
async def test_a_change_with_the_current_etag_or_version_makes_the_next_version(
    client: httpx.AsyncClient, etag: str | None
) -> None:
    made = await add(client)
    changed = await client.put(
        made.headers["location"], json={"text": "x"}, headers={"If-Match": etag or made.headers["etag"]}
    )
    assert changed.status_code == 200
    assert changed.json()["version"] == 2
    assert changed.headers["etag"].startswith('"2-')


@pytest.mark.parametrize("etag", ['"7"', 'W/"1"', '"something else"', '"1", "2"'])
async def test_another_etag_is_refused_and_changes_nothing(client: httpx.AsyncClient, etag: str) -> None:
    made = await add(client)
    refused = await client.put(made.headers["location"], json={"text": "x"}, headers={"If-Match": etag})
    assert refused.status_code in (412, 422)
    assert (await client.get(made.headers["location"])).json() == made.json()


@pytest.mark.parametrize("etag", ["1", "*", "", "W/1"])
async def test_what_is_no_etag_is_named(client: httpx.AsyncClient, etag: str) -> None:
    made = await add(client)
    refused = await client.put(made.headers["location"], json={"text": "x"}, headers={"If-Match": etag})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "If-Match"


async def test_of_two_changes_to_one_version_one_is_refused(client: httpx.AsyncClient) -> None:
    made = await add(client)
    answers = await asyncio.gather(
        *(
            client.put(made.headers["location"], json={"text": text}, headers={"If-Match": '"1"'})
            for text in ("a", "b")
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]


async def test_a_deadlock_is_tried_again_until_both_are_done(client: httpx.AsyncClient, gate: Any) -> None:
    one, two = (await add(client)).json()["id"], (await add(client)).json()["id"]
    gate.meeting, gate.attempts = asyncio.Barrier(2), 0
    answers = await asyncio.gather(
        client.post(f"/notes/v1/notes/{one}/touch", params={"other_id": two}),
        client.post(f"/notes/v1/notes/{two}/touch", params={"other_id": one}),
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    # PostgreSQL ends one of the two; when both have waited long enough at the same moment, both.
    assert gate.attempts in (3, 4)


async def test_unchanged_is_not_sent_again(client: httpx.AsyncClient) -> None:
    made = await add(client)
    fresh = await client.get(made.headers["location"], headers={"If-None-Match": made.headers["etag"]})
    assert (fresh.status_code, fresh.content) == (304, b"")
    assert fresh.headers["etag"] == made.headers["etag"]
    changed = await client.get(made.headers["location"], headers={"If-None-Match": '"1-00000000"'})
    assert changed.status_code == 200


async def test_a_command_follows_from_its_request(client: httpx.AsyncClient, gate: Any) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    await client.post(
        "/notes/v1/notes", json=NOTE, headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    )
    origin = gate.origins[0]
    assert origin.correlation_id == UUID(trace)
    assert origin.traceparent.startswith(f"00-{trace}-")
    assert "00f067aa0ba902b7" not in origin.traceparent
    correlation = UUID(int=7)
    await client.post("/notes/v1/notes", json=NOTE, headers={"X-Correlation-Id": str(correlation)})
    assert gate.origins[1].correlation_id == correlation


async def test_a_write_records_who_did_it(make_client: Any) -> None:
    made = await add(make_client("agent", "anna"))
    assert made.json()["actor"] == "agent:anna"
