"""The indicator system: versions, previews, measurements, and scores in words."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.valuation.domain.indicators.sources import SOURCES
from services.valuation.domain.indicators.weighing import weigh
from services.valuation.persistence import indicator_facts, indicator_systems
from services.valuation.persistence.indicator_facts import Moment
from services.valuation.usecases import measure_population
from services.valuation.usecases.note_service_case import (
    NoteCaseOpened,
    NoteFollowUp,
    note_service_case,
)
from services.valuation.workers.measurements import ACTOR, MeasurementLoop

CIRCLE = [["1", "3", "1/3"], ["1/3", "1", "3"], ["3", "1/3", "1"]]
WEIGHTING = {"method": "ahp", "matrix": [[1, "3"], ["1/3", 1]]}


def group(name: str, *sources: str, weighting: dict[str, Any] | None = None) -> dict[str, Any]:
    even = {"method": "given", "weights": [1 / len(sources) for _ in sources]}
    return {
        "name": name,
        "label": name.title(),
        "label_zh": "组",
        "indicators": [{"source": source} for source in sources],
        "weighting": weighting or even,
    }


def system(*groups: dict[str, Any], weighting: dict[str, Any] | None = None) -> dict[str, Any]:
    even = {"method": "given", "weights": [1 / len(groups) for _ in groups]}
    return {"groups": list(groups), "weighting": weighting or even}


BUYING = system(group("value", "realised_margin", "frequency", weighting=WEIGHTING), group("time", "recency"))


async def bought(client: Any, count: int) -> list[str]:
    """`count` customers, each with one purchase more expensive than the one before's."""
    rows = "\n".join(
        f"b{place},b{place}-1,{100 * (place + 1)},{(datetime(2026, 3, 1) - timedelta(days=place)).date()}"
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
    ids = {row["external_id"]: row["id"] for row in listed}
    return [ids[f"b{place}"] for place in range(count)]


async def measure(house: Any) -> int:
    """Every step of what is running or due."""
    steps = 0
    while await house.loop(MeasurementLoop).run_once():
        steps += 1
    return steps


async def test_the_first_version_is_there_and_its_weights_are_those_of_its_matrices(house: Any) -> None:
    async with house.service.database.session() as session:
        stored = await indicator_systems.newest(session)
    stored.system.check()
    assert weigh(stored.system, None).of_sources(stored.system) == pytest.approx(
        stored.weights.of_sources(stored.system), abs=1e-11
    )
    async with house.client() as client:
        shown = (await client.get("/indicator-systems/1")).json()
    assert shown["version"] == 1
    assert sum(one["weight"] for each in shown["groups"] for one in each["indicators"]) == pytest.approx(1)
    assert shown["weighting"]["consistency"]["is_consistent"]
    assert "complaints" not in {one["source"] for each in shown["groups"] for one in each["indicators"]}


async def test_a_new_version_is_in_force_at_once_and_the_old_one_stays(house: Any) -> None:
    async with house.client() as client:
        made = await client.post("/indicator-systems", json=BUYING)
        listed = (await client.get("/indicator-systems")).json()["items"]
        again = (await client.get("/indicator-systems/2")).json()
        none = await client.get("/indicator-systems/3")
    assert (made.status_code, made.headers["location"]) == (201, "/valuation/v1/indicator-systems/2")
    assert [one["version"] for one in listed] == [2, 1]
    assert again == made.json()
    value, time = again["groups"]
    assert [one["weight"] for one in value["indicators"]] == pytest.approx([0.375, 0.125])
    assert time["indicators"][0]["direction"] == "lower"
    assert (none.status_code, none.json()["code"]) == (404, "indicator_system_not_found")


async def test_contradictory_judgements_are_shown_in_the_preview_and_refused_by_the_command(
    house: Any,
) -> None:
    wrong = system(
        group("a", "recency", "frequency", "tenure", weighting={"method": "ahp", "matrix": CIRCLE})
    )
    async with house.client() as client:
        preview = await client.post("/indicator-system-previews", json=wrong)
        refused = await client.post("/indicator-systems", json=wrong)
    assert preview.status_code == 200
    assert preview.json()["is_consistent"] is False
    worst = preview.json()["groups"][0]["weighting"]["consistency"]["worst_judgements"][0]
    assert (worst["row"], worst["column"], worst["given"], worst["suggested"]) == (0, 1, 3, "1/9")
    assert worst["words_zh"] == "您判断 recency 的重要性是 frequency 的 3 倍；其余判断对应 1/9 倍"
    assert (refused.status_code, refused.json()["code"]) == (422, "judgements_inconsistent")
    assert refused.json()["errors"][0] == {
        "field": "groups[0].weighting.matrix[0][1]",
        "rule": "consistency",
        "message": worst["words"],
    }
    assert await house.value("SELECT max(version) FROM indicator_systems") == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (system(group("a", "age")), 422, "indicator_source_unknown"),
        (system(group("a", "spend", "spend")), 422, "indicator_repeated"),
        (system(group("a", "referrals", "spend")), 422, "influence_mixed"),
        (
            system(group("a", "spend"), weighting={"method": "given", "weights": [0.5]}),
            422,
            "weights_do_not_sum",
        ),
        (system(group("a", "spend"), weighting={"method": "ahp"}), 422, "weighting_incomplete"),
        (
            system(group("a", "spend", "tenure", weighting={"method": "ahp", "matrix": [[1, 2], [2, 1]]})),
            422,
            "judgements_not_reciprocal",
        ),
        (
            system(group("a", "spend", "tenure", weighting={"method": "ahp", "matrix": [[1, 12], [0.1, 1]]})),
            422,
            "judgement_out_of_range",
        ),
        (
            system(group("a", "spend"), weighting={"method": "ahp", "matrix": [[1, 1], [1, 1]]}),
            422,
            "judgement_matrix_not_square",
        ),
        (
            system(group("a", "spend", "tenure", weighting={"method": "entropy"})),
            409,
            "population_not_measured",
        ),
    ],
)
async def test_systems_that_make_no_sense_are_refused_and_nothing_is_written(
    house: Any, body: dict[str, Any], status: int, code: str
) -> None:
    async with house.client() as client:
        for path in ("/indicator-systems", "/indicator-system-previews"):
            refused = await client.post(path, json=body)
            assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert await house.value("SELECT max(version) FROM indicator_systems") == 1


async def test_the_sources_are_a_closed_list_in_both_languages(house: Any) -> None:
    async with house.client("agent") as client:
        sources = (await client.get("/indicator-sources")).json()["items"]
    assert {one["name"] for one in sources} == set(SOURCES)
    assert all(one["label"] and one["label_zh"] for one in sources)


async def test_a_score_waits_for_a_measurement_and_then_says_what_it_rests_on(house: Any) -> None:
    async with house.client() as client:
        customers = await bought(client, 50)
        await client.post("/indicator-systems", json=BUYING)
        early = await client.get(f"/customers/{customers[0]}/value-score")
        started = await client.post("/indicator-measurements")
        job = started.headers["location"].removeprefix("/valuation/v1")
        same = (await client.post("/indicator-measurements")).json()["id"]
        assert await measure(house) == 1
        done = (await client.get(job)).json()
        best = (await client.get(f"/customers/{customers[49]}/value-score")).json()
        first = (
            await client.get(f"/customers/{customers[49]}/value-score", params={"system_version": 1})
        ).json()
        none = await client.get(f"/customers/{customers[49]}/value-score", params={"system_version": 9})
        page = (await client.get("/value-scores", params={"limit": 30})).json()
        rest = await client.get("/value-scores", params={"limit": 30, "cursor": page["next_cursor"]})
        erased = await client.post(f"/customers/{customers[0]}/erasure", json={"reason": "customer_request"})
        left = (await client.get("/value-scores", params={"limit": 200})).json()["items"]
    assert (early.status_code, early.json()["code"]) == (409, "population_not_measured")
    assert (started.status_code, started.json()["state"], same) == (202, "running", started.json()["id"])
    assert (done["state"], done["progress"], done["customers"]) == ("completed", 1.0, 50)
    margin, frequency, recency = best["contributions"]
    assert margin["value"] == 1_500
    assert margin["points"] == pytest.approx(37.5, abs=0.5)
    assert frequency["share_level"] == 1
    assert frequency["points"] == pytest.approx(12.5 / 2)
    assert recency["points"] == pytest.approx(0, abs=0.5)
    assert best["points"] == pytest.approx(sum(one["points"] for one in best["contributions"]))
    assert (best["coverage"], best["system_version"], best["measured_customers"]) == (1, 2, 50)
    assert margin["words"].startswith("Margin brought so far: USD 15.00, more than about 9")
    assert best["words"].endswith(
        "What helps most: margin brought so far. What holds back most: time since the last purchase."
    )
    assert best["words_zh"].endswith("主要加分项：累计毛利。主要减分项：距上次购买。")
    assert first["system_version"] == 1
    assert 0 < first["coverage"] < 1
    missing = {one["source"]: one["missing"] for one in first["contributions"]}
    assert missing["potential_clv"] == "unknown"
    assert missing["realised_margin"] is None
    assert none.json()["code"] == "indicator_system_not_found"
    listed = {one["customer_id"]: one for one in [*page["items"], *rest.json()["items"]]}
    assert set(listed) == set(customers)
    assert erased.status_code in (200, 201), erased.text
    assert {one["customer_id"] for one in left} == set(customers[1:])
    assert listed[customers[49]] == {
        "customer_id": customers[49],
        "points": best["points"],
        "coverage": best["coverage"],
    }


async def test_entropy_and_mixes_use_the_measurement_and_name_it(house: Any) -> None:
    mix = {"method": "mix", "matrix": [[1, 1], [1, 1]], "ahp_share": 0.5}
    body = system(group("a", "realised_margin", "frequency", weighting=mix))
    async with house.client() as client:
        await bought(client, 30)
        measurement = (await client.post("/indicator-measurements")).json()["id"]
        await measure(house)
        preview = (await client.post("/indicator-system-previews", json=body)).json()
        made = (await client.post("/indicator-systems", json=body)).json()
    # Every customer bought once, so only the margin tells them apart.
    weights = [one["weight"] for one in made["groups"][0]["indicators"]]
    assert weights == pytest.approx([0.75, 0.25])
    assert made["measurement_id"] == preview["measurement_id"] == measurement
    assert made["groups"] == preview["groups"]


async def test_the_population_is_measured_at_each_review_instant_in_steps_that_resume(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = house.loop(MeasurementLoop)
    assert await loop.next_due_at() is None
    async with house.client() as client:
        await bought(client, 3)
        monday = datetime(2026, 3, 9, tzinfo=UTC)
        assert await loop.next_due_at() == monday
        assert await measure(house) == 0
        house.clock.set(monday)
        monkeypatch.setattr(measure_population, "ROWS_A_STEP", 15)
        assert await loop.run_once() == 1
        assert await loop.next_due_at() == monday
        await loop.run_once()
        halfway = (await client.get("/indicator-measurements")).json()["items"][0]
        await measure(house)
        whole = (await client.get("/indicator-measurements")).json()["items"]
    assert (halfway["state"], halfway["sources_done"], halfway["sources_total"]) == (
        "running",
        5,
        len(SOURCES),
    )
    assert [(one["state"], one["progress"]) for one in whole] == [("completed", 1.0)]
    assert await loop.next_due_at() == monday + timedelta(days=7)


async def test_every_source_is_read_of_one_customer_as_it_is_of_all(house: Any) -> None:
    """One customer with everything: its figures are those of a population that is only that customer."""
    async with house.client() as client:
        (ann,) = await bought(client, 1)
        await client.post(
            f"/customers/{ann}/savings",
            json={
                "external_id": "s",
                "kind": "trial",
                "amount_minor": 70,
                "occurred_at": "2026-03-01T00:00:00Z",
            },
        )
    house.clock.set(datetime(2026, 3, 11, 12, tzinfo=UTC))
    cases = [
        NoteCaseOpened("ticket", uuid4(), UUID(ann), datetime(2026, 3, 1, tzinfo=UTC)),
        NoteCaseOpened("ticket", uuid4(), UUID(ann), datetime(2025, 3, 1, tzinfo=UTC)),
        NoteCaseOpened("complaint", uuid4(), UUID(ann), datetime(2026, 3, 1, tzinfo=UTC)),
    ]
    for case in (*cases, NoteFollowUp(cases[0].case_id, UUID(ann), 4, 9)):
        await house.service.database.run(lambda work, case=case: note_service_case(case, work), actor=ACTOR)
    moment = Moment.of(house.clock.now(), house.valuation.ledger.calendar)
    async with house.service.database.session() as session:
        facts = await indicator_facts.of_customer(session, UUID(ann), list(SOURCES), moment)
        among = [await indicator_facts.distribution(session, source, moment) for source in SOURCES]
    assert facts == {
        "realised_margin": 30,
        "spend": 100,
        "cost_saved": 70,
        "potential_clv": None,
        "p_alive": None,
        "recency": 10,
        "frequency": 1,
        "average_spend": 100,
        "tenure": 10,
        "referrals": 0,
        "incentivised_referrals": 0,
        "referred_margin": 0,
        "incentivised_referred_margin": 0,
        "tickets": 1,
        "complaints": 1,
        "csat": 4,
        "nps": 9,
        "cost_to_serve": 0,
    }
    for one in among:
        known = facts[one.source]
        assert (one.known, one.grid) == ((0, ()) if known is None else (1, (known,) * 101))
