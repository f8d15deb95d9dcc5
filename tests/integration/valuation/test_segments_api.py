"""Segments through the API: concentration as JSON and picture, RFM groups, the matrix, versions of the cuts."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.valuation.domain.segments.concentration import concentration_of

AMOUNTS = [50_000, 9_000, 3_000, 2_000, 500, 400, 100]
CUTS = {
    "recent_days": 30,
    "frequent_days": 2,
    "large_spend_minor": 2_000,
    "current_minor": {"medium_from": 600, "high_from": 5_000},
    "potential_minor": {"medium_from": 1_000, "high_from": 2_000},
}


async def customers(client: Any, amounts: list[int], on: str = "2026-03-01") -> list[str]:
    ids = []
    for place, amount in enumerate(amounts):
        made = await client.post("/customers", json={"external_id": f"c{place}"})
        ids.append(made.json()["id"])
        entry = {
            "external_id": f"t{place}",
            "customer_id": ids[-1],
            "amount_minor": amount,
            "occurred_at": on,
        }
        assert (await client.post("/transactions", json=entry)).status_code == 201
    return ids


@pytest.mark.parametrize("points", [1, 3, 20, 1000])
async def test_the_database_measures_the_curve_as_the_definition_does(make_house: Any, points: int) -> None:
    house = await make_house(default_margin_rate=1)
    async with house.client("supervisor") as client:
        await customers(client, AMOUNTS)
        await client.post("/customers", json={"external_id": "has bought nothing"})
        found = (await client.get("/segments/concentration", params={"points": points})).json()
    expected = concentration_of(AMOUNTS, points)
    assert (found["customers"], found["value_minor"]) == (7, sum(AMOUNTS))
    assert found["gini"] == pytest.approx(expected.gini)
    assert [one["value_share"] for one in found["points"]] == pytest.approx(
        [point.value_share for point in expected.points]
    )


async def test_the_curve_agrees_with_the_summary_and_is_drawn(house: Any) -> None:
    async with house.client("supervisor") as client:
        await customers(client, AMOUNTS)
        curve = (
            await client.get("/segments/concentration", params={"points": 10, "measure": "spend"})
        ).json()
        summary = (await client.get("/tiers")).json()["concentration"]
        image = await client.get("/segments/concentration.svg")
        absurd = await client.get("/segments/concentration", params={"points": 0})
    assert curve["points"][2]["value_share"] == pytest.approx(summary["value_share"])
    assert image.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in image.headers["content-security-policy"]
    assert f"Gini {curve['gini']:.3f}" in image.text
    assert absurd.status_code == 422


async def test_an_empty_ledger_has_segments_too(house: Any) -> None:
    async with house.client("supervisor") as client:
        curve = (await client.get("/segments/concentration")).json()
        image = await client.get("/segments/concentration.svg")
        groups = (await client.get("/segments/rfm")).json()["groups"]
        cells = (await client.get("/segments/matrix")).json()["cells"]
    assert (curve["customers"], curve["gini"], curve["points"]) == (0, None, [])
    assert image.status_code == 200
    assert (len(groups), len(cells)) == (9, 12)
    assert {one["customers"] for one in groups + cells} == {0}


async def test_groups_count_everybody_as_each_customer_is_shown(make_house: Any) -> None:
    house = await make_house(default_margin_rate=1)
    async with house.client("admin") as client:
        ids = await customers(client, AMOUNTS, on="2026-01-15")
        again = {
            "external_id": "again",
            "customer_id": ids[0],
            "amount_minor": 10,
            "occurred_at": "2026-03-01",
        }
        await client.post("/transactions", json=again)
        ids.append((await client.post("/customers", json={"external_id": "new"})).json()["id"])
        made = await client.post("/segment-rules", json=CUTS)
        groups = (await client.get("/segments/rfm")).json()
        cells = (await client.get("/segments/matrix")).json()
        shown = [(await client.get(f"/customers/{one}/segment")).json() for one in ids]
    assert (made.status_code, made.json()["version"], groups["rule_version"]) == (201, 2, 2)
    counted = {one["code"]: one["customers"] for one in groups["groups"] if one["customers"]}
    assert counted == {"key_value": 1, "key_recovery": 3, "general_recovery": 3, "not_bought": 1}
    for code, count in counted.items():
        assert sum(one["rfm"]["code"] == code for one in shown) == count
    in_cells = {
        (one["current"], one["potential"]): one["customers"] for one in cells["cells"] if one["customers"]
    }
    assert in_cells == {("high", "not_scored"): 2, ("medium", "not_scored"): 2, ("low", "not_scored"): 4}
    for (current, _), count in in_cells.items():
        assert sum(one["matrix"]["current"] == current for one in shown) == count
    assert sum(one["realised_value_minor"] for one in cells["cells"]) == sum(AMOUNTS) + 10
    assert all(one["matrix"]["potential_minor"] is None for one in shown)


async def test_influence_lies_over_the_matrix_and_adds_to_no_value(house: Any) -> None:
    async with house.client("admin") as client:
        ids = await customers(client, [9_000, 9_000, 100, 100])
        before = (await client.get("/segments/matrix")).json()["cells"]
        for referrer, referred, is_incentivised in ((0, 2, False), (1, 3, True)):
            made = await client.post(
                "/referrals",
                json={
                    "referrer_id": ids[referrer],
                    "referred_id": ids[referred],
                    "incentivised": is_incentivised,
                    "at": "2026-03-01T00:00:00Z",
                },
            )
            assert made.status_code == 201, made.text
        cells = (await client.get("/segments/matrix")).json()["cells"]
        overlays = [(await client.get(f"/customers/{one}/segment")).json()["influence"] for one in ids[:3]]
    medium = next(one for one in cells if (one["current"], one["potential"]) == ("medium", "not_scored"))
    assert (medium["customers"], medium["bring_unprompted"], medium["bring_for_reward"]) == (2, 1, 1)
    strip = {"bring_unprompted": 0, "bring_for_reward": 0}
    assert [{**one, **strip} for one in cells] == before
    assert [(one["referrals"], one["incentivised_referrals"]) for one in overlays] == [(1, 0), (0, 1), (0, 0)]
    assert "thank" in overlays[0]["strategy"]
    assert overlays[2]["strategy"] is None


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        (
            {"current_minor": {"medium_from": 3000, "high_from": 1000}},
            "segment_cuts_out_of_order",
            "current_minor",
        ),
        (
            {"potential_minor": {"medium_from": 0, "high_from": 1000}},
            "segment_cuts_out_of_order",
            "potential_minor",
        ),
        ({"large_spend_minor": 0}, "invalid_input", "large_spend_minor"),
        ({"recent_days": 0}, "invalid_input", "recent_days"),
    ],
)
async def test_cuts_that_make_no_sense_are_refused_by_field(
    house: Any, changes: dict[str, Any], code: str, field: str
) -> None:
    async with house.client("admin") as client:
        refused = await client.post("/segment-rules", json={**CUTS, **changes})
        versions = (await client.get("/segment-rules")).json()["items"]
        first = (await client.get("/segment-rules/1")).json()
        missing = await client.get("/segment-rules/7")
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert refused.json()["errors"][0]["field"] == field
    assert versions == [first]
    assert datetime.fromisoformat(first["created_at"]) == datetime(1970, 1, 1, tzinfo=UTC)
    assert missing.json()["code"] == "segment_rules_not_found"


async def test_strategies_are_for_staff(house: Any) -> None:
    async with house.client("admin") as client:
        (customer_id,) = await customers(client, [100])
        unknown = await client.get("/customers/01957a3e-5c00-7000-8000-000000000001/segment")
    async with house.client("customer", customer_id=customer_id) as own:
        denied = await own.get(f"/customers/{customer_id}/segment")
    assert (unknown.json()["code"], denied.status_code) == ("customer_not_found", 403)
