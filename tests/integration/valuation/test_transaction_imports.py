"""Imports: outcome by row, progress, repeats, bodies that break off, and workers that are killed."""

import asyncio
import os
import signal
import sys
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.valuation.domain.import_turns import LANES
from services.valuation.persistence import imports
from services.valuation.persistence.imports import Import
from services.valuation.usecases.book_import import book_import
from services.valuation.workers.imports import ImportLoop
from services.valuation.workers.rebuild import rebuild_all
from shared.db.work import Work
from shared.kernel.context import Actor

HEADER = "external_id,customer_external_id,occurred_at,amount_minor,kind,corrects_external_id\n"
CSV = {"Content-Type": "text/csv"}


def rows(count: int, customers: int = 7, prefix: str = "t") -> str:
    return HEADER + "".join(
        f"{prefix}{place},c{place % customers},2026-02-{1 + place % 28:02d},{100 + place},,\n"
        for place in range(count)
    )


async def send(client: Any, body: str, **query: Any) -> httpx.Response:
    answer: httpx.Response = await client.post(
        "/transaction-imports",
        content=body.encode(),
        headers=CSV,
        params={"register_customers": True, **query},
    )
    return answer


async def test_a_short_import_answers_with_its_outcome_row_by_row(house: Any) -> None:
    body = HEADER + (
        "r1,c1,2026-03-01,40,refund,t1\n"
        "t1,c1,2026-03-01,100,,\n"
        "t2,c2,2026-03-01,-5,,\n"
        "t1,c1,2026-03-01,100,,\n"
        "t1,c1,2026-03-01,999,,\n"
        "r2,c2,2026-03-01,5,refund,t1\n"
        "t3,c3,2026-03-01,7,,\n"
    )
    async with house.client("system", scopes="valuation:*") as client:
        done = await send(client, body)
        job = done.json()
        listed = await client.get(f"/transaction-imports/{job['id']}/rows", params={"outcome": "rejected"})
        polled = await client.get(done.headers["location"].removeprefix("/valuation/v1"))
    assert done.status_code == 200
    assert (job["state"], job["progress"]) == ("completed", 1.0)
    assert (job["rows_received"], job["accepted"], job["repeated"], job["rejected"]) == (7, 3, 1, 3)
    assert [(row["row_number"], row["code"]) for row in job["first_rejections"]] == [
        (3, "amount_out_of_range"),
        (5, "transaction_differs"),
        (6, "not_a_purchase"),
    ]
    assert listed.json()["items"] == job["first_rejections"]
    assert polled.json() == job
    assert await house.value("SELECT count(*) FROM import_rows") == 0
    assert await house.value("SELECT net_amount_minor FROM transactions WHERE external_id = 't1'") == 60


async def test_without_leave_to_register_unknown_customers_are_rejected_rows(house: Any) -> None:
    async with house.client() as client:
        await client.post("/customers", json={"external_id": "c1"})
        job = (await send(client, rows(14), register_customers=False)).json()
    assert (job["accepted"], job["rejected"]) == (2, 12)
    assert {row["code"] for row in job["first_rejections"]} == {"unknown_customer"}
    assert {row["field"] for row in job["first_rejections"]} == {"customer_external_id"}
    assert await house.value("SELECT count(*) FROM customers") == 1


async def test_sending_a_body_again_changes_nothing(house: Any) -> None:
    async with house.client() as client:
        first = (await send(client, rows(200))).json()
        before = await house.events()
        again = (await send(client, rows(200))).json()
    assert (first["accepted"], again["accepted"], again["repeated"]) == (200, 0, 200)
    assert await house.events() == before


async def test_a_long_import_is_accepted_polled_and_booked_by_the_worker(make_house: Any) -> None:
    house = await make_house(import_inline_rows=100, import_batch_rows=50)
    async with house.client() as client:
        house.loop(ImportLoop).wake.clear()
        accepted = await send(client, rows(230) + "bad,c1,never,5,,\n")
        assert house.loop(ImportLoop).wake.is_set
        path = accepted.headers["location"].removeprefix("/valuation/v1")
        await house.loop(ImportLoop).run_once()
        halfway = (await client.get(path)).json()
        await house.book_imports()
        done = (await client.get(path)).json()
    assert accepted.status_code == 202
    assert accepted.json()["state"] == "processing"
    assert halfway["accepted"] == 50
    assert halfway["progress"] == pytest.approx(51 / 231)
    assert (done["state"], done["accepted"], done["rejected"]) == ("completed", 230, 1)
    assert done["completed_at"] is not None


async def test_what_amends_a_purchase_may_come_long_before_it_in_the_body(make_house: Any) -> None:
    house = await make_house(import_inline_rows=0, import_batch_rows=50)
    async with house.client() as client:
        named = (await client.post("/customers", json={"external_id": "c3"})).json()["id"]
        body = "".join(f"r{place},c{place % 7},2026-03-01,1,refund,t{place}\n" for place in range(120))
        accepted = await send(client, HEADER + body + rows(200).removeprefix(HEADER))
        by_id = "external_id,customer_id,occurred_at,amount_minor,kind,corrects_external_id\n"
        await send(client, f"{by_id}late,{named},2026-03-01,3,refund,t3\n")
        await house.book_imports()
        done = (await client.get(accepted.headers["location"].removeprefix("/valuation/v1"))).json()
    assert (done["state"], done["accepted"], done["rejected"]) == ("completed", 320, 0)
    assert await house.value("SELECT sum(net_amount_minor) FROM transactions") == sum(range(100, 300)) - 123
    report = await rebuild_all(house.service.database, house.valuation, check=True)
    assert (report.different, report.transactions) == (0, 321)


async def test_two_lanes_share_the_purchases_of_an_import(make_house: Any) -> None:
    house = await make_house(import_inline_rows=0, import_batch_rows=50)
    actor = Actor("system", "test")

    async def book(lane: int | None) -> Import | None:
        job: Import | None = await house.service.database.run(
            lambda work: book_import(work, house.valuation, lane=lane), actor=actor
        )
        return job

    async def hold_the_first(work: Work) -> None:
        assert await imports.claim(work, None, 0) is not None
        assert await book(0) is None
        assert await book(None) is None

    async with house.client() as client:
        await send(client, rows(400, customers=30) + "r1,c1,2026-03-01,1,refund,t1\n")
    await house.service.database.run(hold_the_first, actor=actor)
    assert all(await asyncio.gather(*map(book, range(LANES))))
    for lane in range(LANES):
        while await book(lane) is not None:
            pass
    assert await house.value("SELECT count(*) FROM transactions") == 400
    assert await house.value("SELECT array_agg(kind) FROM import_rows") == ["refund"]
    last = await book(None)
    assert last is not None
    assert (last.state, last.rows_processed, last.accepted) == ("completed", 401, 401)


async def test_events_of_an_import_are_gapless_for_each_customer(house: Any) -> None:
    async with house.client() as client:
        await send(client, rows(100, customers=5))
    by_key: dict[Any, list[int]] = {}
    for event in await house.events():
        by_key.setdefault(event["key"], []).append(event["sequence"])
    assert len(by_key) == 5
    assert all(found == list(range(1, len(found) + 1)) for found in by_key.values())


async def test_a_body_that_breaks_off_books_nothing_and_can_be_sent_again(house: Any) -> None:
    messages = iter(
        [
            {"type": "http.request", "body": rows(2500).encode(), "more_body": True},
            {"type": "http.disconnect"},
        ]
    )
    answered: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return next(messages)

    async def send_answer(message: dict[str, Any]) -> None:
        answered.append(message)

    token = house.issuer.token("admin")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": f"{house.base}/transaction-imports",
        "raw_path": f"{house.base}/transaction-imports".encode(),
        "query_string": b"register_customers=true",
        "headers": [(b"authorization", f"Bearer {token}".encode()), (b"content-type", b"text/csv")],
        "client": ("127.0.0.1", 1),
        "server": ("valuation", 80),
    }
    await house.service.app(scope, receive, send_answer)
    assert answered[0]["status"] == 400
    assert b"import_interrupted" in answered[1]["body"]
    assert await house.value("SELECT count(*) FROM transactions") == 0
    assert await house.value("SELECT count(*) FROM import_rows") == 0
    assert await house.value("SELECT state FROM transaction_imports") == "abandoned"
    async with house.client() as client:
        again = await send(client, rows(20))
    assert again.json()["accepted"] == 20


async def test_an_import_whose_receiver_died_is_given_up_after_the_silence(make_house: Any) -> None:
    house = await make_house(import_receiving_seconds=60)
    async with house.client() as client:
        job = (await send(client, rows(3))).json()
        async with house.service.database.transaction() as transaction:
            await transaction.connection.execute("UPDATE transaction_imports SET state = 'receiving'")
        assert await house.book_imports() == 0
        house.clock.set(house.clock.now() + timedelta(seconds=61))
        assert await house.book_imports() == 1
        assert (await client.get(f"/transaction-imports/{job['id']}")).json()["state"] == "abandoned"


@pytest.mark.parametrize(
    ("content_type", "body", "status", "code"),
    [
        ("application/json", "{}", 415, "import_format_unsupported"),
        ("text/csv", "a,b\n1,2\n", 422, "import_header_invalid"),
        ("text/csv", "", 422, "import_header_invalid"),
    ],
)
async def test_a_body_that_is_no_import_is_refused_and_leaves_nothing(
    house: Any, content_type: str, body: str, status: int, code: str
) -> None:
    async with house.client() as client:
        refused = await client.post(
            "/transaction-imports", content=body, headers={"Content-Type": content_type}
        )
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert await house.value("SELECT count(*) FROM transaction_imports WHERE state <> 'abandoned'") == 0


async def test_a_body_above_the_limit_is_refused(make_house: Any) -> None:
    house = await make_house(import_limit_bytes=2048)
    async with house.client() as client:
        refused = await send(client, rows(200))
    assert refused.status_code == 413
    assert await house.value("SELECT count(*) FROM transactions") == 0


async def test_imports_and_single_bookings_at_once_lose_and_double_nothing(house: Any) -> None:
    async with house.client() as client:
        owners = [await client.post("/customers", json={"external_id": f"s{place}"}) for place in range(5)]
        answers = await asyncio.gather(
            *(send(client, rows(60, customers=9, prefix=f"batch{place}-")) for place in range(4)),
            *(
                client.post(
                    "/transactions",
                    json={
                        "external_id": f"single-{place}",
                        "customer_id": owner.json()["id"],
                        "amount_minor": 5,
                        "occurred_at": "2026-03-01",
                    },
                )
                for place, owner in enumerate(owners)
            ),
        )
        await house.book_imports()
    assert {answer.status_code for answer in answers} <= {200, 201, 202}
    assert await house.value("SELECT count(*) FROM transactions") == 245
    report = await rebuild_all(house.service.database, house.valuation, check=True)
    assert (report.different, report.transactions) == (0, 245)


WORKER = """
import asyncio, sys
from services.valuation.service import build
from services.valuation.settings import Settings
from services.valuation.workers.imports import ImportLoop
from shared.events.transport.postgres import PostgresTransport
from shared.kernel.clock import SystemClock

async def main():
    url, jwks = sys.argv[1:]
    settings = Settings(database_url=url, events_database_url=url, jwks=jwks, import_batch_rows=50)
    service = build(settings, clock=SystemClock(), transport=PostgresTransport(url))
    await service.open()
    loop = next(one for one in service.loops if isinstance(one, ImportLoop))
    while await loop.run_once():
        pass

asyncio.run(main())
"""


async def test_a_killed_worker_leaves_no_row_out_and_none_twice(make_house: Any) -> None:
    house = await make_house(import_inline_rows=0, import_batch_rows=50)
    async with house.client() as client:
        accepted = await send(client, rows(400))
        path = accepted.headers["location"].removeprefix("/valuation/v1")
        for nth in (1, 3, 2):
            worker = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                WORKER,
                house.settings.database_url,
                house.settings.jwks,
                env={**os.environ, "CARELOOP_FAILPOINT": f"valuation.import_batch_booked:{nth}"},
            )
            assert await worker.wait() == -signal.SIGKILL
        # The first dies in its first batch; what the lanes of the others had committed depends on who was faster.
        progress = (await client.get(path)).json()
        assert progress["accepted"] == await house.value("SELECT count(*) FROM transactions")
        assert 100 <= progress["accepted"] < 400
        await house.book_imports()
        done = (await client.get(path)).json()
    assert (done["state"], done["accepted"], done["repeated"], done["rejected"]) == ("completed", 400, 0, 0)
    assert await house.value("SELECT count(*) FROM transactions") == 400
    assert len([e for e in await house.events() if e["type"] == "valuation.purchase_recorded.v1"]) == 400
    report = await rebuild_all(house.service.database, house.valuation, check=True)
    assert report.different == 0
