"""Value less cost by tier: the one query against the same sums made customer by customer."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


async def people(house: Any, count: int) -> list[UUID]:
    """`count` customers that bought once, a year ago: the first half as much as gold needs, the others less."""
    async with house.client() as client:
        rows = "\n".join(
            f"p{place},p{place}-1,{12_000 if place < count // 2 else 200 + place},2025-03-02"
            for place in range(count)
        )
        sent = await client.post(
            "/transaction-imports",
            params={"register_customers": True},
            content=f"customer_external_id,external_id,amount_minor,occurred_at\n{rows}\n",
            headers={"content-type": "text/csv"},
        )
        assert sent.json()["accepted"] == count
        listed = (await client.get("/customers", params={"limit": 200})).json()["items"]
    ids = {row["external_id"]: UUID(row["id"]) for row in listed}
    return [ids[f"p{place}"] for place in range(count)]


async def serve(house: Any, customer_id: UUID, cost: int, unpriced: int = 0) -> None:
    async with house.service.database.session() as session:
        await session.connection.execute(
            "INSERT INTO customer_costs VALUES ($1, 'ticket', 1, 0, 1, $2, 0, $3)",
            customer_id,
            unpriced,
            cost,
        )


async def report(house: Any) -> dict[str, Any]:
    async with house.client("supervisor") as client:
        answer = await client.get("/reports/value-less-cost")
    assert answer.status_code == 200
    return {tier["tier"]: tier for tier in answer.json()["tiers"]}


async def test_each_tier_is_shown_with_what_it_brought_cost_and_left(house: Any) -> None:
    ids = await people(house, 8)
    async with house.client() as client:
        await client.post(
            f"/customers/{ids[0]}/savings",
            json={
                "external_id": "s",
                "kind": "trial",
                "amount_minor": 500,
                "occurred_at": "2026-03-01T00:00:00Z",
            },
        )
    await serve(house, ids[0], 1_000)
    await serve(house, ids[1], 3_000)
    await serve(house, ids[2], 0, unpriced=2)
    held = await house.value("SELECT tier FROM standings WHERE customer_id = $1", ids[0])
    tier = (await report(house))[held]
    levels = {one["level"]: one for one in tier["levels"]}
    totals = await _totals(house, held)
    assert tier["customers"] == totals["customers"]
    assert tier["realised_margin_minor"] == totals["margin"]
    assert (tier["cost_saved_minor"], tier["cost_to_serve_minor"], tier["unpriced_cases"]) == (500, 4_000, 2)
    assert tier["net_minor"] == totals["margin"] + 500 - 4_000
    assert tier["customer_years"] == pytest.approx(tier["customers"])
    assert levels["low"]["cost_a_year"] == levels["low"]["lowest_cost_a_year"] == pytest.approx(1_000)
    assert levels["high"]["net_a_year"] == pytest.approx(3_600 - 3_000)
    assert levels["unpriced"]["customers"] == 1
    assert tier["best_level"]["verdict"] == "too_few"
    assert sum(one["customers"] for one in tier["levels"]) == tier["customers"]


async def _totals(house: Any, tier: str) -> Any:
    async with house.service.database.session() as session:
        return await session.connection.fetchrow(
            "SELECT count(*) AS customers, sum(margin_minor)::bigint AS margin FROM standings WHERE tier = $1",
            tier,
        )


async def test_the_best_level_is_found_among_thirds_of_those_with_a_cost(house: Any) -> None:
    """Of 132 alike, 33 cost nothing, 33 little, 33 some, 33 more than they bring: nothing spent leaves most."""
    ids = await people(house, 132)
    await house.value("UPDATE standings SET tier = 'gold', margin_minor = 3600")
    for place, customer_id in enumerate(ids[33:]):
        await serve(house, customer_id, 100 + 10 * place if place < 66 else 9_000)
    tier = (await report(house))["gold"]
    assert [(one["level"], one["customers"]) for one in tier["levels"]] == [
        ("none", 33),
        ("low", 33),
        ("middle", 33),
        ("high", 33),
    ]
    assert tier["best_level"]["verdict"] == "clear"
    assert tier["best_level"]["level"] == "none"
    assert "not put on a level by chance" in tier["best_level"]["words"]
    low, high = next(one["net_interval"] for one in tier["levels"] if one["level"] == "low")
    assert low < 3_600 - (100 + 10 * 16) < high


async def test_equal_costs_are_on_one_level_and_new_customers_are_not_compared(house: Any) -> None:
    ids = await people(house, 40)
    await house.value("UPDATE standings SET tier = 'gold'")
    for customer_id in ids:
        await serve(house, customer_id, 700)
    async with house.client() as client:
        await client.post("/customers", json={"external_id": "came today"})
    await house.value("UPDATE standings SET tier = 'gold'")
    before = (await report(house))["gold"]
    house.clock.set(START + timedelta(days=90))
    after = (await report(house))["gold"]
    assert [(one["level"], one["customers"]) for one in before["levels"]] == [("low", 40), ("new", 1)]
    assert [(one["level"], one["customers"]) for one in after["levels"]] == [("none", 1), ("low", 40)]


async def test_an_empty_house_has_a_report_too(house: Any) -> None:
    tiers = await report(house)
    assert list(tiers) == ["standard", "silver", "gold", "platinum"]
    assert tiers["gold"]["net_a_year"] is None
    assert tiers["gold"]["levels"] == []
