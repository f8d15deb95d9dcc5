"""Transactions in other currencies than the ledger's."""

from datetime import timedelta
from typing import Any

import pytest

from services.valuation.workers.rebuild import rebuild_all


async def set_rate(client: Any, day: str, rate: str, currency: str = "EUR", **headers: str) -> Any:
    return await client.put(f"/exchange-rates/{currency}/{day}", json={"rate": rate}, headers=headers)


async def book(client: Any, external_id: str, amount: int, day: str, **more: Any) -> Any:
    return await client.post(
        "/transactions",
        json={
            "external_id": external_id,
            "customer_external_id": "c",
            "amount_minor": amount,
            "occurred_at": day,
            "currency": "EUR",
            **more,
        },
    )


async def test_an_amount_is_taken_in_at_its_days_rate_and_stays_as_it_was_told(house: Any) -> None:
    async with house.client() as client:
        customer = (await client.post("/customers", json={"external_id": "c"})).json()["id"]
        await set_rate(client, "2026-01-01", "1.10")
        await set_rate(client, "2026-02-01", "1.20")
        early = (await book(client, "early", 1000, "2026-01-31")).json()["transaction"]
        late = (await book(client, "late", 1000, "2026-02-01", margin_minor=400)).json()["transaction"]
        dollars = (await book(client, "own", 50, "2026-02-01", currency="USD")).json()["transaction"]
        again = await book(client, "late", 1000, "2026-02-01", margin_minor=400)
        missing = await book(client, "before", 1000, "2025-12-31")
        profile = (await client.get(f"/customers/{customer}")).json()
    assert (early["amount_minor"], early["currency"], early["ledger_amount_minor"]) == (1000, "EUR", 1100)
    assert early["exchange"] == {"rate": "1.1000000000", "effective_on": "2026-01-01", "version": 1}
    assert (late["margin_minor"], late["net"]["amount_minor"]) == (480, 1200)
    assert (dollars["exchange"], dollars["ledger_amount_minor"]) == (None, 50)
    assert (again.status_code, again.json()["result"]) == (200, "repeated")
    assert (missing.status_code, missing.json()["code"]) == (422, "exchange_rate_missing")
    assert (profile["currency"], profile["rfm"]["spend_minor"]) == ("USD", 1100 + 1200 + 50)


async def test_a_full_refund_leaves_nothing_whatever_the_rate_does(house: Any) -> None:
    async with house.client() as client:
        await client.post("/customers", json={"external_id": "c"})
        await set_rate(client, "2026-01-01", "1.10")
        await book(client, "p", 1000, "2026-01-31")
        await set_rate(client, "2026-02-01", "1.50")
        refund = {"kind": "refund", "corrects_external_id": "p"}
        foreign = await book(client, "r0", 10, "2026-02-03", currency="USD", **refund)
        part = (await book(client, "r1", 400, "2026-02-03", **refund)).json()["transaction"]
        assert await house.value("SELECT spend_minor FROM standings") == 660
        await book(client, "r2", 600, "2026-02-04", **refund)
    assert (foreign.status_code, foreign.json()["code"]) == (422, "amendment_currency_differs")
    assert part["ledger_amount_minor"] == 440
    assert await house.value("SELECT spend_minor FROM standings") == 0
    report = await rebuild_all(house.service.database, house.valuation, check=True)
    assert report.differences == []


async def test_a_rate_changes_for_what_is_booked_from_then_on(house: Any) -> None:
    async with house.client() as client:
        await client.post("/customers", json={"external_id": "c"})
        first = await set_rate(client, "2026-01-01", "1.10")
        await book(client, "a", 1000, "2026-01-31")
        assert (await set_rate(client, "2026-01-01", "2")).status_code == 428
        tag = first.headers["etag"]
        assert (await set_rate(client, "2026-01-01", "2", **{"If-Match": tag})).json()["version"] == 2
        assert (await set_rate(client, "2026-01-01", "3", **{"If-Match": tag})).status_code == 412
        booked = (await book(client, "b", 1000, "2026-01-31")).json()["transaction"]
        assert (booked["ledger_amount_minor"], booked["exchange"]["version"]) == (2000, 2)
        assert (await client.get("/exchange-rates/EUR/2026-01-01")).json()["rate"] == "2.0000000000"
        assert (await client.get("/exchange-rates/EUR/2026-01-02")).json()[
            "code"
        ] == "exchange_rate_not_found"
    assert await house.value("SELECT spend_minor FROM standings") == 3100


async def test_rates_are_listed_by_currency_the_latest_day_first(house: Any) -> None:
    async with house.client() as client:
        for currency in ("CNY", "EUR", "JPY"):
            for day in ("2026-01-01", "2026-01-03", "2026-01-02"):
                await set_rate(client, day, "1.5", currency)
        seen, path = [], "/exchange-rates?limit=2"
        while path:
            page = (await client.get(path)).json()
            seen += [(one["currency"], one["effective_on"]) for one in page["items"]]
            cursor = page["next_cursor"]
            path = f"/exchange-rates?limit=2&cursor={cursor}" if cursor else ""
        euros = (await client.get("/exchange-rates", params={"currency": "EUR"})).json()["items"]
    days = ("2026-01-03", "2026-01-02", "2026-01-01")
    assert seen == [(currency, day) for currency in ("CNY", "EUR", "JPY") for day in days]
    assert [one["effective_on"] for one in euros] == list(days)


@pytest.mark.parametrize(
    ("path", "rate", "code"),
    [
        ("USD/2026-01-01", "1", "ledger_currency_has_no_rate"),
        ("EUR/2026-01-01", "0", "invalid_input"),
        ("EUR/2026-01-01", "-1", "invalid_input"),
        ("eur/2026-01-01", "1", "invalid_input"),
        ("EUR/2026-02-30", "1", "invalid_input"),
    ],
)
async def test_a_rate_that_makes_no_sense_is_refused(house: Any, path: str, rate: str, code: str) -> None:
    async with house.client() as client:
        refused = await client.put(f"/exchange-rates/{path}", json={"rate": rate})
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert await house.value("SELECT count(*) FROM exchange_rates") == 0


async def test_rows_of_an_import_without_a_rate_are_refused_and_the_rest_is_booked(house: Any) -> None:
    body = "external_id,customer_external_id,occurred_at,amount_minor,currency\n" + "".join(
        f"t{place},c,2026-02-0{1 + place},100,{currency}\n"
        for place, currency in enumerate(("USD", "EUR", "GBP", "EUR"))
    )
    async with house.client() as client:
        await set_rate(client, "2026-02-03", "1.10")
        answer = await client.post(
            "/transaction-imports",
            content=body,
            headers={"Content-Type": "text/csv"},
            params={"register_customers": True},
        )
    job = answer.json()
    assert (job["accepted"], job["rejected"]) == (2, 2)
    assert [(row["row_number"], row["code"], row["field"]) for row in job["first_rejections"]] == [
        (2, "exchange_rate_missing", "currency"),
        (3, "exchange_rate_missing", "currency"),
    ]
    assert await house.value("SELECT spend_minor FROM standings") == 210
    assert house.clock.now() > await house.value("SELECT max(occurred_at) FROM transactions") + timedelta(0)
