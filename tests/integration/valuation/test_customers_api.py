"""The register over HTTP."""

from typing import Any

import pytest


async def test_registering_gives_a_number_the_floor_and_an_event_without_personal_data(house: Any) -> None:
    async with house.client("agent") as client:
        made = await client.post(
            "/customers",
            json={
                "external_id": "acme-1",
                "kind": "company",
                "display_name": "Acme 有限公司",
                "contacts": [{"kind": "email", "value": "li@acme.test"}],
            },
        )
        profile = await client.get(made.headers["location"].removeprefix("/valuation/v1"))
    assert made.status_code == 201
    assert made.json()["number"] == "C-000001"
    assert profile.json()["tier"] == "standard"
    assert profile.json()["display_name"] == "Acme 有限公司"
    assert profile.json()["tier_outlook"]["state"] == "floor"
    [event] = await house.events()
    assert event["type"] == "valuation.customer_registered.v1"
    assert event["sequence"] == 1
    assert "Acme" not in event["payload"]
    assert "li@" not in event["payload"]


async def test_a_taken_external_id_is_a_named_conflict_that_changes_nothing(house: Any) -> None:
    async with house.client() as client:
        await client.post("/customers", json={"external_id": "x"})
        again = await client.post("/customers", json={"external_id": "x"})
    assert (again.status_code, again.json()["code"]) == (409, "customer_external_id_taken")
    assert again.json()["errors"][0]["field"] == "external_id"
    assert await house.value("SELECT count(*) FROM customers") == 1
    assert len(await house.events()) == 1


async def test_changing_needs_the_current_etag_and_keeps_what_is_not_sent(house: Any) -> None:
    async with house.client() as client:
        made = await client.post("/customers", json={"external_id": "x", "display_name": "Old"})
        path = f"/customers/{made.json()['id']}"
        without = await client.patch(path, json={"display_name": "New"})
        changed = await client.patch(
            path, json={"kind": "company"}, headers={"If-Match": made.headers["etag"]}
        )
        stale = await client.patch(path, json={"kind": "person"}, headers={"If-Match": made.headers["etag"]})
        cleared = await client.patch(
            path, json={"display_name": None}, headers={"If-Match": changed.headers["etag"]}
        )
    assert without.status_code == 428
    assert (changed.json()["kind"], changed.json()["display_name"]) == ("company", "Old")
    assert stale.status_code == 412
    assert cleared.json()["display_name"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"external_id": ""}, "external_id"),
        ({"kind": "robot"}, "kind"),
        ({"tier": "gold"}, "tier"),
        ({"contacts": [{"kind": "email"}]}, "contacts[0].value"),
        ({"external_id": "nul\u0000"}, "external_id"),
    ],
)
async def test_bad_input_names_the_field(house: Any, body: dict[str, Any], field: str) -> None:
    async with house.client() as client:
        refused = await client.post("/customers", json=body)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == [field]
    assert await house.value("SELECT count(*) FROM customers") == 0


async def test_a_customer_sees_itself_and_nobody_else(house: Any) -> None:
    async with house.client() as staff:
        own = (await staff.post("/customers", json={"external_id": "own"})).json()["id"]
        other = (await staff.post("/customers", json={"external_id": "other"})).json()["id"]
        booked = await staff.post(
            "/transactions",
            json={"external_id": "t", "customer_id": other, "amount_minor": 5, "occurred_at": "2026-03-01"},
        )
    async with house.client("customer", customer_id=own) as customer:
        for path in ("", "/tier-history", "/transactions"):
            assert (await customer.get(f"/customers/{own}{path}")).status_code == 200
            hidden = await customer.get(f"/customers/{other}{path}")
            assert (hidden.status_code, hidden.json()["code"]) == (404, "customer_not_found")
        theirs = await customer.get(f"/transactions/{booked.json()['transaction']['id']}")
        assert (theirs.status_code, theirs.json()["code"]) == (404, "transaction_not_found")
        assert (await customer.get("/customers")).status_code == 403
        assert (await customer.get("/tiers")).status_code == 403


async def test_lists_page_by_value_and_filter_by_tier(house: Any) -> None:
    async with house.client() as client:
        for place, amount in enumerate([100, 50_000, 100, 8_000, 20_000]):
            await client.post("/customers", json={"external_id": f"c{place}"})
            await client.post(
                "/transactions",
                json={
                    "external_id": f"t{place}",
                    "customer_external_id": f"c{place}",
                    "amount_minor": amount,
                    "occurred_at": "2026-03-01",
                },
            )
        seen, path = [], "/customers?limit=2"
        while path:
            page = await client.get(path)
            seen += [row["external_id"] for row in page.json()["items"]]
            link = page.links.get("next")
            path = link["url"].removeprefix("/valuation/v1") if link else ""
        first = await client.get("/customers", params={"sort": "registered_at", "limit": 3})
        gold = await client.get("/customers", params={"tier": "gold"})
        one = await client.get("/customers", params={"external_id": "c3"})
        foreign = await client.get("/customers", params={"limit": 2, "cursor": first.json()["next_cursor"]})
    assert seen == ["c1", "c4", "c3", "c0", "c2"]
    assert [row["external_id"] for row in first.json()["items"]] == ["c0", "c1", "c2"]
    assert [row["external_id"] for row in gold.json()["items"]] == ["c4"]
    assert [row["realised_value_minor"] for row in one.json()["items"]] == [2_400]
    assert foreign.json()["code"] == "invalid_cursor"
