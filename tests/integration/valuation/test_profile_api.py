"""People, wishes, consent and dates of an account over HTTP, and the profile that shows them all."""

from datetime import timedelta
from typing import Any


async def registered(client: Any, external_id: str = "acme", **more: Any) -> str:
    made = await client.post("/customers", json={"external_id": external_id, **more})
    customer_id: str = made.json()["id"]
    return customer_id


async def test_people_are_added_changed_and_removed_and_one_pays(house: Any) -> None:
    async with house.client("agent") as client:
        account = await registered(client)
        path = f"/customers/{account}/people"
        li = await client.post(
            path,
            json={
                "roles": ["payer", "contact"],
                "name": "李雷",
                "reach": [{"kind": "phone", "value": "+86 10 1"}],
            },
        )
        second = await client.post(path, json={"roles": ["payer"], "name": "Han"})
        han = await client.post(path, json={"roles": ["user"], "name": "Han"})
        tag = han.headers["etag"]
        grab = await client.patch(
            f"{path}/{han.json()['id']}", json={"roles": ["payer"]}, headers={"If-Match": tag}
        )
        renamed = await client.patch(
            f"{path}/{han.json()['id']}", json={"name": "Han M."}, headers={"If-Match": tag}
        )
        stale = await client.delete(f"{path}/{han.json()['id']}", headers={"If-Match": tag})
        gone = await client.delete(f"{path}/{li.json()['id']}", headers={"If-Match": li.headers["etag"]})
        again = await client.delete(f"{path}/{li.json()['id']}", headers={"If-Match": li.headers["etag"]})
        left = (await client.get(path)).json()["items"]
    assert (li.status_code, li.json()["roles"]) == (201, ["payer", "contact"])
    assert (second.status_code, second.json()["code"]) == (409, "payer_already_named")
    assert grab.json()["code"] == "payer_already_named"
    assert renamed.json()["name"] == "Han M."
    assert (stale.status_code, gone.status_code) == (412, 204)
    assert (again.status_code, again.json()["code"]) == (404, "person_not_found")
    assert [(one["name"], one["roles"]) for one in left] == [("Han M.", ["user"])]


async def test_wishes_are_set_whole_and_need_the_etag_once_there_are_some(house: Any) -> None:
    async with house.client() as client:
        path = f"/customers/{await registered(client)}/preferences"
        none = await client.get(path)
        wishes = {
            "language": "zh",
            "timezone": "Asia/Shanghai",
            "quiet_from": "22:00",
            "quiet_until": "07:30",
        }
        first = await client.put(path, json=wishes | {"interests": ["cloud-backup", "cloud-backup"]})
        blind = await client.put(path, json={})
        changed = await client.put(
            path, json={"channel": "email"}, headers={"If-Match": first.headers["etag"]}
        )
        refused = await client.put(
            path, json={"timezone": "Mars/Olympus"}, headers={"If-Match": changed.headers["etag"]}
        )
        held = (await client.get(path)).json()
    assert (none.status_code, none.json()["code"]) == (404, "preferences_not_found")
    assert first.json()["interests"] == ["cloud-backup"]
    assert first.json()["quiet_until"] == "07:30"
    assert blind.status_code == 428
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_timezone")
    assert (held["language"], held["channel"], held["version"]) == (None, "email", 2)


async def test_consent_is_appended_and_told_only_when_what_holds_changes(house: Any) -> None:
    async with house.client() as client:
        account = await registered(client)
        path = f"/customers/{account}/consents"

        async def say(decision: str, **more: Any) -> Any:
            body = {"purpose": "marketing", "channel": "email", "decision": decision, "source": "web_form"}
            return await client.post(path, json=body | more)

        given = await say("given", evidence="form-17")
        await say("given")
        await say("withdrawn", at=(house.clock.now() - timedelta(days=9)).isoformat())
        house.clock.set(house.clock.now() + timedelta(hours=1))
        await say("withdrawn")
        unknown = await say("given", purpose="anything")
        future = await say("given", at=(house.clock.now() + timedelta(days=1)).isoformat())
        page = (await client.get(path, params={"limit": 3})).json()
        rest = (await client.get(path, params={"limit": 3, "cursor": page["next_cursor"]})).json()
        profile = (await client.get(f"/customers/{account}/profile")).json()
    assert (given.status_code, given.json()["purpose_zh"]) == (201, "营销推广")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_purpose")
    assert (future.status_code, future.json()["code"]) == (422, "consent_at_out_of_range")
    assert [one["decision"] for one in page["items"] + rest["items"]] == [
        *("withdrawn", "withdrawn", "given", "given"),
    ]
    assert [one["decision"] for one in profile["consents"]] == ["withdrawn"]
    told = [one for one in await house.events() if one["type"] == "valuation.consent_changed.v1"]
    assert ['"given"' in one["payload"] for one in told] == [True, False]
    assert [one["sequence"] for one in told] == [2, 3]
    assert "form-17" not in "".join(one["payload"] for one in told)


async def test_dates_show_their_next_occurrence_by_either_calendar(house: Any) -> None:
    async with house.client() as client:
        account, other = await registered(client), await registered(client, "other")
        person = (
            await client.post(f"/customers/{account}/people", json={"roles": ["user"], "name": "Li"})
        ).json()["id"]
        path = f"/customers/{account}/important-dates"
        lunar = {"kind": "birthday", "calendar": "lunar", "month": 8, "day": 15, "year": 1990}
        born = await client.post(path, json=lunar | {"person_id": person})
        await client.post(path, json={"kind": "contract_renewal", "month": 2, "day": 1})
        impossible = await client.post(path, json=lunar | {"year": 2026, "is_leap_month": True})
        foreign = await client.post(f"/customers/{other}/important-dates", json=lunar | {"person_id": person})
        listed = (await client.get(path)).json()["items"]
        removed = await client.delete(f"{path}/{listed[1]['id']}")
        again = await client.delete(f"{path}/{listed[1]['id']}")
    assert (born.json()["next_on"], born.json()["words_zh"]) == ("2026-09-25", "农历八月十五")
    assert (impossible.status_code, impossible.json()["code"]) == (422, "impossible_date")
    assert impossible.json()["errors"][0]["field"] == "is_leap_month"
    assert (foreign.status_code, foreign.json()["code"]) == (422, "unknown_person")
    assert [one["next_on"] for one in listed] == ["2026-09-25", "2027-02-01"]
    assert (removed.status_code, again.json()["code"]) == (204, "important_date_not_found")


async def test_the_profile_shows_all_of_it_to_staff_and_to_the_customer(house: Any) -> None:
    async with house.client() as client:
        account = await registered(client, display_name="Acme")
        await client.post(f"/customers/{account}/people", json={"roles": ["user"], "name": "Li"})
        await client.put(f"/customers/{account}/preferences", json={"language": "zh"})
        await client.post(
            f"/customers/{account}/important-dates", json={"kind": "other", "month": 1, "day": 1}
        )
        await client.post(
            "/transactions",
            json={
                "external_id": "t",
                "customer_id": account,
                "amount_minor": 500,
                "occurred_at": "2026-03-01",
            },
        )
        profile = (await client.get(f"/customers/{account}/profile")).json()
    async with house.client("customer", customer_id=account) as own:
        seen = await own.get(f"/customers/{account}/profile")
    assert profile["customer"]["display_name"] == "Acme"
    assert [one["name"] for one in profile["people"]] == ["Li"]
    assert profile["preferences"]["language"] == "zh"
    assert profile["important_dates"][0]["next_on"] == "2027-01-01"
    assert [one["external_id"] for one in profile["last_transactions"]] == ["t"]
    assert (profile["insights"], profile["merged_ids"]) == ([], [])
    assert seen.json() == profile


OF_ONE_CUSTOMER = [
    ("GET", "/profile", None),
    ("GET", "/people", None),
    ("GET", "/preferences", None),
    ("GET", "/consents", None),
    ("GET", "/important-dates", None),
    ("GET", "/export", None),
    ("PUT", "/preferences", {}),
    ("POST", "/important-dates", {"kind": "other", "month": 1, "day": 1}),
    (
        "POST",
        "/consents",
        {"purpose": "marketing", "channel": "email", "decision": "given", "source": "x"},
    ),
]


async def test_other_customers_do_not_exist_for_a_customer(house: Any) -> None:
    async with house.client() as staff:
        own, other = await registered(staff, "own"), await registered(staff, "other")
    async with house.client("customer", customer_id=own) as client:
        for method, tail, body in OF_ONE_CUSTOMER:
            hidden = await client.request(method, f"/customers/{other}{tail}", json=body)
            assert (hidden.status_code, hidden.json()["code"]) == (404, "customer_not_found"), (method, tail)
