"""Availability over HTTP: objectives, outages, probes, months, and a breach that is told once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.kernel.ids import new_id

CLOUD: dict[str, Any] = {
    "name": "Cloud, monthly",
    "offering": "cloud",
    "timezone": "UTC",
    "target": "0.999",
    "effective_from": "2026-03-01T00:00:00Z",
    "burn_alerts": [],
}
WORKBOOK = {name: value for name, value in CLOUD.items() if name != "burn_alerts"}


async def told(desk: Any) -> list[str]:
    return [name for name, _ in await desk.published() if name.startswith("availability")]


async def facts(desk: Any, outage: Any, body: dict[str, Any]) -> Any:
    headers = {"If-Match": f'"{outage["version"]}"'}
    return await desk.post(f"outages/{outage['id']}/facts", body, headers=headers)


async def march(desk: Any, objective: Any, **params: Any) -> Any:
    return await desk.get(f"availability-objectives/{objective['id']}/months/2026-03", params=params)


async def test_open_outage_breaches_when_the_budget_is_spent_and_is_told_once(desk: Any) -> None:
    objective = await desk.post("availability-objectives", CLOUD)
    outage = await desk.post(
        "outages", {"offering": "cloud", "start_at": "2026-03-02T08:00:00Z", "cause": "network"}
    )
    await desk.advance("08:44")
    assert await told(desk) == []  # 99.9 % of 31 days leaves 44 min 38.4 s
    await desk.advance("08:45")
    assert await told(desk) == ["availability_objective_breached"]
    await desk.advance("09:00")
    await facts(
        desk,
        outage,
        {"start_at": "2026-03-02T08:00:00Z", "end_at": "2026-03-02T09:00:00Z", "cause": "database"},
    )
    await desk.advance("+20 10:00")
    again = {"offering": "cloud", "start_at": "2026-03-20T08:00:00Z", "end_at": "2026-03-20T12:00:00Z"}
    await desk.post("outages", again | {"cause": "network"})
    await desk.advance("+35 10:00")
    assert await told(desk) == ["availability_objective_breached"]
    shown = await march(desk, objective)
    assert shown["breached_at"] == "2026-03-02T08:44:38.400000Z"
    assert shown["announced_at"].startswith("2026-03-02T08:44:38.4")
    assert (shown["downtime_seconds"], shown["budget_seconds"]) == (5 * 3_600, 2_678.4)
    (row,) = await desk.rows("SELECT month FROM availability_breaches")
    assert row["month"] == "2026-03"


async def test_an_outage_over_the_end_of_a_month_breaches_each_month_by_itself(desk: Any) -> None:
    midnight = {"timezone": "Asia/Shanghai", "effective_from": "2026-02-28T16:00:00Z"}
    await desk.post("availability-objectives", CLOUD | midnight)
    body = {"offering": "cloud", "start_at": "2026-03-31T15:00:00Z", "cause": "network"}
    await desk.advance("+29 15:00")
    await desk.post("outages", body)
    await desk.advance("+29 18:00")
    rows = await desk.rows("SELECT month, breached_at FROM availability_breaches ORDER BY month")
    assert [(row["month"], row["breached_at"].isoformat()) for row in rows] == [
        ("2026-03", "2026-03-31T15:44:38.400000+00:00"),
        ("2026-04", "2026-03-31T16:43:12+00:00"),
    ]


async def test_a_later_fact_changes_the_month_and_how_it_was_known_stays(desk: Any) -> None:
    objective = await desk.post("availability-objectives", CLOUD)
    await desk.advance("09:00")
    ended = {"start_at": "2026-03-02T08:00:00Z", "end_at": "2026-03-02T08:30:00Z", "cause": "network"}
    outage = await desk.post("outages", ended | {"offering": "cloud"})
    await desk.advance("10:00")
    corrected = await facts(desk, outage, ended | {"end_at": "2026-03-02T08:10:00Z", "evidence": "log 17"})
    assert [fact["end_at"] for fact in corrected["facts"]] == ["2026-03-02T08:30:00Z", "2026-03-02T08:10:00Z"]
    assert (await march(desk, objective))["downtime_seconds"] == 600
    before = await march(desk, objective, as_known_at="2026-03-02T09:30:00Z")
    assert before["downtime_seconds"] == 1_800
    assert (await march(desk, objective, as_known_at="2026-03-02T08:30:00Z"))["downtime_seconds"] == 0
    await facts(desk, corrected, ended | {"retracted": True})
    assert (await march(desk, objective))["downtime_seconds"] == 0
    listed = (await desk.get("outages", params={"offering": "cloud"}))["items"]
    assert [one["retracted"] for one in listed] == [True]


async def test_announced_maintenance_is_excluded_and_what_overruns_it_counts(desk: Any) -> None:
    objective = await desk.post("availability-objectives", CLOUD)
    planned = {"start_at": "2026-03-03T02:00:00Z", "end_at": "2026-03-03T04:00:00Z", "cause": "upgrade"}
    outage = await desk.post("outages", planned | {"offering": "cloud", "planned": True})
    await desk.advance("+1 06:00")
    assert (await march(desk, objective))["excluded_seconds"] == 7_200
    overrun = planned | {"planned": True, "end_at": "2026-03-03T04:30:00Z"}
    await facts(desk, outage, overrun)
    shown = await march(desk, objective)
    assert (shown["excluded_seconds"], shown["downtime_seconds"]) == (7_200, 1_800)
    assert await told(desk) == []


async def test_bad_probes_in_a_row_make_an_outage(desk: Any) -> None:
    objective = await desk.post("availability-objectives", CLOUD)
    await desk.advance("10:00")
    start = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
    results = [
        {"probe": "berlin-1", "at": (start + timedelta(minutes=minute)).isoformat(), "ok": mark == "+"}
        for minute, mark in enumerate("++-+---++")
    ]
    sent = {"offering": "cloud", "results": results}
    first = await desk.call("POST", "probe-results", json=sent)
    again = await desk.call("POST", "probe-results", json=sent)
    assert (first.json()["added"], again.json()["added"]) == (9, 0)
    assert (await march(desk, objective))["downtime_seconds"] == 180
    await desk.drain()
    assert await told(desk) == []


async def test_probes_spend_the_budget_and_the_breach_is_told_once(desk: Any) -> None:
    objective = await desk.post("availability-objectives", CLOUD)
    await desk.advance("12:00")
    start = datetime(2026, 3, 2, 8, tzinfo=UTC)
    results = [
        {"probe": "berlin-1", "at": (start + timedelta(minutes=minute)).isoformat(), "ok": False}
        for minute in range(90)
    ]
    for half in (results[:45], results[45:]):
        answer = await desk.call("POST", "probe-results", json={"offering": "cloud", "results": half})
        assert answer.status_code == 200, answer.text
        await desk.drain()
    assert await told(desk) == ["availability_objective_breached"]
    assert (await march(desk, objective))["downtime_seconds"] == 89 * 60


async def test_a_budget_that_burns_fast_pages_once_until_it_is_over(desk: Any) -> None:
    objective = await desk.post("availability-objectives", WORKBOOK)
    outage = await desk.post(
        "outages", {"offering": "cloud", "start_at": "2026-03-02T08:00:00Z", "cause": "network"}
    )
    await desk.advance("08:10")
    path = f"availability-objectives/{objective['id']}/burn-rates"
    rates = (await desk.get(path))["items"]
    assert [(rate["severity"], rate["is_alerting"]) for rate in rates] == [
        ("page", True),
        ("page", True),
        ("ticket", True),
    ]
    assert rates[0]["long_burn_rate"] == pytest.approx(600 / 3_600 / 0.001, abs=1e-5)
    ended = {"start_at": "2026-03-02T08:00:00Z", "end_at": "2026-03-02T08:10:00Z", "cause": "network"}
    await facts(desk, outage, ended)
    await desk.advance("12:00")
    assert (await told(desk)).count("availability_budget_burning") == 3
    rates = (await desk.get(path))["items"]
    assert [rate["is_alerting"] for rate in rates] == [False, False, True]
    assert rates[0]["raised_at"] is None


async def test_a_new_versions_rule_says_for_itself_that_the_budget_burns(desk: Any) -> None:
    objective = await desk.post("availability-objectives", WORKBOOK)
    await desk.post("outages", {"offering": "cloud", "start_at": "2026-03-02T08:00:00Z", "cause": "network"})
    await desk.advance("08:10")
    other = {"severity": "ticket", "burn_rate": 2, "long_seconds": 7_200, "short_seconds": 600}
    body = {
        "target": "0.999",
        "effective_from": "2026-03-02T08:15:00Z",
        "burn_alerts": [other],
    }
    path = f"availability-objectives/{objective['id']}"
    stamp = {"If-Match": (await desk.call("GET", path)).headers["etag"]}
    added = await desk.call("POST", f"{path}/versions", json=body, headers=stamp)
    assert added.status_code == 201, added.text
    assert (await told(desk)).count("availability_budget_burning") == 3
    await desk.advance("08:30")
    assert (await told(desk)).count("availability_budget_burning") == 4
    (rate,) = (await desk.get(f"{path}/burn-rates"))["items"]
    assert rate["raised_at"] >= "2026-03-02T08:15:00"


async def test_an_objective_for_time_gone_by_is_judged_on_all_of_it(desk: Any) -> None:
    early = CLOUD | {"effective_from": "2026-01-01T00:00:00Z"}
    objective = await desk.post("availability-objectives", early)
    body = {"offering": "cloud", "start_at": "2026-01-10T08:00:00Z", "end_at": "2026-01-10T10:00:00Z"}
    await desk.post("outages", body | {"cause": "network"})
    await desk.drain()
    assert await told(desk) == ["availability_objective_breached"]
    months = await desk.get(f"availability-objectives/{objective['id']}/months")
    assert [(month["month"], month["downtime_seconds"]) for month in months["items"]] == [
        ("2026-01", 7_200),
        ("2026-02", 0),
        ("2026-03", 0),
    ]


OUTAGE = {"offering": "cloud", "start_at": "2026-03-02T07:00:00Z", "cause": "network"}
BAD: dict[str, tuple[str, dict[str, Any], str, str, str]] = {
    "to before from": (
        "outages",
        OUTAGE | {"end_at": "2026-03-02T06:00:00Z"},
        "invalid_outage",
        "end_at",
        "after_start_at",
    ),
    "in the future": (
        "outages",
        OUTAGE | {"start_at": "2026-03-02T09:00:00Z"},
        "invalid_outage",
        "start_at",
        "not_in_future",
    ),
    "ends in the future": (
        "outages",
        OUTAGE | {"end_at": "2026-03-02T09:00:00Z"},
        "invalid_outage",
        "end_at",
        "not_in_future",
    ),
    "maintenance without end": (
        "outages",
        OUTAGE | {"planned": True},
        "invalid_outage",
        "end_at",
        "required",
    ),
    "unknown offering": (
        "outages",
        OUTAGE | {"offering": "moon"},
        "unknown_offering",
        "offering",
        "known_offering",
    ),
    "probe of the future": (
        "probe-results",
        {"offering": "cloud", "results": [{"probe": "a", "at": "2026-03-02T09:00:00Z", "ok": True}]},
        "invalid_probe_results",
        "results[0].at",
        "not_in_future",
    ),
    "probe of an unknown offering": (
        "probe-results",
        {"offering": "moon", "results": [{"probe": "a", "at": "2026-03-02T07:00:00Z", "ok": True}]},
        "unknown_offering",
        "offering",
        "known_offering",
    ),
    "unknown zone": (
        "availability-objectives",
        CLOUD | {"name": "b", "timezone": "Mars/Olympus"},
        "invalid_objective",
        "timezone",
        "known_timezone",
    ),
    "target of one": (
        "availability-objectives",
        CLOUD | {"name": "b", "target": 1},
        "invalid_objective",
        "target",
        "between_0_and_1",
    ),
    "target in percent": (
        "availability-objectives",
        CLOUD | {"name": "b", "target": "99.9"},
        "invalid_objective",
        "target",
        "between_0_and_1",
    ),
    "ends before it begins": (
        "availability-objectives",
        CLOUD | {"name": "b", "effective_until": "2026-01-01T00:00:00Z"},
        "invalid_objective",
        "effective_until",
        "after_effective_from",
    ),
    "windows the wrong way round": (
        "availability-objectives",
        CLOUD
        | {
            "name": "b",
            "burn_alerts": [
                {"severity": "page", "burn_rate": 2, "long_seconds": 60, "short_seconds": 60},
            ],
        },
        "invalid_objective",
        "burn_alerts[0].short_seconds",
        "below_long_seconds",
    ),
}


@pytest.mark.parametrize("name", BAD)
async def test_impossible_input_is_named_and_writes_nothing(desk: Any, name: str) -> None:
    path, body, code, field, rule = BAD[name]
    await desk.post("availability-objectives", CLOUD)
    answer = await desk.call("POST", path, json=body)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, code), problem
    assert [(error["field"], error["rule"]) for error in problem["errors"]] == [(field, rule)]
    for table in ("outages", "outage_facts", "probe_results"):
        assert await desk.rows(f"SELECT 1 FROM {table}") == []
    assert len(await desk.rows("SELECT 1 FROM availability_objectives")) == 1


async def test_versions_need_the_etag_and_do_not_overlap(desk: Any) -> None:
    first = CLOUD | {"effective_until": "2026-05-01T00:00:00Z"}
    objective = await desk.post("availability-objectives", first)
    path = f"availability-objectives/{objective['id']}/versions"
    later = {"target": "0.9995", "effective_from": "2026-04-01T00:00:00Z"}
    assert (await desk.call("POST", path, json=later)).status_code == 428
    stale = await desk.call("POST", path, json=later, headers={"If-Match": '"9"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "objective_changed")
    overlapping = await desk.call("POST", path, json=later, headers={"If-Match": '"1"'})
    assert overlapping.json()["code"] == "overlapping_effective_dates"
    backdated = later | {"effective_from": "2026-02-01T00:00:00Z"}
    refused = await desk.call("POST", path, json=backdated, headers={"If-Match": '"1"'})
    assert refused.json()["errors"][0]["rule"] == "not_in_past"
    fitting = later | {"effective_from": "2026-05-01T00:00:00Z"}
    added = await desk.call("POST", path, json=fitting, headers={"If-Match": '"1"'})
    assert (added.status_code, added.json()["version"]) == (201, 2)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("availability-objectives/{id}", "objective_not_found"),
        ("availability-objectives/{id}/months/2026-03", "objective_not_found"),
        ("availability-objectives/{id}/burn-rates", "objective_not_found"),
        ("outages/{id}", "outage_not_found"),
    ],
)
async def test_unknown_is_not_found(desk: Any, path: str, code: str) -> None:
    answer = await desk.call("GET", path.format(id=new_id()))
    assert (answer.status_code, answer.json()["code"]) == (404, code)


async def test_months_not_measured_are_not_found(desk: Any) -> None:
    objective = await desk.post("availability-objectives", CLOUD)
    for month in ("2026-02", "2026-04", "0001-01", "9999-12"):
        answer = await desk.call("GET", f"availability-objectives/{objective['id']}/months/{month}")
        assert (answer.status_code, answer.json()["code"]) == (404, "month_not_measured")


async def test_two_workers_tell_of_a_breach_once(desk: Any) -> None:
    await desk.post("availability-objectives", CLOUD)
    await desk.advance("12:00")
    await desk.post("outages", OUTAGE | {"end_at": "2026-03-02T09:00:00Z"})
    worker = desk.loop("sla.objectives")
    await asyncio.gather(*(worker.run_once() for _ in range(4)))
    assert await told(desk) == ["availability_objective_breached"]


async def test_an_objective_that_fails_holds_up_no_other(desk: Any) -> None:
    await desk.post("availability-objectives", CLOUD)
    await desk.post("availability-objectives", CLOUD | {"name": "broken", "offering": "moon"})
    await desk.rows("UPDATE availability_objectives SET timezone = 'Mars/Olympus' WHERE name = 'broken'")
    await desk.advance("12:00")
    await desk.post("outages", OUTAGE | {"end_at": "2026-03-02T09:00:00Z"})
    await desk.drain()
    assert await told(desk) == ["availability_objective_breached"]
    await desk.rows("UPDATE availability_objectives SET timezone = 'UTC' WHERE name = 'broken'")
    await desk.advance("13:00")
    assert await desk.rows("SELECT 1 FROM availability_objectives WHERE evaluate_at IS NOT NULL") == []
