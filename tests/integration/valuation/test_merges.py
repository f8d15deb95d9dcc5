"""Merging accounts: everything goes to the survivor, whose state equals a rebuild; later events follow it."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from services.valuation.workers.rebuild import rebuild_all
from shared.contracts.ticketing import FollowUpRecordedV1, TicketOpenedV1
from shared.kernel.ids import new_id

AT = datetime(2026, 3, 1, tzinfo=UTC)


async def account(client: Any, name: str, **more: Any) -> dict[str, Any]:
    made = await client.post("/customers", json={"external_id": name, **more})
    entry: dict[str, Any] = made.json() | {"etag": made.headers["etag"]}
    return entry


async def buy(client: Any, name: str, customer: str, amount: int, day: str = "2026-02-01") -> Any:
    return await client.post(
        "/transactions",
        json={
            "external_id": name,
            "customer_external_id": customer,
            "amount_minor": amount,
            "occurred_at": day,
        },
    )


async def merge(client: Any, survivor: dict[str, Any], merged_id: str) -> Any:
    return await client.post(
        f"/customers/{survivor['id']}/merges",
        json={"merged_customer_id": merged_id},
        headers={"If-Match": survivor["etag"]},
    )


def opened(customer: str, at: datetime = AT) -> TicketOpenedV1:
    return TicketOpenedV1(
        ticket_id=new_id(),
        number="T-1",
        customer_id=UUID(customer),
        kind="incident",
        channel="phone",
        priority="low",
        state="new",
        opened_at=at,
    )


async def test_all_that_the_merged_account_has_is_the_survivors_whose_standing_is_made_anew(
    house: Any,
) -> None:
    async with house.client() as client:
        kept = await account(client, "kept", contacts=[{"kind": "email", "value": "a@x"}])
        gone = await account(
            client, "gone", display_name="Acme", contacts=[{"kind": "email", "value": "b@x"}]
        )
        await buy(client, "t1", "kept", 6_000)
        await buy(client, "t2", "gone", 7_000, "2026-01-05")
        await house.told(opened(gone["id"]))
        await client.post(f"/customers/{gone['id']}/people", json={"roles": ["payer"], "name": "Li"})
        await client.post(f"/customers/{kept['id']}/people", json={"roles": ["payer"], "name": "Han"})
        await client.put(f"/customers/{gone['id']}/preferences", json={"language": "zh"})
        await client.put(f"/customers/{kept['id']}/preferences", json={"language": "en"})
        made = await merge(client, kept, gone["id"])
        profile = (await client.get(f"/customers/{kept['id']}/profile")).json()
        lost = await client.get(f"/customers/{gone['id']}")
        listed = (await client.get("/customers")).json()["items"]
    assert made.status_code == 201, made.text
    assert made.json()["moved"] == {
        "transactions": 1,
        "service_cases": 1,
        "account_people": 1,
        "case_costs": 1,
        "customer_costs": 1,
    }
    customer = profile["customer"]
    assert customer["display_name"] == "Acme"
    assert [one["value"] for one in customer["contacts"]] == ["a@x", "b@x"]
    # 13,000 at the default rate of 30 % are 3,900: gold, which neither reached alone.
    assert (customer["realised_value"]["margin_minor"], customer["tier"]) == (3_900, "gold")
    assert customer["rfm"]["first_purchase_on"] == "2026-01-05"
    assert customer["service_history"]["tickets"] == 1
    assert sorted((one["name"], one["roles"]) for one in profile["people"]) == [
        ("Han", ["payer"]),
        ("Li", ["contact"]),
    ]
    assert profile["preferences"]["language"] == "en"
    assert profile["merged_ids"] == [gone["id"]]
    assert (lost.status_code, lost.json()["code"]) == (404, "customer_merged")
    assert lost.json()["survivor_id"] == kept["id"]
    assert [one["id"] for one in listed] == [kept["id"]]
    told = {one["type"]: one for one in await house.events()}
    assert str(told["valuation.customer_merged.v1"]["key"]) == gone["id"]
    assert told["valuation.customer_tier_changed.v1"]["payload"].count("gold") == 1
    report = await rebuild_all(house.service.database, house.valuation, check=True)
    assert (report.customers, report.transactions, report.different) == (1, 2, 0)


async def test_later_purchases_repeats_and_events_for_the_merged_id_are_the_survivors(house: Any) -> None:
    async with house.client() as client:
        first, second, third = [await account(client, name) for name in ("a", "b", "c")]
        await buy(client, "t1", "a", 100)
        await merge(client, second, first["id"])
        second["etag"] = (await client.get(f"/customers/{second['id']}")).headers["etag"]
        chain = await merge(client, third, second["id"])
        by_name = await buy(client, "t2", "a", 200)
        by_id = await client.post(
            "/transactions",
            json={
                "external_id": "t3",
                "customer_id": first["id"],
                "amount_minor": 300,
                "occurred_at": "2026-02-02",
            },
        )
        repeated = await buy(client, "t1", "a", 100)
        refund = await client.post(
            "/transactions",
            json={
                "external_id": "r1",
                "kind": "refund",
                "corrects_external_id": "t1",
                "customer_external_id": "b",
                "amount_minor": 100,
                "occurred_at": "2026-02-03",
            },
        )
        await house.told(opened(first["id"]))
        answer = FollowUpRecordedV1(
            ticket_id=new_id(), follow_up_id=new_id(), customer_id=UUID(second["id"]), csat=5, nps=None
        )
        await house.told(answer, key=answer.ticket_id)
        profile = (await client.get(f"/customers/{third['id']}")).json()
    assert chain.json()["earlier_ids"] == [first["id"]]
    assert {one.json()["transaction"]["customer_id"] for one in (by_name, by_id, repeated, refund)} == {
        third["id"]
    }
    assert (repeated.json()["result"], refund.status_code) == ("repeated", 201)
    assert profile["rfm"]["spend_minor"] == 500
    assert (profile["service_history"]["tickets"], profile["service_history"]["follow_ups"]) == (2, 1)
    report = await rebuild_all(house.service.database, house.valuation, check=True)
    assert report.different == 0


async def test_costs_add_up_and_later_cases_of_the_merged_id_cost_the_survivor(house: Any) -> None:
    async with house.client() as client:
        rate = {"per_case_minor": 500}
        assert (await client.put("/cost-rates/ticket", json=rate)).status_code < 300
        kept, gone = await account(client, "kept"), await account(client, "gone")
        for customer in (kept, gone, gone):
            await house.told(opened(customer["id"], house.clock.now()))
        await merge(client, kept, gone["id"])
        await house.told(opened(gone["id"], house.clock.now()))
        profile = (await client.get(f"/customers/{kept['id']}")).json()
    assert profile["cost_to_serve"]["cost_minor"] == 2_000, profile["cost_to_serve"]
    report = await rebuild_all(house.service.database, house.valuation, check=True)
    assert (report.cases, report.different) == (4, 0)


async def test_referrals_become_the_survivors_without_self_or_cycle(house: Any) -> None:
    async with house.client() as client:
        made = {name: await account(client, name) for name in ("kept", "gone", "above", "below", "other")}

        async def refer(referrer: str, referred: str) -> int:
            body = {
                "referrer_id": made[referrer]["id"],
                "referred_id": made[referred]["id"],
                "incentivised": False,
                "at": "2026-02-01T00:00:00Z",
            }
            status: int = (await client.post("/referrals", json=body)).status_code
            return status

        # gone brought above, who brought kept: merging the two would close a circle.
        chain = [("gone", "above"), ("above", "kept"), ("kept", "below")]
        assert {await refer(*pair) for pair in chain} == {201}
        await merge(client, made["kept"], made["gone"]["id"])
        assert await refer("gone", "other") == 201
        listed = await client.get(f"/customers/{made['kept']['id']}/referrals")
    assert {one["referred_id"] for one in listed.json()["items"]} == {
        made[name]["id"] for name in ("above", "below", "other")
    }
    assert await house.value("SELECT count(*) FROM referrals") == 3


async def test_a_purchase_that_comes_while_two_accounts_are_merged_is_not_lost(house: Any) -> None:
    async with house.client() as client:
        kept, gone = await account(client, "kept"), await account(client, "gone")
        made, *booked = await asyncio.gather(
            merge(client, kept, gone["id"]), *(buy(client, f"t{number}", "gone", 100) for number in range(6))
        )
        profile = (await client.get(f"/customers/{kept['id']}")).json()
    assert made.status_code == 201
    assert {one.status_code for one in booked} == {201}
    assert profile["rfm"]["spend_minor"] == 600
    assert await house.value("SELECT count(*) FROM standings") == 1
    report = await rebuild_all(house.service.database, house.valuation, check=True)
    assert (report.transactions, report.different) == (6, 0)


@pytest.mark.parametrize(
    ("merged", "status", "code"),
    [
        ("kept", 422, "merge_with_itself"),
        ("nobody", 422, "unknown_customer"),
        ("erased", 422, "erased_customer"),
        ("merged", 409, "customer_already_merged"),
        ("large", 409, "merge_too_large"),
    ],
)
async def test_what_cannot_be_merged_is_named_and_changes_nothing(
    make_house: Any, merged: str, status: int, code: str
) -> None:
    house = await make_house(merge_limit_rows=1)
    async with house.client() as client:
        made = {name: await account(client, name) for name in ("kept", "erased", "merged", "large", "other")}
        ids = {name: entry["id"] for name, entry in made.items()} | {"nobody": str(new_id())}
        await buy(client, "l1", "large", 1)
        await buy(client, "l2", "large", 1)
        await client.post(f"/customers/{ids['erased']}/erasure", json={})
        await merge(client, made["other"], ids["merged"])
        before = await house.value("SELECT md5(string_agg(c::text, '' ORDER BY id)) FROM customers AS c")
        events = len(await house.events())
        refused = await merge(client, made["kept"], ids[merged])
        stale = await merge(client, made["kept"] | {"etag": '"9"'}, ids["other"])
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert stale.status_code == 412
    assert await house.value("SELECT md5(string_agg(c::text, '' ORDER BY id)) FROM customers AS c") == before
    assert len(await house.events()) == events
