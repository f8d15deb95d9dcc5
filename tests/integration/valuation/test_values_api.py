"""The three values: referrals and savings recorded, refused by name, and shown side by side."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

AT = "2026-03-01T08:00:00Z"


async def registered(client: Any, name: str, amount: int = 0) -> str:
    made = await client.post("/customers", json={"external_id": name})
    customer_id: str = made.json()["id"]
    if amount:
        booked = await client.post(
            "/transactions",
            json={
                "external_id": f"t-{name}",
                "customer_id": customer_id,
                "amount_minor": amount,
                "occurred_at": "2026-03-01",
            },
        )
        assert booked.status_code == 201
    return customer_id


async def refer(client: Any, referrer: str, referred: str, **changes: Any) -> Any:
    body = {"referrer_id": referrer, "referred_id": referred, "incentivised": False, "at": AT, **changes}
    return await client.post("/referrals", json=body)


def saving(**changes: Any) -> dict[str, Any]:
    return {
        "external_id": "s-1",
        "kind": "peer_support",
        "amount_minor": 700,
        "occurred_at": AT,
        **changes,
    }


async def test_influence_stands_in_columns_of_its_own_and_adds_to_nobody(house: Any) -> None:
    async with house.client() as client:
        ann = await registered(client, "ann", 1_000)
        bob = await registered(client, "bob", 5_000)
        cid = await registered(client, "cid", 20_000)
        assert (await refer(client, ann, bob)).status_code == 201
        assert (await refer(client, ann, cid, incentivised=True)).status_code == 201
        values = (await client.get(f"/customers/{ann}/values")).json()
        brought = (await client.get(f"/customers/{ann}/referrals", params={"limit": 1})).json()
        rest = await client.get(
            f"/customers/{ann}/referrals", params={"limit": 1, "cursor": brought["next_cursor"]}
        )
    assert values["realised"] == {"margin_minor": 300, "cost_saved_minor": 0, "total_minor": 300}
    assert values["potential"] == {"state": "not_scored_yet", "clv_minor": None}
    assert values["influence"] == {
        "referrals": 1,
        "incentivised_referrals": 1,
        "referred_margin_minor": 1_500,
        "incentivised_referred_margin_minor": 6_000,
    }
    assert brought["items"] == [
        {"referrer_id": ann, "referred_id": bob, "incentivised": False, "at": AT, "margin_minor": 1_500}
    ]
    assert [one["referred_id"] for one in rest.json()["items"]] == [cid]


async def test_referrals_that_cannot_be_are_refused_and_nothing_is_written(house: Any) -> None:
    async with house.client() as client:
        ann, bob, cid = [await registered(client, name) for name in ("ann", "bob", "cid")]
        assert (await refer(client, ann, bob)).status_code == 201
        assert (await refer(client, bob, cid)).status_code == 201
        refused = [
            await refer(client, ann, ann),
            await refer(client, cid, bob),
            await refer(client, cid, ann),
            await refer(client, ann, str(uuid4())),
            await refer(client, str(uuid4()), ann),
            await refer(client, cid, await registered(client, "dan"), at="2026-03-03T00:00:00Z"),
        ]
    assert [(one.status_code, one.json()["code"]) for one in refused] == [
        (422, "self_referral"),
        (409, "already_referred"),
        (409, "referral_cycle"),
        (422, "unknown_customer"),
        (422, "unknown_customer"),
        (422, "referred_at_out_of_range"),
    ]
    assert await house.value("SELECT count(*) FROM referrals") == 2


async def test_a_cycle_closed_by_many_at_once_is_refused_to_one(house: Any) -> None:
    """Each of the four is fine by itself; together they would close the circle."""
    async with house.client() as client:
        ring = [await registered(client, f"r{place}") for place in range(4)]
        answers = await asyncio.gather(
            *(refer(client, ring[place], ring[(place + 1) % 4]) for place in range(4))
        )
    assert sorted(one.status_code for one in answers) == [201, 201, 201, 409]
    assert next(one for one in answers if one.status_code == 409).json()["code"] == "referral_cycle"


async def test_a_saving_is_recorded_once_and_counts_as_realised(house: Any) -> None:
    async with house.client() as client:
        ann = await registered(client, "ann", 1_000)
        first = await client.post(f"/customers/{ann}/savings", json=saving())
        again = await client.post(f"/customers/{ann}/savings", json=saving())
        other = await client.post(f"/customers/{ann}/savings", json=saving(amount_minor=701))
        await client.post(f"/customers/{ann}/savings", json=saving(external_id="s-2", amount_minor=50))
        values = (await client.get(f"/customers/{ann}/values")).json()
        listed = (await client.get(f"/customers/{ann}/savings")).json()["items"]
    assert (first.status_code, first.json()["result"]) == (201, "accepted")
    assert (again.status_code, again.json()["result"]) == (200, "repeated")
    assert again.json()["saving"] == first.json()["saving"]
    assert (other.status_code, other.json()["code"]) == (409, "saving_differs")
    assert values["realised"] == {"margin_minor": 300, "cost_saved_minor": 750, "total_minor": 1_050}
    assert [one["external_id"] for one in listed] == ["s-2", "s-1"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount_minor": 0}, "saving_out_of_range"),
        ({"amount_minor": 2**60}, "saving_out_of_range"),
        ({"occurred_at": "2026-03-02T10:00:00Z"}, "saving_out_of_range"),
        ({"kind": "charm"}, "invalid_input"),
    ],
)
async def test_savings_out_of_range_are_refused_and_nothing_is_written(
    house: Any, changes: dict[str, Any], code: str
) -> None:
    async with house.client() as client:
        ann = await registered(client, "ann")
        refused = await client.post(f"/customers/{ann}/savings", json=saving(**changes))
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert await house.value("SELECT count(*) FROM cost_savings") == 0


async def test_values_are_for_staff_and_of_customers_that_exist(house: Any) -> None:
    async with house.client() as client:
        ann = await registered(client, "ann")
        unknown = [
            await client.get(f"/customers/{uuid4()}/{what}")
            for what in ("values", "value-score", "referrals", "savings")
        ]
        to_nobody = await client.post(f"/customers/{uuid4()}/savings", json=saving())
    async with house.client("customer", customer_id=ann) as client:
        own = [await client.get(f"/customers/{ann}/{what}") for what in ("values", "value-score")]
    assert {one.json()["code"] for one in [*unknown, to_nobody]} == {"customer_not_found"}
    assert [one.status_code for one in own] == [403, 403]
