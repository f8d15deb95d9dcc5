"""Refits in a process of their own, promotion, refusal, going back, scores at read and kept, and their events."""

import json
import os
import signal
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.valuation.persistence import refit_jobs
from services.valuation.usecases.refit_models import FIT_DECIDED
from services.valuation.workers.refit_process import HISTORIES_READ, FitTask, carry_out
from services.valuation.workers.refits import RefitLoop
from services.valuation.workers.scores import ScoreLoop
from tests.integration.valuation.conftest import START, House

CUSTOMERS = 60


def purchases(customer: int) -> list[date]:
    """Days of one customer: every fifth buys once, the others again at a pace of their own, some stop early."""
    today = START.date()
    first = today - timedelta(days=200 + customer % 90)
    if customer % 5 == 0:
        return [first]
    pace = 7 + (customer * 13) % 50
    last = today - timedelta(days=(customer * 29) % 150)
    return [day for step in range(30) if (day := first + timedelta(days=pace * step)) <= last] or [first]


async def sell(house: House, customers: int = CUSTOMERS) -> None:
    rows = [
        f"c{customer},c{customer}-{day},{2000 + 37 * customer + day.day * 11},{day}"
        for customer in range(customers)
        for day in purchases(customer)
    ]
    async with house.client() as client:
        sent = await client.post(
            "/transaction-imports",
            params={"register_customers": True},
            content="\n".join(["customer_external_id,external_id,amount_minor,occurred_at", *rows]) + "\n",
            headers={"content-type": "text/csv"},
        )
    assert sent.json()["accepted"] == len(rows)


async def run(house: House) -> None:
    """Every step of the open job."""
    loop = house.loop(RefitLoop)
    while await loop.run_once():
        pass


async def fit_here(house: House) -> None:
    """What the process does for the open job."""
    async with house.service.database.session() as session:
        job = await refit_jobs.find_open(session)
    assert job is not None
    model, now = house.settings.buying_model, house.clock.now()
    await carry_out(FitTask(house.service.database.url, job.id, job.history_day, model, now, seconds=60))


async def refit(house: House, *, spawned: bool = False) -> dict[str, Any]:
    """The job of a refit that is asked for, when it is done; its fit here, or in a process of its own."""
    async with house.client() as client:
        started = await client.post("/refit-jobs")
        assert started.status_code == 202
        if not spawned:
            await fit_here(house)
        await run(house)
        found = await client.get(f"/refit-jobs/{started.json()['id']}")
    job: dict[str, Any] = found.json()
    return job


async def customer(house: House, external_id: str) -> str:
    found: Any = await house.value("SELECT id FROM customers WHERE external_id = $1", external_id)
    return str(found)


async def get(house: House, path: str, status: int = 200) -> Any:
    async with house.client() as client:
        found = await client.get(path)
    assert found.status_code == status, found.text
    return found.json()


async def buy(house: House, external_id: str, amount: int, day: date) -> None:
    async with house.client() as client:
        sent = await client.post(
            "/transactions",
            json={
                "external_id": f"{external_id}-{day}-late",
                "customer_external_id": external_id,
                "amount_minor": amount,
                "occurred_at": day.isoformat(),
            },
        )
    assert sent.status_code == 201, sent.text


async def told(house: House) -> list[dict[str, Any]]:
    return [row for row in await house.events() if row["type"] == "valuation.customer_scored.v1"]


async def test_a_refit_is_promoted_scores_everybody_and_tells_nobody_of_first_scores(house: House) -> None:
    await sell(house)
    job = await refit(house, spawned=True)
    assert (job["state"], job["attempts"], job["scored"], job["told"]) == ("completed", 1, CUSTOMERS, 0)
    version = await get(house, f"/value-models/{job['model_version']}")
    assert (version["state"], version["buying"]["model"]) == ("promoted", "mbg-nbd")
    assert all(check["passed"] for check in version["checks"])
    assert set(version["buying"]["parameters"]) == {"r", "alpha", "a", "b"}
    (promotion,) = (await get(house, "/value-model-promotions"))["items"]
    assert (promotion["model_version"], promotion["cause"]) == (1, "refit")
    assert await told(house) == []


async def test_the_kept_score_is_the_one_at_read_and_becomes_the_potential_value(house: House) -> None:
    await sell(house)
    await refit(house)
    one = await customer(house, "c7")
    read = await get(house, f"/customers/{one}/score")
    assert (read["state"], read["model_version"], read["model"]) == ("scored", 1, "mbg-nbd")
    assert 0 < read["p_alive"] < 1
    assert read["margin_rate"] == pytest.approx(0.3, abs=1e-3)
    async with house.client() as client:
        export = (await client.get("/scores")).text.splitlines()
    lines = [json.loads(line) for line in export]
    assert lines[-1] == {"event": "end", "scores": CUSTOMERS}
    kept = next(line for line in lines[:-1] if line["customer_id"] == one)
    for name in ("p_alive", "expected_purchases", "clv_minor"):
        assert kept[name] == pytest.approx(read[name])
    values = await get(house, f"/customers/{one}/values")
    assert values["potential"] == {"state": "scored", "clv_minor": pytest.approx(read["clv_minor"])}


async def test_a_score_at_read_decays_with_time_and_follows_a_purchase_at_once(house: House) -> None:
    await sell(house)
    await refit(house)
    one = await customer(house, "c7")
    before = await get(house, f"/customers/{one}/score")
    house.clock.set(START + timedelta(days=90))
    decayed = await get(house, f"/customers/{one}/score")
    assert decayed["p_alive"] < before["p_alive"]
    await buy(house, "c7", 4000, house.clock.now().date())
    bought = await get(house, f"/customers/{one}/score")
    assert bought["p_alive"] > decayed["p_alive"]


async def test_a_purchase_that_moves_a_score_is_told_once(house: House) -> None:
    await sell(house)
    await refit(house)
    loop = house.loop(ScoreLoop)
    assert await loop.run_once() == 0
    house.clock.set(START + timedelta(days=60))
    await buy(house, "c7", 900_000, house.clock.now().date())
    assert await loop.run_once() == 1
    assert await loop.run_once() == 0
    (event,) = await told(house)
    payload = json.loads(event["payload"])
    assert payload["clv_minor"] > 1.25 * payload["previous_clv_minor"]
    assert payload["customer_id"] == await customer(house, "c7")
    # The job of the night measures from what was told.
    await refit(house)
    again = [row for row in await told(house) if row["key"] == event["key"]]
    assert len(again) == 1


async def test_a_refit_publishes_at_most_so_many_scores(make_house: Any) -> None:
    house = await make_house(scores_told=3, score_batch=10)
    await sell(house)
    await refit(house)
    house.clock.set(START + timedelta(days=200))
    job = await refit(house)
    assert (job["told"], job["scored"]) == (3, CUSTOMERS)
    assert len(await told(house)) == 3
    assert len({row["key"] for row in await told(house)}) == 3


async def test_scores_that_did_not_move_are_not_told(house: House) -> None:
    await sell(house)
    await refit(house)
    house.clock.set(START + timedelta(days=1))
    assert (await refit(house))["told"] == 0


async def test_the_nightly_refit_is_due_at_its_hour_and_once(house: House) -> None:
    loop = house.loop(RefitLoop)
    assert await loop.next_due_at() is None
    await sell(house, 5)
    due = await loop.next_due_at()
    assert (due.day, due.hour) == (3, 3)
    assert await loop.run_once() == 0
    house.clock.set(due)
    assert await loop.run_once() == 1
    await fit_here(house)
    await run(house)
    (job,) = (await get(house, "/refit-jobs"))["items"]
    assert job["cause"] == "nightly"
    assert await loop.next_due_at() == due + timedelta(days=1)


async def test_few_customers_are_refused_with_reasons_and_nothing_scores(house: House) -> None:
    await sell(house, 1)
    job = await refit(house)
    assert job["state"] == "completed"
    version = await get(house, "/value-models/1")
    assert version["state"] == "rejected"
    assert [check["name"] for check in version["checks"] if not check["passed"]]
    score = await get(house, f"/customers/{await customer(house, 'c0')}/score")
    assert (score["state"], [note["code"] for note in score["notes"]]) == ("not_scored", ["no_model"])


async def test_a_refit_without_any_purchase_fails_with_the_reason(house: House) -> None:
    job = await refit(house)
    assert (job["state"], job["problem"]) == ("failed", "nobody has bought anything yet")


async def test_an_absurd_candidate_is_kept_and_refused_and_the_version_in_force_scores_on(
    house: House,
) -> None:
    await sell(house)
    await refit(house)
    async with house.service.database.transaction() as transaction:
        # The version in force is made to expect a thousandth: whatever is fitted now differs absurdly.
        await transaction.connection.execute(
            "UPDATE model_versions SET buying = jsonb_set(buying, '{parameters,alpha}', '1000000')"
        )
    job = await refit(house)
    refused = await get(house, f"/value-models/{job['model_version']}")
    assert refused["state"] == "rejected"
    assert [check["name"] for check in refused["checks"] if not check["passed"]] == ["total"]
    assert job["scored"] == CUSTOMERS
    assert await house.value("SELECT DISTINCT model_version FROM customer_scores") == 1


async def test_going_back_restores_the_parameters_and_holds_nightly_promotions(house: House) -> None:
    await sell(house)
    await refit(house)
    house.clock.set(START + timedelta(days=30))
    await refit(house)
    one = await customer(house, "c7")
    assert (await get(house, f"/customers/{one}/score"))["model_version"] == 2
    async with house.client() as client:
        sent = await client.post("/value-models/rollbacks", json={"reason": "too rosy"})
        assert (sent.status_code, sent.json()["model_version"]) == (202, 1)
    assert (await get(house, f"/customers/{one}/score"))["model_version"] == 1
    await run(house)
    assert await house.value("SELECT DISTINCT model_version FROM customer_scores") == 1
    promotions = (await get(house, "/value-model-promotions"))["items"]
    assert [(one["model_version"], one["cause"], one["reason"]) for one in promotions] == [
        (1, "rollback", "too rosy"),
        (2, "refit", None),
        (1, "refit", None),
    ]
    house.clock.set(await house.loop(RefitLoop).next_due_at())
    await house.loop(RefitLoop).run_once()
    await fit_here(house)
    await run(house)
    held = await get(house, "/value-models/3")
    assert [check["name"] for check in held["checks"] if not check["passed"]] == ["hold"]
    assert (await get(house, f"/value-models/{(await refit(house))['model_version']}"))["state"] == "promoted"


async def test_going_back_supersedes_the_job_that_is_open(house: House) -> None:
    await sell(house)
    await refit(house)
    await refit(house)
    async with house.client() as client:
        open_job = (await client.post("/refit-jobs")).json()
        assert (await client.post("/refit-jobs")).json()["id"] == open_job["id"]
        await house.loop(RefitLoop).run_once()
        await client.post("/value-models/rollbacks", json={"reason": "wrong data"})
    await run(house)
    assert (await get(house, f"/refit-jobs/{open_job['id']}"))["state"] == "superseded"
    assert [row["state"] for row in (await get(house, "/value-models"))["items"]] == ["retired", "promoted"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"reason": "x"}, 409, "no_earlier_value_model"),
        ({"reason": "x", "to_version": 9}, 404, "value_model_not_found"),
        ({"reason": "x", "to_version": 1}, 409, "value_model_in_force"),
        ({"reason": ""}, 422, "invalid_input"),
    ],
)
async def test_going_back_to_what_cannot_be_is_refused(
    house: House, body: dict[str, Any], status: int, code: str
) -> None:
    await sell(house)
    await refit(house)
    async with house.client() as client:
        sent = await client.post("/value-models/rollbacks", json=body)
    assert (sent.status_code, sent.json()["code"]) == (status, code)
    assert await house.value("SELECT count(*) FROM model_promotions") == 1


@pytest.mark.parametrize("failpoint", [HISTORIES_READ, FIT_DECIDED])
async def test_a_killed_fit_is_tried_again_and_adds_one_version(
    house: House, monkeypatch: pytest.MonkeyPatch, failpoint: str
) -> None:
    await sell(house)
    monkeypatch.setenv("CARELOOP_FAILPOINT", failpoint)
    async with house.client() as client:
        job = (await client.post("/refit-jobs")).json()
    loop = house.loop(RefitLoop)
    while (await get(house, f"/refit-jobs/{job['id']}"))["problem"] is None:
        assert await loop.run_once() == 1
    assert await house.value("SELECT count(*) FROM model_versions") == 0
    monkeypatch.delenv("CARELOOP_FAILPOINT")
    await run(house)
    done = await get(house, f"/refit-jobs/{job['id']}")
    assert (done["state"], done["attempts"], done["problem"]) == ("completed", 2, None)
    assert await house.value("SELECT count(*) FROM model_versions") == 1


async def test_a_fit_that_dies_every_time_fails_with_the_reason(
    make_house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await make_house(fit_attempts=2)
    await sell(house, 3)
    monkeypatch.setenv("CARELOOP_FAILPOINT", HISTORIES_READ)
    job = await refit(house, spawned=True)
    assert (job["state"], job["attempts"]) == ("failed", 2)
    assert job["problem"] == f"the fit's process ended with {-signal.SIGKILL}"


async def test_closing_the_loop_ends_the_process_and_the_next_one_goes_on(house: House) -> None:
    await sell(house)
    async with house.client() as client:
        job = (await client.post("/refit-jobs")).json()
    loop = house.loop(RefitLoop)
    await loop.run_once()
    process = loop.process_id
    await loop.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    await run(house)
    assert (await get(house, f"/refit-jobs/{job['id']}"))["state"] == "completed"


async def test_a_customer_may_not_read_scores_and_an_unknown_one_has_none(house: House) -> None:
    await sell(house, 1)
    one = await customer(house, "c0")
    async with house.client("customer", customer_id=one) as client:
        assert (await client.get(f"/customers/{one}/score")).status_code == 403
        assert (await client.get("/scores")).status_code == 403
        assert (await client.post("/refit-jobs")).status_code == 403
    await get(house, f"/customers/{uuid4()}/score", 404)
