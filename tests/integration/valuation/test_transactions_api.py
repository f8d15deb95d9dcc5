"""Transactions over HTTP, one by one."""

from datetime import timedelta
from typing import Any

import pytest

PURCHASE = {
    "external_id": "t1",
    "customer_external_id": "c",
    "amount_minor": 1000,
    "occurred_at": "2026-03-01",
}


async def registered(client: Any, external_id: str = "c") -> str:
    made = await client.post("/customers", json={"external_id": external_id})
    customer_id: str = made.json()["id"]
    return customer_id


async def test_a_purchase_is_booked_valued_and_published(house: Any) -> None:
    async with house.client() as client:
        customer_id = await registered(client)
        await client.put("/margin-rates/support", json={"rate": "0.5"})
        for place, extra in enumerate(({"margin_minor": 70}, {"product_kind": "support"}, {})):
            booked = await client.post(
                "/transactions", json={**PURCHASE, "external_id": f"t{place}", **extra}
            )
            assert booked.status_code == 201
        read = await client.get(booked.headers["location"].removeprefix("/valuation/v1"))
        profile = (await client.get(f"/customers/{customer_id}")).json()
    assert read.json()["margin_source"] == "default_rate"
    assert read.json()["margin_rate"] == "0.300000"
    assert profile["realised_value"]["margin_minor"] == 70 + 500 + 300
    assert {part["source"]: part["margin_minor"] for part in profile["realised_value"]["parts"]} == {
        "default_rate": 300,
        "given": 70,
        "rate": 500,
    }
    assert profile["rfm"]["purchases"] == 3
    assert profile["rfm"]["purchase_days"] == 1
    types = [event["type"] for event in await house.events()]
    assert types == ["valuation.customer_registered.v1"] + ["valuation.purchase_recorded.v1"] * 3
    assert [event["sequence"] for event in await house.events()] == [1, 2, 3, 4]


async def test_the_same_transaction_again_changes_nothing_and_other_content_is_a_conflict(house: Any) -> None:
    async with house.client() as client:
        await registered(client)
        first = await client.post("/transactions", json=PURCHASE)
        again = await client.post("/transactions", json={**PURCHASE, "occurred_at": "2026-03-01T00:00:00Z"})
        other = await client.post("/transactions", json={**PURCHASE, "amount_minor": 999})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["result"] == "repeated"
    assert again.json()["transaction"] == first.json()["transaction"]
    assert (other.status_code, other.json()["code"]) == (409, "transaction_differs")
    assert other.json()["errors"][0]["field"] == "external_id"
    assert await house.value("SELECT count(*) FROM transactions") == 1
    assert len(await house.events()) == 2


@pytest.mark.parametrize(
    ("changes", "status", "code", "field"),
    [
        ({"amount_minor": -5}, 422, "amount_out_of_range", "amount_minor"),
        ({"amount_minor": 10**12}, 422, "amount_out_of_range", "amount_minor"),
        ({"amount_minor": 10**30}, 422, "invalid_input", "amount_minor"),
        ({"amount_minor": "ten"}, 422, "invalid_input", "amount_minor"),
        ({"currency": "CNY"}, 422, "exchange_rate_missing", "currency"),
        ({"currency": "usd"}, 422, "invalid_input", "currency"),
        ({"occurred_at": "1969-07-20"}, 422, "occurred_at_out_of_range", "occurred_at"),
        ({"occurred_at": "2026-03-03"}, 422, "occurred_at_out_of_range", "occurred_at"),
        ({"customer_external_id": "nobody"}, 422, "unknown_customer", "customer_external_id"),
        ({"margin_minor": 1001}, 422, "margin_out_of_range", "margin_minor"),
        ({"kind": "refund"}, 422, "corrected_transaction_missing", "corrects_external_id"),
        (
            {"kind": "refund", "corrects_external_id": "gone"},
            422,
            "corrected_transaction_unknown",
            "corrects_external_id",
        ),
        ({"customer_id": "0190e5a0-0000-7000-8000-000000000000"}, 422, "invalid_input", "body"),
        ({"colour": "red"}, 422, "invalid_input", "colour"),
    ],
)
async def test_bad_input_is_named_and_changes_nothing(
    house: Any, changes: dict[str, Any], status: int, code: str, field: str
) -> None:
    async with house.client() as client:
        await registered(client)
        refused = await client.post("/transactions", json={**PURCHASE, **changes})
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert field in {error["field"].split(".")[0] for error in refused.json()["errors"]}
    assert await house.value("SELECT count(*) FROM transactions") == 0
    assert len(await house.events()) == 1


async def test_a_refund_lowers_its_purchase_and_cannot_exceed_it(house: Any) -> None:
    refund = {"kind": "refund", "corrects_external_id": "t1", "customer_external_id": "c"}
    async with house.client() as client:
        customer_id = await registered(client)
        booked = await client.post("/transactions", json=PURCHASE)
        path = f"/transactions/{booked.json()['transaction']['id']}"
        await client.post(
            "/transactions",
            json={**refund, "external_id": "r1", "amount_minor": 400, "occurred_at": "2026-03-02"},
        )
        partly = (await client.get(path)).json()
        too_much = await client.post(
            "/transactions",
            json={**refund, "external_id": "r2", "amount_minor": 601, "occurred_at": "2026-03-02"},
        )
        await client.post(
            "/transactions",
            json={**refund, "external_id": "r2", "amount_minor": 600, "occurred_at": "2026-03-02"},
        )
        wholly = (await client.get(path)).json()
        profile = (await client.get(f"/customers/{customer_id}")).json()
        rows = (await client.get(f"/customers/{customer_id}/transactions")).json()["items"]
    assert (partly["net"]["amount_minor"], partly["net"]["margin_minor"]) == (600, 180)
    assert (too_much.status_code, too_much.json()["code"]) == (409, "refund_exceeds_purchase")
    assert not wholly["net"]["counts"]
    assert (profile["rfm"]["purchases"], profile["realised_value"]["margin_minor"]) == (0, 0)
    assert [row["external_id"] for row in rows] == ["r2", "r1", "t1"]
    assert [row["kind"] for row in rows] == ["refund", "refund", "purchase"]


async def test_only_a_purchase_of_the_same_customer_can_be_corrected(house: Any) -> None:
    async with house.client() as client:
        await registered(client)
        await registered(client, "d")
        await client.post("/transactions", json=PURCHASE)
        foreign = await client.post(
            "/transactions",
            json={
                **PURCHASE,
                "external_id": "x",
                "customer_external_id": "d",
                "kind": "correction",
                "corrects_external_id": "t1",
            },
        )
    assert (foreign.status_code, foreign.json()["code"]) == (422, "not_a_purchase")


async def test_a_purchase_promotes_at_once_and_its_full_refund_takes_the_promotion_back(house: Any) -> None:
    async with house.client() as client:
        customer_id = await registered(client)
        await client.post("/transactions", json={**PURCHASE, "amount_minor": 12_000})
        promoted = (await client.get(f"/customers/{customer_id}")).json()
        await client.post(
            "/transactions",
            json={
                **PURCHASE,
                "external_id": "r",
                "kind": "refund",
                "amount_minor": 12_000,
                "corrects_external_id": "t1",
            },
        )
        history = (await client.get(f"/customers/{customer_id}/tier-history")).json()["items"]
    assert promoted["tier"] == "gold"
    assert promoted["tier_outlook"]["value_minor"] == 3600
    assert promoted["tier_outlook"]["state"] == "expected"
    assert [(line["tier"], line["reason"]) for line in history] == [
        ("standard", "correction"),
        ("gold", "promotion"),
        ("standard", "initial"),
    ]
    assert history[1]["value_minor"] == 3600
    assert history[1]["threshold_minor"] == 3000
    assert {line["rule_version"] for line in history} == {1}
    changed = [e for e in await house.events() if e["type"] == "valuation.customer_tier_changed.v1"]
    assert len(changed) == 2


async def test_an_idempotency_key_gives_the_first_answer_again(house: Any) -> None:
    async with house.client() as client:
        await registered(client)
        headers = {"Idempotency-Key": "once"}
        first = await client.post("/transactions", json=PURCHASE, headers=headers)
        again = await client.post("/transactions", json=PURCHASE, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content


async def test_a_sender_whose_clock_is_a_little_ahead_is_believed(house: Any) -> None:
    async with house.client() as client:
        await registered(client)
        ahead = house.clock.now() + timedelta(seconds=200)
        booked = await client.post("/transactions", json={**PURCHASE, "occurred_at": ahead.isoformat()})
    assert booked.status_code == 201
