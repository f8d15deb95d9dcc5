"""New tier rules reach the customers through a run: previewed before, capped, reported, released."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

TIERS = [{"name": "standard", "threshold_minor": 0}, {"name": "silver", "threshold_minor": 1000}]
HARDER = {
    "tiers": [TIERS[0], {"name": "silver", "threshold_minor": 2000}],
    "grace_days": 14,
    "tenure_days": 7,
}


async def bought(client: Any, name: str, amount: int) -> str:
    made = await client.post("/customers", json={"external_id": name})
    entry = {"external_id": f"t-{name}", "customer_external_id": name, "amount_minor": amount}
    await client.post("/transactions", json={**entry, "occurred_at": "2026-03-01"})
    customer_id: str = made.json()["id"]
    return customer_id


async def house_with(make_house: Any, amounts: list[int], **overrides: Any) -> tuple[Any, list[str]]:
    """A house whose margins are the amounts, with customers that bought so much."""
    house = await make_house(default_margin_rate=1, **overrides)
    async with house.client() as client:
        return house, [await bought(client, f"c{place}", amount) for place, amount in enumerate(amounts)]


async def previewed(client: Any, rules: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await client.post("/tier-rule-previews", json=rules)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def tiers_and_versions(house: Any) -> list[tuple[str, int, bool]]:
    async with house.service.database.session() as session:
        rows = await session.connection.fetch(
            "SELECT tier, rule_version, warned_at IS NOT NULL AS warned FROM standings ORDER BY customer_id"
        )
    return [tuple(row) for row in rows]


async def test_a_preview_says_who_would_move_and_changes_nothing(make_house: Any) -> None:
    house, ids = await house_with(make_house, [1000, 1500, 2500, 10, 9000], demotion_cap="0.2")
    async with house.client() as client:
        (result,) = await previewed(client, HARDER)
        unordered = await client.post("/tier-rule-previews", json={"tiers": TIERS[::-1]})
        versions = (await client.get("/tier-rules")).json()["items"]
    assert result["event"] == "result"
    assert (result["customers"], result["endangered"], result["admitted"], result["held"]) == (5, 2, 1, 1)
    moves = {(one["kind"], one["tier"], one["to"]): one for one in result["moves"]}
    assert moves["endangered", "silver", "standard"]["examples"] == ids[:2]
    assert moves["replaced", "platinum", "silver"]["examples"] == ids[4:]
    assert (
        moves["kept", "silver", "silver"]["customers"]
        == moves["kept", "standard", "standard"]["customers"]
        == 1
    )
    assert unordered.json()["code"] == "thresholds_out_of_order"
    assert [one["version"] for one in versions] == [1]
    assert {version for _, version, _ in await tiers_and_versions(house)} == {1}


async def test_a_run_endangers_no_more_than_the_cap_and_holds_back_the_rest(make_house: Any) -> None:
    amounts = [1100, 1000, 1700, 1200, 1900, 10, 2500, 1000, 10, 10]
    house, ids = await house_with(make_house, amounts, demotion_cap="0.2", batch_rows=3)
    async with house.client() as client:
        (expected,) = await previewed(client, HARDER)
        await client.post("/tier-rules", json=HARDER)
        await house.review()
        run = (await client.get("/tier-runs")).json()["items"][0]
        rules = (await client.get("/tier-rules/2")).json()
        held = (await client.get(f"/tier-runs/{run['id']}/held-customers", params={"limit": 2})).json()
        rest = await client.get(
            f"/tier-runs/{run['id']}/held-customers", params={"limit": 2, "cursor": held["next_cursor"]}
        )
    assert (run["state"], run["customers"], run["allowed"]) == ("completed", 10, 2)
    assert (run["admitted"], run["held"]) == (2, 3) == (expected["admitted"], expected["held"])
    assert run["moves"] == expected["moves"]
    assert rules["reviewed_at"] is not None
    # Those furthest short went first; of two equals the one registered first.
    standing = await tiers_and_versions(house)
    assert [place for place, row in enumerate(standing) if row == ("silver", 2, True)] == [1, 7]
    assert [place for place, row in enumerate(standing) if row[1] == 1] == [0, 2, 3]
    assert [one["customer_id"] for one in held["items"] + rest.json()["items"]] == [ids[0], ids[3], ids[2]]
    assert held["items"][0]["shortfall"] == "0.388889"


async def test_whoever_is_held_back_is_judged_by_the_version_before_until_released(make_house: Any) -> None:
    house, ids = await house_with(make_house, [1500] * 10, demotion_cap=0)
    async with house.client() as client:
        await client.post("/tier-rules", json=HARDER)
        await house.review()
        run = (await client.get("/tier-runs")).json()["items"][0]
        profile = (await client.get(f"/customers/{ids[0]}")).json()
        path = f"/tier-runs/{run['id']}/releases"
        small = await client.post(path, json={"share": "0.01", "reason": "too few"})
        released = await client.post(
            path, json={"share": "0.3", "reason": "agreed with the account managers"}
        )
        await house.review()
        report = (await client.get(released.headers["location"].removeprefix("/valuation/v1"))).json()
        await house.pass_days(21)
        after = (await client.get(f"/customers/{ids[0]}")).json()
        still = (await client.get(f"/customers/{ids[9]}")).json()
    assert (run["admitted"], run["held"]) == (0, 10)
    assert (profile["tier"], profile["tier_rule_version"], profile["tier_outlook"]["state"]) == (
        "silver",
        1,
        "expected",
    )
    assert (small.status_code, small.json()["code"]) == (422, "release_too_small")
    assert released.status_code == 202
    assert (report["kind"], report["state"], report["admitted"], report["held"]) == (
        "release",
        "completed",
        3,
        7,
    )
    assert (after["tier"], after["tier_rule_version"]) == ("standard", 2)
    assert (still["tier"], still["tier_rule_version"]) == ("silver", 1)


async def test_a_booking_during_a_run_judges_by_the_version_that_the_customer_has(make_house: Any) -> None:
    house, ids = await house_with(make_house, [1500], demotion_cap=0)
    async with house.client() as client:
        await client.post("/tier-rules", json={**HARDER, "window_days": 7})
        house.clock.set(datetime(2026, 3, 30, tzinfo=UTC))
        await bought(client, "new", 1500)
        entry = {"external_id": "more", "customer_id": ids[0], "amount_minor": 1, "occurred_at": "2026-03-29"}
        await client.post("/transactions", json=entry)
        before = await tiers_and_versions(house)
        await house.review()
        after = await tiers_and_versions(house)
        assert (
            await house.value("SELECT window_margin_minor FROM standings ORDER BY customer_id LIMIT 1")
            == 1501
        )
    assert before == [("silver", 1, False), ("standard", 2, False)]
    assert after == [("silver", 1, False), ("standard", 2, False)]


async def test_a_later_version_judges_those_held_back_anew(make_house: Any) -> None:
    house, _ = await house_with(make_house, [1500] * 4, demotion_cap=0)
    softer = {**HARDER, "tiers": [TIERS[0], {"name": "silver", "threshold_minor": 1600}]}
    async with house.client() as client:
        await client.post("/tier-rules", json=HARDER)
        await house.review()
        first = (await client.get("/tier-runs")).json()["items"][0]
        await client.post("/tier-rules", json=softer)
        late = await client.post(f"/tier-runs/{first['id']}/releases", json={"share": 1, "reason": "late"})
        await house.review()
        second = (await client.get("/tier-runs")).json()["items"][0]
        nobody = await client.post(f"/tier-runs/{second['id']}/releases", json={"share": 1, "reason": "none"})
        waiting = (await client.get(f"/tier-runs/{first['id']}/held-customers")).json()["items"]
    assert late.json()["code"] == "tier_run_superseded"
    assert [(move["kind"], move["customers"]) for move in second["moves"]] == [("kept", 4)]
    assert nobody.json()["code"] == "nothing_held_back"
    assert waiting == []
    assert await tiers_and_versions(house) == [("silver", 3, False)] * 4


async def test_two_versions_that_take_effect_together_run_once(make_house: Any) -> None:
    house, _ = await house_with(make_house, [1500])
    async with house.client() as client:
        for rules in (HARDER, {**HARDER, "tiers": TIERS}):
            at = (house.clock.now() + timedelta(days=1)).isoformat()
            await client.post("/tier-rules", json={**rules, "effective_from": at})
        await house.pass_days(1)
        runs = (await client.get("/tier-runs")).json()["items"]
        missing = await client.get("/tier-runs/01957a3e-5c00-7000-8000-000000000001")
    assert [(run["rule_version"], run["state"]) for run in runs] == [(3, "completed"), (2, "superseded")]
    assert missing.json()["code"] == "tier_run_not_found"


@pytest.mark.parametrize("role", ["agent", "supervisor", "customer"])
async def test_only_an_admin_releases(make_house: Any, role: str) -> None:
    house = await make_house()
    claims = {"customer_id": "01957a3e-5c00-7000-8000-000000000001"} if role == "customer" else {}
    async with house.client(role, **claims) as client:
        path = "/tier-runs/01957a3e-5c00-7000-8000-000000000001/releases"
        assert (await client.post(path, json={"share": 1, "reason": "x"})).status_code == 403
