"""One digest for each target and window, over all subjects (rules 8 and 9), under the simulated clock."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from services.sla.domain.digests import target_id_of
from services.sla.domain.storm_caps import StormCaps
from services.sla.usecases import tell_digest
from services.sla.workers.digests import DigestWorker

SECOND = timedelta(seconds=1)


async def digests(desk: Any) -> list[Any]:
    """Key, sequence and payload of every digest, in order."""
    rows = await desk.rows(
        "SELECT key, sequence, payload::text, outbox_id AS id FROM published_events "
        "WHERE type = 'sla.escalation_digest.v1' "
        "UNION ALL SELECT key, sequence, payload::text, id FROM outbox "
        "WHERE type = 'sla.escalation_digest.v1' ORDER BY id"
    )
    return [(row["key"], row["sequence"], json.loads(row["payload"])) for row in rows]


async def lines(desk: Any) -> list[tuple[str, str, int, int]]:
    """Of each digest to the lead: when it was told, of which window, which part, how many lines."""
    return [
        (told["fired_at"][11:16], told["window_start"][11:16], told["part"], len(told["items"]))
        for _, _, told in await digests(desk)
        if told["target"] == "lead"
    ]


async def test_rule_8_outage_over_three_tickets_gives_one_lead_one_digest_of_three_lines(desk: Any) -> None:
    await desk.promise()
    ids = [await desk.open_ticket() for _ in range(3)]
    await desk.drain()
    desk.clock.set(desk.at("13:30"))
    await desk.drain()
    assert await digests(desk) == [], "what is late has not settled"
    await desk.advance("14:30")
    found = await digests(desk)
    assert [told["target"] for _, _, told in found] == ["assignee", "lead"]
    for key, sequence, told in found:
        assert (key, sequence, told["part"]) == (target_id_of(told["target"]), 1, 1)
        assert (told["window_start"], told["fired_at"]) == ("2026-03-02T13:00:00Z", "2026-03-02T13:31:00Z")
        assert {item["subject_id"] for item in told["items"]} == {str(one) for one in ids}
        assert {item["subject_kind"] for item in told["items"]} == {"ticket"}
        assert len(told["items"]) == 3
    assert {item["threshold_at"] for item in found[1][2]["items"]} == {"2026-03-02T12:00:00Z"}
    names = [name for name, _ in await desk.published()]
    assert (names.count("clock_breached"), names.count("escalation_digest")) == (3, 2)


async def test_what_is_late_after_a_digest_waits_for_the_end_of_the_window(desk: Any) -> None:
    await desk.promise()
    await desk.open_ticket()
    await desk.open_ticket(at=desk.at("08:10"))
    await desk.drain()
    desk.clock.set(desk.at("12:05"))
    await desk.drain()
    await desk.advance("12:07")
    desk.clock.set(desk.at("12:20"))
    await desk.drain()
    await desk.advance("12:59")
    assert await lines(desk) == [("12:06", "12:00", 1, 1)]
    await desk.advance("15:00")
    assert await lines(desk) == [("12:06", "12:00", 1, 1), ("13:00", "12:00", 2, 1)]


async def test_rule_9_what_is_above_the_cap_is_told_at_the_end_of_the_window(make_desk: Any) -> None:
    desk = await make_desk(escalations_per_target=2)
    await desk.promise()
    for minute in range(5):
        await desk.open_ticket(at=desk.at(f"08:0{minute}"))
    await desk.advance("12:59")
    assert await digests(desk) == []
    await desk.advance("15:00")
    assert await lines(desk) == [("13:00", "12:00", 1, 3)]
    names = [name for name, _ in await desk.published()]
    assert names.count("escalation_due") == 2


async def test_rule_9_the_cap_of_a_target_holds_at_the_edge_of_a_window(make_desk: Any) -> None:
    desk = await make_desk(escalations_per_target=3)
    escalation = {"offset": 0, "target": "lead"}
    await desk.promise(
        {"metric": "resolution", "duration": 4, "unit": "business_hours", "escalations": [escalation]}
    )
    desk.clock.set(desk.at("09:00") - 10 * SECOND)
    for _ in range(20):
        await desk.open_ticket()
    await desk.drain()
    desk.clock.set(desk.at("13:00") + 5 * SECOND)
    await desk.drain()
    names = [name for name, _ in await desk.published()]
    assert names.count("escalation_due") == 3
    await desk.advance("14:00")
    assert await lines(desk) == [("14:00", "13:00", 1, 17)]


async def test_long_digest_is_told_in_parts_and_each_line_once(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tell_digest, "LINES_A_PART", 2)
    monkeypatch.setattr(tell_digest, "MOST_PARTS", 2)
    await desk.promise()
    for _ in range(7):
        await desk.open_ticket()
    await desk.drain()
    desk.clock.set(desk.at("12:30"))
    await desk.drain()
    await desk.advance("12:59")
    assert await lines(desk) == [("12:31", "12:00", 1, 2), ("12:31", "12:00", 2, 2)]
    await desk.advance("13:00")
    assert (await lines(desk))[2:] == [("13:00", "12:00", 3, 2), ("13:00", "12:00", 4, 1)]
    told = [
        item["clock_id"] for _, _, d in await digests(desk) if d["target"] == "lead" for item in d["items"]
    ]
    assert len(told) == len(set(told)) == 7


async def test_workers_at_once_tell_each_line_once(desk: Any) -> None:
    await desk.promise()
    for _ in range(10):
        await desk.open_ticket()
    await desk.drain()
    desk.clock.set(desk.at("12:30"))
    await desk.drain()
    desk.clock.set(desk.at("12:31"))
    workers = [DigestWorker(desk.service.database, StormCaps()) for _ in range(3)]
    assert sum(await asyncio.gather(*(worker.run_once() for worker in workers))) == 20
    assert await lines(desk) == [("12:31", "12:00", 1, 10)]


async def test_digest_that_fails_leaves_its_lines_and_stops_no_other(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.promise()
    await desk.open_ticket()
    await desk.drain()
    desk.clock.set(desk.at("12:30"))
    await desk.drain()
    desk.clock.set(desk.at("12:31"))
    worker = desk.loop("sla.digests")
    await desk.rows("INSERT INTO digest_targets VALUES (gen_random_uuid(), 'assignee', 0, NULL, NULL, -1)")
    await desk.rows(
        "ALTER TABLE digest_targets ADD CONSTRAINT broken CHECK (target <> 'assignee' OR part < 0)"
    )
    assert await worker.run_once() == 1
    assert [told["target"] for _, _, told in await digests(desk)] == ["lead"]
    await desk.rows("ALTER TABLE digest_targets DROP CONSTRAINT broken")
    assert await worker.run_once() == 1
    assert [told["target"] for _, _, told in await digests(desk)] == ["lead", "assignee"]
    assert not await desk.rows("SELECT id FROM digest_lines WHERE told_at IS NULL")
