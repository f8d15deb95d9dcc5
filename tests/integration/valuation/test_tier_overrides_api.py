"""Overrides, contests and explanations through the API."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

UNTIL = "2026-06-01T00:00:00Z"
NOBODY = "01957a3e-5c00-7000-8000-000000000001"


async def customer(client: Any, amount: int = 4000) -> str:
    made = await client.post("/customers", json={"external_id": "c"})
    entry = {
        "external_id": "t",
        "customer_external_id": "c",
        "amount_minor": amount,
        "occurred_at": "2026-03-01",
    }
    await client.post("/transactions", json=entry)
    customer_id: str = made.json()["id"]
    return customer_id


async def tier_events(house: Any) -> list[dict[str, Any]]:
    return [one for one in await house.events() if one["type"] == "valuation.customer_tier_changed.v1"]


async def test_a_decision_holds_the_tier_and_ends_by_itself(house: Any) -> None:
    async with house.client("supervisor") as client:
        customer_id = await customer(client)
        path = f"/customers/{customer_id}"
        made = await client.post(
            f"{path}/tier-overrides",
            json={"tier": "platinum", "reason": "partner", "expires_at": UNTIL, "owner": "key accounts"},
        )
        during = (await client.get(f"{path}/tier/explanation")).json()
        await house.advance(datetime(2026, 6, 1, tzinfo=UTC))
        after = (await client.get(path)).json()
        ended = (await client.get(made.headers["location"].removeprefix("/valuation/v1"))).json()
        await house.pass_days(56)
        demoted = (await client.get(path)).json()["tier"]
        history = (await client.get(f"{path}/tier-history")).json()["items"]
    assert (made.status_code, made.json()["owner"], made.json()["previous_tier"]) == (
        201,
        "key accounts",
        "silver",
    )
    assert during["tier"] == "platinum"
    assert during["override"] == {"id": made.json()["id"], "until": UNTIL}
    assert [one["code"] for one in during["sentences"]] == [
        "held",
        "decided_by_person",
        "value",
        "override",
        "basis",
        "contest",
    ]
    assert "partner" not in str(during)
    assert (ended["ended_how"], ended["ended_at"], ended["version"]) == ("expired", UNTIL, 2)
    assert (after["tier"], after["tier_outlook"]["state"], after["tier_outlook"]["warned_at"]) == (
        "platinum",
        "warned",
        UNTIL,
    )
    assert demoted == "gold"
    assert [line["reason"] for line in history] == ["demotion", "override", "promotion", "initial"]
    assert history[1]["override_id"] == made.json()["id"]
    published = json.loads((await tier_events(house))[1]["payload"])
    assert (published["reason"], published["override_id"]) == ("promotion", made.json()["id"])


async def test_a_withdrawn_decision_is_judged_at_once(house: Any) -> None:
    async with house.client("supervisor") as client:
        customer_id = await customer(client)
        wanted = {"tier": "standard", "reason": "abuse", "expires_at": UNTIL}
        made = await client.post(f"/customers/{customer_id}/tier-overrides", json=wanted)
        path = f"/tier-overrides/{made.json()['id']}/withdrawal"
        blind = await client.post(path, json={"reason": "a mistake"})
        ended = await client.post(
            path, json={"reason": "a mistake"}, headers={"If-Match": made.headers["etag"]}
        )
        again = await client.post(
            path, json={"reason": "a mistake"}, headers={"If-Match": ended.headers["etag"]}
        )
        tier = (await client.get(f"/customers/{customer_id}")).json()["tier"]
        listed = (await client.get(f"/customers/{customer_id}/tier-overrides")).json()["items"]
    assert (blind.status_code, ended.status_code) == (428, 200)
    assert (ended.json()["ended_how"], ended.json()["end_reason"]) == ("withdrawn", "a mistake")
    assert again.json()["code"] == "tier_override_ended"
    assert tier == "silver"
    assert listed == [ended.json()]


@pytest.mark.parametrize(
    ("changes", "status", "code", "field"),
    [
        ({"tier": "diamond"}, 422, "unknown_tier", "tier"),
        ({"expires_at": "2026-03-01T00:00:00Z"}, 422, "override_expiry_out_of_range", "expires_at"),
        ({"expires_at": "2036-03-01T00:00:00Z"}, 422, "override_expiry_out_of_range", "expires_at"),
        ({"expires_at": None}, 422, "invalid_input", "expires_at"),
        ({"reason": ""}, 422, "invalid_input", "reason"),
    ],
)
async def test_a_decision_without_tier_reason_or_end_writes_nothing(
    house: Any, changes: dict[str, Any], status: int, code: str, field: str
) -> None:
    async with house.client("supervisor") as client:
        customer_id = await customer(client)
        wanted = {"tier": "gold", "reason": "partner", "expires_at": UNTIL, **changes}
        refused = await client.post(f"/customers/{customer_id}/tier-overrides", json=wanted)
        missing = {name: value for name, value in wanted.items() if value is not None}
        unknown = await client.post(f"/customers/{NOBODY}/tier-overrides", json={**missing, "tier": "gold"})
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert refused.json()["errors"][0]["field"] == field
    assert unknown.status_code in (404, 422)
    assert await house.value("SELECT count(*) FROM tier_overrides") == 0
    assert len(await tier_events(house)) == 1


async def test_a_customer_contests_and_a_supervisor_grants_it(house: Any) -> None:
    async with house.client("admin") as admin:
        customer_id = await customer(admin)
    async with house.client("customer", customer_id=customer_id) as own:
        filed = await own.post(
            f"/customers/{customer_id}/tier-contests",
            json={"tier": "silver", "grounds": "I pay for two accounts"},
        )
        twice = await own.post(
            f"/customers/{customer_id}/tier-contests", json={"tier": "silver", "grounds": "again"}
        )
        foreign = await own.post(
            f"/customers/{NOBODY}/tier-contests", json={"tier": "silver", "grounds": "x"}
        )
    contest = f"/tier-contests/{filed.json()['id']}"
    decision = {"outcome": "overridden", "reason": "two accounts", "tier": "gold", "expires_at": UNTIL}
    async with house.client("supervisor") as client:
        queue = (await client.get("/tier-contests", params={"status": "open"})).json()["items"]
        early = await client.post(
            f"{contest}/decision", json=decision, headers={"If-Match": filed.headers["etag"]}
        )
        taken = await client.post(f"{contest}/reviewer", headers={"If-Match": filed.headers["etag"]})
        etag = {"If-Match": taken.headers["etag"]}
        endless = await client.post(
            f"{contest}/decision", json={**decision, "expires_at": None}, headers=etag
        )
        unknown = await client.post(f"{contest}/decision", json={**decision, "tier": "diamond"}, headers=etag)
        decided = await client.post(f"{contest}/decision", json=decision, headers=etag)
        profile = (await client.get(f"/customers/{customer_id}")).json()
        audit = (await client.get(contest)).json()
        override = (await client.get(f"/tier-overrides/{decided.json()['override_id']}")).json()
    async with house.client("customer", customer_id=NOBODY) as stranger:
        hidden = await stranger.get(contest)
        unseen = await stranger.post(f"{contest}/withdrawal", headers=etag)
    assert (filed.status_code, filed.json()["status"], filed.json()["value_minor"]) == (201, "open", 1200)
    assert (twice.json()["code"], foreign.status_code) == ("tier_contest_already_open", 404)
    assert [one["id"] for one in queue] == [filed.json()["id"]]
    assert early.json()["code"] == "tier_contest_not_open"
    assert (endless.json()["code"], unknown.json()["code"]) == ("contest_override_incomplete", "unknown_tier")
    assert (decided.json()["status"], profile["tier"]) == ("overridden", "gold")
    assert (override["contest_id"], override["reason"]) == (filed.json()["id"], "two accounts")
    assert [(step["command"], step["reason"]) for step in audit["steps"]] == [
        ("file", None),
        ("take", None),
        ("override", "two accounts"),
    ]
    assert (hidden.status_code, unseen.status_code) == (404, 404)
    assert "two accounts" not in str(await house.events())


async def test_a_contest_is_upheld_with_a_reason_or_taken_back(house: Any) -> None:
    async with house.client("agent") as agent, house.client("supervisor") as client:
        customer_id = await customer(client)
        path = f"/customers/{customer_id}/tier-contests"
        first = await agent.post(path, json={"tier": "silver", "grounds": "by phone"})
        taken = await client.post(
            f"/tier-contests/{first.json()['id']}/reviewer", headers={"If-Match": first.headers["etag"]}
        )
        decision = f"/tier-contests/{first.json()['id']}/decision"
        etag = {"If-Match": taken.headers["etag"]}
        mixed = await client.post(
            decision, json={"outcome": "upheld", "reason": "r", "tier": "gold"}, headers=etag
        )
        upheld = await client.post(decision, json={"outcome": "upheld", "reason": "it stands"}, headers=etag)
        second = await agent.post(path, json={"tier": "silver", "grounds": "again"})
        withdrawn = await agent.post(
            f"/tier-contests/{second.json()['id']}/withdrawal", headers={"If-Match": second.headers["etag"]}
        )
        listed = (await agent.get(path)).json()["items"]
        denied = await agent.post(decision, json={"outcome": "upheld", "reason": "mine"}, headers=etag)
    assert mixed.status_code == 422
    assert (upheld.json()["status"], upheld.json()["reason"]) == ("upheld", "it stands")
    assert withdrawn.json()["status"] == "withdrawn"
    assert [one["status"] for one in listed] == ["withdrawn", "upheld"]
    assert denied.status_code == 403


async def test_there_must_be_something_to_contest(house: Any) -> None:
    async with house.client("admin") as client:
        customer_id = await customer(client, 30_000)
        path = f"/customers/{customer_id}/tier-contests"
        top = await client.post(path, json={"tier": "platinum", "grounds": "more"})
        other = await client.post(path, json={"tier": "gold", "grounds": "what"})
        empty = await client.post(path, json={"tier": "platinum", "grounds": ""})
        missing = await client.get(f"/tier-contests/{NOBODY}")
    assert (top.json()["code"], other.json()["code"]) == ("nothing_to_contest", "tier_not_held")
    assert (empty.status_code, missing.json()["code"]) == (422, "tier_contest_not_found")
    assert await house.value("SELECT count(*) FROM tier_contests") == 0


async def test_who_decided_on_a_tier_does_not_review_the_contest_of_it(house: Any) -> None:
    async with house.client("supervisor", subject="first") as first, house.client("supervisor") as second:
        customer_id = await customer(first)
        wanted = {"tier": "standard", "reason": "abuse", "expires_at": UNTIL}
        await first.post(f"/customers/{customer_id}/tier-overrides", json=wanted)
        filed = await second.post(
            f"/customers/{customer_id}/tier-contests", json={"tier": "standard", "grounds": "no abuse"}
        )
        reviewer = f"/tier-contests/{filed.json()['id']}/reviewer"
        answers = [
            await client.post(reviewer, headers={"If-Match": filed.headers["etag"]})
            for client in (first, second)
        ]
    assert [answer.json()["code"] for answer in answers] == ["own_contest", "own_contest"]


async def test_a_demotion_warning_is_explained_with_what_keeps_the_tier(house: Any) -> None:
    async with house.client("admin") as client:
        customer_id = await customer(client)
        await house.pass_days(364)
        path = f"/customers/{customer_id}/tier/explanation"
        explained = (await client.get(path)).json()
        unknown = await client.get(f"/customers/{NOBODY}/tier/explanation")
    async with house.client("customer", customer_id=customer_id) as own:
        same = (await own.get(path)).json()
    warned = next(one for one in explained["sentences"] if one["code"] == "warned")
    assert "9.00 USD keeps silver, 9.00 USD is missing today" in warned["en"]
    assert "降为 standard" in warned["zh"]
    assert explained["last_change"]["reason"] == "promotion"
    assert same == explained
    assert unknown.json()["code"] == "customer_not_found"


async def test_a_rebuild_leaves_a_decision_alone(house: Any) -> None:
    async with house.client("supervisor") as client:
        customer_id = await customer(client)
        wanted = {"tier": "platinum", "reason": "partner", "expires_at": UNTIL}
        await client.post(f"/customers/{customer_id}/tier-overrides", json=wanted)
        refund = {"external_id": "r", "customer_id": customer_id, "kind": "refund", "amount_minor": 4000}
        await client.post(
            "/transactions", json={**refund, "corrects_external_id": "t", "occurred_at": "2026-03-02"}
        )
        await house.pass_days(30)
        tier = (await client.get(f"/customers/{customer_id}")).json()["tier"]
    assert tier == "platinum"
    assert await house.value("SELECT next_review_at FROM standings") == datetime(2026, 6, 1, tzinfo=UTC)
    assert house.clock.now() < datetime(2026, 6, 1, tzinfo=UTC) - timedelta(days=1)
