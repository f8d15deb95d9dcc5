"""Insights end to end: from events and the passing of days to suggestions, what came of them, and the report."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.valuation.domain.insights.control_group import is_held_back
from services.valuation.domain.insights.rules import InsightRules
from services.valuation.usecases.note_scores import Score, note_scores
from services.valuation.workers.insights import InsightLoop
from shared.contracts.complaints import ComplaintReceivedV1, ComplaintSatisfactionRecordedV1
from shared.contracts.ticketing import FollowUpRecordedV1
from shared.kernel.context import Actor
from shared.kernel.ids import new_id


async def account(client: Any, name: str) -> str:
    made: str = (await client.post("/customers", json={"external_id": name})).json()["id"]
    return made


async def nobody_held_back(client: Any, **figures: Any) -> None:
    made = await client.post("/insight-rules", json={"control_share": 0} | figures)
    assert made.status_code == 201, made.text


async def buy(client: Any, customer: str, day: str, amount: int = 100) -> None:
    booked = await client.post(
        "/transactions",
        json={
            "external_id": f"{customer}-{day}",
            "customer_id": customer,
            "amount_minor": amount,
            "occurred_at": day,
        },
    )
    assert booked.status_code == 201, booked.text


async def suggested(client: Any, **filters: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await client.get("/insights", params=filters)).json()["items"]
    return items


def follow_up(customer: str, csat: int | None, nps: int | None = None) -> FollowUpRecordedV1:
    return FollowUpRecordedV1(
        ticket_id=new_id(), follow_up_id=new_id(), customer_id=UUID(customer), csat=csat, nps=nps
    )


async def test_a_low_answer_raises_one_insight_however_often_it_is_told(house: Any) -> None:
    async with house.client("agent") as client:
        customer = await account(client, "c")
        low, high, stranger = follow_up(customer, 1, 3), follow_up(customer, 5), follow_up(str(new_id()), 1)
        for event in (low, low, high, stranger):
            await house.told(event, key=event.ticket_id)
        [insight] = await suggested(client)
    assert (insight["kind"], insight["status"], insight["owner"]) == (
        "low_satisfaction",
        "open",
        "service_lead",
    )
    assert insight["reason"] == "They answered CSAT 1/5 and NPS 3/10 after a request."
    assert insight["reason_zh"] == "客户在工单结束后的回访中评分为CSAT 1/5、NPS 3/10。"
    assert insight["due_at"] == "2026-03-04T09:00:00Z"
    [told] = [one for one in await house.events() if one["type"] == "valuation.insight_raised.v1"]
    assert (str(told["key"]), told["sequence"]) == (customer, 2)
    assert json.loads(told["payload"])["insight_id"] == insight["id"]


async def test_a_complaint_of_a_top_tier_and_a_plain_no_afterwards_are_two_things_to_do(house: Any) -> None:
    async with house.client() as client:
        top, plain = await account(client, "top"), await account(client, "plain")
        await buy(client, top, "2026-02-01", amount=50_000)
        for customer in (top, plain):
            received = ComplaintReceivedV1(
                complaint_id=new_id(),
                number="K",
                customer_id=UUID(customer),
                channel="phone",
                severity="minor",
                received_at=house.clock.now(),
            )
            await house.told(received, key=received.complaint_id)
            if customer == top:
                answer = ComplaintSatisfactionRecordedV1(
                    complaint_id=received.complaint_id, satisfied=False, score=None
                )
                await house.told(answer, key=received.complaint_id)
        unknown = ComplaintSatisfactionRecordedV1(complaint_id=new_id(), satisfied=False, score=None)
        await house.told(unknown, key=unknown.complaint_id)
        found = await suggested(client)
    assert [(one["kind"], one["customer_id"]) for one in found] == [
        ("low_satisfaction", top),
        ("complaint_on_top_tier", top),
    ]
    assert found[1]["reason"] == "A complaint came in from an account on tier platinum."


async def test_an_overdue_purchase_is_found_on_its_day_once_for_each_silence(house: Any) -> None:
    async with house.client() as client:
        await nobody_held_back(client)
        customer = await account(client, "c")
        for day in ("2026-02-01", "2026-02-11", "2026-02-21"):
            await buy(client, customer, day)
        # Every ten days: overdue after twenty of silence, on 13 March.
        house.clock.set(datetime(2026, 3, 12, 23, 59, tzinfo=UTC))
        await house.look()
        early = await suggested(client)
        due = await house.loop(InsightLoop).next_due_at()
        house.clock.set(datetime(2026, 3, 13, tzinfo=UTC))
        await house.look()
        [found] = await suggested(client)
        for _ in range(20):
            house.clock.set(house.clock.now() + timedelta(days=1))
            await house.look()
        still = await suggested(client, kind="purchase_overdue")
        await buy(client, customer, "2026-04-01")
        for _ in range(70):
            house.clock.set(house.clock.now() + timedelta(days=1))
            await house.look()
        again = await suggested(client, kind="purchase_overdue")
    assert early == []
    assert due == datetime(2026, 3, 13, tzinfo=UTC)
    assert found["reason"].startswith("They buy every 10 days as a rule; the last purchase was 20 days ago")
    assert len(still) == 1
    assert [one["status"] for one in again] == ["expired", "expired"]


async def test_looks_cost_by_what_is_due_and_not_by_how_many_customers_there_are(house: Any) -> None:
    async with house.client() as client:
        for number in range(30):
            await account(client, f"c{number}")
    house.clock.set(house.clock.now() + timedelta(days=1))
    assert await house.look() == 30
    assert await house.look() == 0
    for _ in range(60):
        house.clock.set(house.clock.now() + timedelta(days=1))
        await house.look()
    looks = [0]
    for _ in range(60):
        house.clock.set(house.clock.now() + timedelta(days=1))
        looks.append(await house.look())
    # Who has been silent for two months is looked at once a month.
    assert sum(looks) <= 30 * 3


async def test_a_near_date_is_told_of_in_time_each_year_without_its_label(house: Any) -> None:
    async with house.client() as client:
        await nobody_held_back(client)
        customer = await account(client, "c")
        date = {"kind": "birthday", "calendar": "lunar", "month": 8, "day": 15, "label": "secret-label"}
        await client.post(f"/customers/{customer}/important-dates", json=date)
        house.clock.set(datetime(2026, 9, 17, 12, tzinfo=UTC))
        await house.look()
        before = await suggested(client)
        house.clock.set(datetime(2026, 9, 18, tzinfo=UTC))
        await house.look()
        await house.look()
        [found] = await suggested(client)
        house.clock.set(datetime(2027, 9, 8, tzinfo=UTC))
        await house.look()
        years = await suggested(client)
    assert before == []
    assert found["reason"] == "Birthday (day 15 of lunar month 8) falls on 2026-09-25."
    assert found["reason_zh"] == "生日（农历八月十五）为2026-09-25。"
    assert [one["status"] for one in years] == ["open", "expired"]
    assert "2027-09-15" in years[0]["reason"]
    assert "secret-label" not in json.dumps(years)


async def test_scores_raise_churn_risk_once_in_a_quiet_period_and_set_when_to_look(house: Any) -> None:
    async with house.client() as client:
        await nobody_held_back(client)
        customer = UUID(await account(client, "c"))
        await buy(client, str(customer), "2026-03-01")

        async def score(p_alive: float | None, expected_on: Any = None) -> int:
            given = [Score(customer, p_alive, expected_on), Score(new_id(), 0.1)]
            raised = await house.service.database.run(
                lambda work: note_scores(given, work, house.valuation), actor=Actor("system", "scores")
            )
            return len(raised)

        expected = datetime(2026, 3, 6, tzinfo=UTC).date()
        assert [await score(0.9), await score(0.4, expected)] == [0, 1]
        assert [await score(0.95, expected), await score(0.2, expected)] == [0, 0]
        house.clock.set(datetime(2026, 3, 11, tzinfo=UTC))
        await house.look()
        found = await suggested(client)
    assert [one["kind"] for one in found] == ["purchase_overdue", "churn_risk_rose"]
    assert found[0]["reason"] == (
        "The next purchase was expected on 2026-03-06; the last one was 10 days ago, on 2026-03-01."
    )
    assert found[1]["reason"] == "The probability that they are still a customer fell from 90% to 40%."


async def test_an_insight_is_taken_by_one_person_and_ends_with_an_outcome(house: Any) -> None:
    async with house.client("agent") as client:
        customer = await account(client, "c")
        for _ in range(2):
            event = follow_up(customer, 1)
            await house.told(event, key=event.ticket_id)
        one, two = await suggested(client)
        path = f"/insights/{one['id']}"
        tag = (await client.get(path)).headers["etag"]
        early = await client.post(
            f"{path}/outcome", json={"outcome": "reconciled"}, headers={"If-Match": tag}
        )
        taken = await client.post(f"{path}/taking", headers={"If-Match": tag})
        stale = await client.post(f"{path}/taking", headers={"If-Match": tag})
        twice = await client.post(f"{path}/taking", headers={"If-Match": taken.headers["etag"]})
        done = await client.post(
            f"{path}/outcome",
            json={"outcome": "reconciled", "note": "called, all well"},
            headers={"If-Match": taken.headers["etag"]},
        )
        late = await client.post(
            f"{path}/dismissal", json={"reason": "other"}, headers={"If-Match": done.headers["etag"]}
        )
        dismissed = await client.post(
            f"/insights/{two['id']}/dismissal",
            json={"reason": "handled_already"},
            headers={"If-Match": '"1"'},
        )
        missing = await client.get(f"/insights/{new_id()}")
        open_ones = await suggested(client, status="open")
    assert (early.status_code, early.json()["code"]) == (409, "insight_not_taken")
    assert (taken.json()["status"], taken.json()["taken_by"][:6]) == ("taken", "agent:")
    assert stale.status_code == 412
    assert (twice.status_code, twice.json()["code"]) == (409, "insight_already_taken")
    assert (done.json()["status"], done.json()["outcome"]) == ("done", "reconciled")
    assert (late.status_code, late.json()["code"]) == (409, "insight_ended")
    assert (dismissed.json()["status"], dismissed.json()["outcome"]) == ("dismissed", "handled_already")
    assert missing.json()["code"] == "insight_not_found"
    assert open_ones == []


async def test_customers_see_no_insights(house: Any) -> None:
    async with house.client() as staff:
        own = await account(staff, "own")
        event = follow_up(own, 1)
        await house.told(event, key=event.ticket_id)
        assert len((await staff.get(f"/customers/{own}/profile")).json()["insights"]) == 1
    async with house.client("customer", customer_id=own) as client:
        assert (await client.get("/insights")).status_code == 403
        assert (await client.get(f"/customers/{own}/profile")).json()["insights"] == []


async def test_the_held_back_are_recorded_shown_to_nobody_and_compared(house: Any) -> None:
    share, people = 0.5, 140
    async with house.client() as client:
        rules = {"control_share": share, "control_seed": "test"}
        assert (await client.post("/insight-rules", json=rules)).status_code == 201
        drawn = InsightRules(2, control_share=share, control_seed="test")
        customers = [await account(client, f"c{number}") for number in range(people)]
        for customer in customers:
            date = {"kind": "birthday", "month": 3, "day": 20}
            await client.post(f"/customers/{customer}/important-dates", json=date)
        house.clock.set(datetime(2026, 3, 13, 8, tzinfo=UTC))
        await house.look()
        held = {one for one in customers if is_held_back(UUID(one), "important_date_near", drawn)}
        shown = await suggested(client, limit=200)
        events = [one for one in await house.events() if one["type"] == "valuation.insight_raised.v1"]
        hidden = await house.value("SELECT id FROM insights WHERE is_control LIMIT 1")
        refused = await client.get(f"/insights/{hidden}")
        # Of those who got a greeting three in four come back within thirty days; of the others one in four.
        house.clock.set(datetime(2026, 3, 25, tzinfo=UTC))
        for group, comes_back in ((set(customers) - held, (0, 1, 2)), (held, (3,))):
            for place, customer in enumerate(sorted(group)):
                if place % 4 in comes_back:
                    await buy(client, customer, "2026-03-24")
        await buy(client, min(held), "2026-02-24")
        house.clock.set(datetime(2026, 6, 1, tzinfo=UTC))
        report = (await client.get("/reports/insights")).json()
        soon = (await client.get("/reports/insights", params={"days": 100})).json()
        empty = await client.get(
            "/reports/insights", params={"since": "2026-03-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}
        )
    assert 30 <= len(held) <= people - 30
    assert {one["customer_id"] for one in shown} == set(customers) - held
    assert len(events) == len(shown)
    assert refused.json()["code"] == "insight_not_found"
    kinds = {one["kind"]: one for one in report["kinds"]}
    found = kinds["important_date_near"]
    assert found["held_back"]["customers"] == len(held)
    assert found["shown"]["customers"] == people - len(held)
    assert found["shown"]["rate"]["estimate"] > found["held_back"]["rate"]["estimate"]
    assert found["difference"]["low"] > 0
    assert found["verdict"] == "helped"
    assert kinds["low_satisfaction"]["verdict"] == "no_control_group"
    assert kinds["purchase_overdue"]["verdict"] == "too_few"
    # Not all of these had a hundred days yet.
    assert all(one["shown"]["customers"] == 0 for one in soon["kinds"])
    assert empty.status_code == 422


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"control_share": 0.9}, "control_share"),
        (
            {"kinds": {"low_satisfaction": {"due_days": 9, "expires_days": 3}}},
            "kinds.low_satisfaction.due_days",
        ),
        ({"kinds": {"sunshine": {}}}, "kinds.sunshine.[key]"),
    ],
)
async def test_impossible_rules_name_the_field_and_change_nothing(house: Any, body: Any, field: str) -> None:
    async with house.client() as client:
        refused = await client.post("/insight-rules", json=body)
        versions = (await client.get("/insight-rules")).json()["items"]
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == field
    assert [one["version"] for one in versions] == [1]


async def test_a_kind_that_is_switched_off_raises_nothing(house: Any) -> None:
    async with house.client() as client:
        await nobody_held_back(client, kinds={"low_satisfaction": {"is_enabled": False}})
        event = follow_up(await account(client, "c"), 1)
        await house.told(event, key=event.ticket_id)
        assert await suggested(client) == []
