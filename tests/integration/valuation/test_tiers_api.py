"""Tier rules, reviews at their instants, the summary, and margin rates."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

RULES = {
    "tiers": [{"name": "basic", "threshold_minor": 0}, {"name": "plus", "threshold_minor": 100}],
    "window_days": 28,
    "band": "0.1",
    "grace_days": 14,
    "tenure_days": 7,
}


async def bought(client: Any, external_id: str, amount: int, day: str = "2026-03-01") -> str:
    made = await client.post("/customers", json={"external_id": external_id})
    await client.post(
        "/transactions",
        json={
            "external_id": f"t-{external_id}",
            "customer_external_id": external_id,
            "amount_minor": amount,
            "occurred_at": day,
        },
    )
    customer_id: str = made.json()["id"]
    return customer_id


async def test_a_tier_is_warned_and_demoted_at_the_announced_instants(house: Any) -> None:
    async with house.client() as client:
        customer_id = await bought(client, "c", 12_000)
        expected = (await client.get(f"/customers/{customer_id}")).json()["tier_outlook"]
        await house.pass_days(364)
        outlook = (await client.get(f"/customers/{customer_id}")).json()["tier_outlook"]
        demotes_at = datetime.fromisoformat(outlook["demotes_at"])
        await house.advance(demotes_at - timedelta(seconds=1))
        before = (await client.get(f"/customers/{customer_id}")).json()["tier"]
        await house.advance(demotes_at)
        after = (await client.get(f"/customers/{customer_id}")).json()
        held = (await client.get("/customers", params={"tier": "silver"})).json()["items"]
    assert expected["expected_warning_at"] == "2027-03-01T00:00:00Z"
    assert (outlook["state"], outlook["warned_at"]) == ("warned", expected["expected_warning_at"])
    assert demotes_at == datetime(2027, 4, 26, tzinfo=UTC)
    assert (before, after["tier"]) == ("gold", "silver")
    assert after["tier_since"] == "2027-04-26T00:00:00Z"
    assert held[0]["demotes_at"] is not None
    types = [event["type"].split(".")[1] for event in await house.events()]
    assert types == [
        "customer_registered",
        "purchase_recorded",
        "customer_tier_changed",
        "tier_demotion_warned",
        "customer_tier_changed",
        "tier_demotion_warned",
    ]
    demoted = (await house.events())[4]
    assert demoted["occurred_at"] == demotes_at


async def test_nothing_is_due_for_customers_on_the_floor(house: Any) -> None:
    async with house.client() as client:
        await bought(client, "c", 10)
    assert await house.value("SELECT count(*) FROM standings WHERE next_review_at IS NOT NULL") == 0
    assert await house.review() == 0


async def test_new_rules_judge_everybody_when_they_take_effect_in_resumable_batches(make_house: Any) -> None:
    house = await make_house(batch_rows=2)
    async with house.client() as client:
        for place, amount in enumerate([10, 1_000, 50_000, 0, 400]):
            await bought(client, f"c{place}", amount)
        planned = await client.post("/tier-rules", json={**RULES, "effective_from": "2026-03-10T00:00:00Z"})
        assert planned.status_code == 201
        assert await house.review() == 0
        house.clock.set(datetime(2026, 3, 10, tzinfo=UTC))
        assert await house.loop_once() == 2
        assert await house.review() >= 3
        rules = (await client.get("/tier-rules/2")).json()
        plus = (await client.get("/customers", params={"tier": "plus"})).json()["items"]
        history = (await client.get(f"/customers/{plus[0]['id']}/tier-history")).json()["items"]
    assert rules["reviewed_at"] == "2026-03-10T00:00:00Z"
    assert [row["external_id"] for row in plus] == ["c2", "c1", "c4"]
    assert [line["reason"] for line in history] == ["rule_change", "promotion", "initial"]
    assert history[0]["rule_version"] == 2


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        (
            {"tiers": [{"name": "a", "threshold_minor": 5}]},
            "thresholds_out_of_order",
            "tiers[0].threshold_minor",
        ),
        (
            {"tiers": [{"name": "a", "threshold_minor": 0}, {"name": "b", "threshold_minor": 0}]},
            "thresholds_out_of_order",
            "tiers[1].threshold_minor",
        ),
        ({"effective_from": "2026-03-01T00:00:00Z"}, "tier_rules_backdated", "effective_from"),
        ({"band": "1"}, "invalid_input", "band"),
        ({"window_days": 0}, "invalid_input", "window_days"),
    ],
)
async def test_rules_that_make_no_sense_are_refused_by_field(
    house: Any, changes: dict[str, Any], code: str, field: str
) -> None:
    async with house.client() as client:
        refused = await client.post("/tier-rules", json={**RULES, **changes})
        versions = (await client.get("/tier-rules")).json()["items"]
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert refused.json()["errors"][0]["field"] == field
    assert [one["version"] for one in versions] == [1]


async def test_the_summary_measures_shares_and_concentration(house: Any) -> None:
    async with house.client() as client:
        for place in range(10):
            await bought(client, f"c{place}", 50_000 if place < 2 else 1_000)
        await client.post("/customers", json={"external_id": "has bought nothing"})
        summary = (await client.get("/tiers")).json()
        half = (await client.get("/tiers", params={"top_share": 0.25})).json()["concentration"]
        empty_top = await client.get("/tiers", params={"top_share": 0})
    assert summary["customers"] == 11
    assert summary["realised_value_minor"] == 32_400
    assert [(tier["tier"], tier["customers"]) for tier in summary["tiers"]] == [
        ("standard", 9),
        ("silver", 0),
        ("gold", 0),
        ("platinum", 2),
    ]
    assert summary["concentration"]["buyers"] == 10
    assert summary["concentration"]["value_share"] == pytest.approx(30_000 / 32_400)
    assert half["value_share"] == pytest.approx(30_150 / 32_400)
    assert empty_top.status_code == 422


async def test_an_empty_ledger_has_a_summary_too(house: Any) -> None:
    async with house.client() as client:
        summary = (await client.get("/tiers")).json()
    assert summary["customers"] == 0
    assert summary["concentration"]["value_share"] is None


async def test_margin_rates_change_by_version_and_leave_what_was_booked(house: Any) -> None:
    async with house.client() as client:
        missing = await client.get("/margin-rates/support")
        made = await client.put("/margin-rates/support", json={"rate": "0.5"})
        blind = await client.put("/margin-rates/support", json={"rate": "0.4"})
        stale = await client.put("/margin-rates/other", json={"rate": "0.4"}, headers={"If-Match": '"1"'})
        changed = await client.put(
            "/margin-rates/support", json={"rate": "0.4"}, headers={"If-Match": made.headers["etag"]}
        )
        absurd = await client.put("/margin-rates/support", json={"rate": "1.2"})
        listed = (await client.get("/margin-rates")).json()
    assert missing.json()["code"] == "margin_rate_not_found"
    assert (made.status_code, blind.status_code, stale.status_code) == (200, 428, 412)
    assert changed.json()["version"] == 2
    assert absurd.status_code == 422
    assert [rate["rate"] for rate in listed["items"]] == ["0.400000"]
