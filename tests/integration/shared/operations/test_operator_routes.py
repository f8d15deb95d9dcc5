"""What operators see and do over HTTP: dead letters of a service, and how its events flow."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio

from shared.db.database import Database
from shared.db.migrations import frozen_sql
from shared.events.dead_letters import DeadLetters
from shared.kernel.clock import SystemClock
from shared.kernel.ids import new_id
from shared.operations.operator_routes import OPERATOR_PERMISSIONS, operator_routes
from shared.testing.plugin import MakeDatabase
from shared.testing.tokens import AUDIENCE, ISSUER, TestIssuer
from shared.web.app import create_app
from shared.web.authentication import TokenVerifier
from shared.web.keys import key_source

LETTERS = "/small/v1/dead-letters"


@pytest_asyncio.fixture
async def database(make_database: MakeDatabase) -> AsyncIterator[Database]:
    url = await make_database(None)
    connection = await asyncpg.connect(url)
    try:
        for package in ("shared.web", "shared.events"):
            await connection.execute(frozen_sql(package, "0001"))
    finally:
        await connection.close()
    database = Database(url, clock=SystemClock(), name="small")
    await database.open()
    yield database
    await database.close()


@pytest_asyncio.fixture
async def client(database: Database, issuer: TestIssuer) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(
        "small",
        title="Small",
        summary="Nothing but operations",
        version="1",
        routers=[operator_routes(DeadLetters(database, None))],
        permissions=OPERATOR_PERMISSIONS,
        database=database,
        verifier=TokenVerifier(issuer=ISSUER, audience=AUDIENCE, keys=key_source(str(issuer.jwks_path))),
    )
    headers = issuer.headers("supervisor", "olga")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://small", headers=headers
    ) as client:
        yield client


async def bury(database: Database, direction: str = "inbound", value: bytes = b'{"a": 1}') -> UUID:
    letter_id = new_id()
    async with database.session() as session:
        await session.connection.execute(
            "INSERT INTO dead_letters VALUES ($1, $2, 'small', 'k', $1, 'a.b.v1', 'a.events', 0, 7, $3, $4,"
            " 'broken', 'it broke', 'open', 1, now())",
            letter_id,
            direction,
            {"ce_id": str(letter_id)},
            value,
        )
    return letter_id


async def test_letters_are_listed_in_pages_and_shown_with_their_event(
    client: httpx.AsyncClient, database: Database
) -> None:
    ids = [str(await bury(database)) for _ in range(3)]
    first = await client.get(LETTERS, params={"limit": 2})
    second = await client.get(first.links["next"]["url"])
    listed = [item["id"] for page in (first, second) for item in page.json()["items"]]
    assert listed == ids
    assert "payload" not in first.json()["items"][0]
    shown = (await client.get(f"{LETTERS}/{ids[0]}")).json()
    assert shown["payload"] == {"a": 1}
    assert shown["headers"] == {"ce_id": ids[0]}
    assert (shown["state"], shown["attempts"], shown["error_code"]) == ("open", 1, "broken")


async def test_what_is_no_json_is_shown_as_text(client: httpx.AsyncClient, database: Database) -> None:
    letter_id = await bury(database, value=b"\xffnot json")
    assert (await client.get(f"{LETTERS}/{letter_id}")).json()["payload"] == "\ufffdnot json"


async def test_a_discarded_letter_is_resolved_by_name_and_only_once(
    client: httpx.AsyncClient, database: Database
) -> None:
    letter_id = await bury(database)
    done = await client.post(f"{LETTERS}/{letter_id}/discard")
    assert done.status_code == 200
    assert done.json()["dead_letter"]["resolved_by"] == "supervisor:olga"
    again = await client.post(f"{LETTERS}/{letter_id}/discard")
    assert (again.status_code, again.json()["code"]) == (409, "dead_letter_resolved")
    assert (await client.get(LETTERS)).json()["items"] == []
    assert len((await client.get(LETTERS, params={"state": "discarded"})).json()["items"]) == 1


async def test_what_cannot_be_replayed_here_says_so_and_stays_open(
    client: httpx.AsyncClient, database: Database
) -> None:
    letter_id = await bury(database)
    refused = await client.post(f"{LETTERS}/{letter_id}/replay")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_consumed_here")
    assert (await client.get(f"{LETTERS}/{letter_id}")).json()["state"] == "open"


async def test_unknown_letters_and_states_are_named(client: httpx.AsyncClient) -> None:
    for method, path in (("GET", ""), ("POST", "/replay"), ("POST", "/discard")):
        answer = await client.request(method, f"{LETTERS}/{new_id()}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "dead_letter_not_found")
    odd = await client.get(LETTERS, params={"state": "lost"})
    assert (odd.status_code, odd.json()["errors"][0]["field"]) == (422, "state")


@pytest.mark.parametrize("role", ["agent", "quality"])
async def test_only_operators_come_in(role: str, client: httpx.AsyncClient, issuer: TestIssuer) -> None:
    for path in (LETTERS, "/small/v1/event-flow"):
        assert (await client.get(path, headers=issuer.headers(role))).status_code == 403


async def test_the_flow_counts_what_waits_and_what_is_held(
    client: httpx.AsyncClient, database: Database
) -> None:
    assert flow(await client.get("/small/v1/event-flow"))["waiting"] == 0
    await bury(database)
    await bury(database, "outbound")
    event_id = new_id()
    async with database.session() as session:
        await session.connection.execute(
            "INSERT INTO outbox (event_id, shard, key, sequence, type, occurred_at, correlation_id, depth, payload)"
            " VALUES ($1, 0, $1, 1, 'small.told.v1', '2026-03-02T01:00:00Z', $1, 0, $2)",
            event_id,
            json.dumps({}),
        )
    told = flow(await client.get("/small/v1/event-flow"))
    assert (told["waiting"], told["oldest_event_id"]) == (1, str(event_id))
    assert told["oldest_occurred_at"] == "2026-03-02T01:00:00Z"
    assert (told["dead_letters_inbound"], told["dead_letters_outbound"]) == (1, 1)


def flow(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200
    content: dict[str, Any] = answer.json()
    return content
