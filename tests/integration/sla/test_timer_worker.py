"""The timer worker on a real database: marks and sweeps, faults, and those who hold what it wants."""

import asyncio
from datetime import timedelta
from typing import Any

from services.sla.domain.storm_caps import StormCaps
from services.sla.usecases.fire_timers import FireTimers
from services.sla.workers.timers import TimerWorker, Upkeep
from shared.contracts import ticketing

NEVER_SWEEPS = 1e9


def worker(
    desk: Any, *, sweep_seconds: float = NEVER_SWEEPS, longest_hold_seconds: float = 900.0
) -> TimerWorker:
    """One of its own, whose first batch is a sweep unless it has swept before."""
    upkeep = Upkeep(
        sweep_seconds=sweep_seconds,
        mark_seconds=0.0,
        mark_lag=timedelta(seconds=0),
        longest_hold_seconds=longest_hold_seconds,
        catch_up_per_second=5_000.0,
    )
    command = FireTimers(limit=100, caps=StormCaps(), hold=timedelta(seconds=30))
    return TimerWorker(desk.service.database, command, upkeep)


async def due_tickets(desk: Any, count: int = 1) -> list[Any]:
    await desk.promise({"metric": "resolution", "duration": 1, "unit": "business_hours"})
    ids = [await desk.open_ticket() for _ in range(count)]
    await desk.drain()
    desk.clock.set(desk.at("10:00"))
    return ids


async def breached(desk: Any) -> int:
    return len(await desk.rows("SELECT 1 FROM firings WHERE kind = 'breach'"))


async def test_claims_begin_at_the_mark_and_a_sweep_finds_what_lies_below(desk: Any) -> None:
    await due_tickets(desk)
    await desk.rows("UPDATE timer_marks SET low_water_at = '2026-03-02 09:30+00'")
    tired = worker(desk)
    assert await tired.next_due_at() is None, "below the mark nobody looks"
    tired._swept_at = float("inf")
    assert await tired.run_once() == 0
    assert await worker(desk, sweep_seconds=0.0).run_once() == 1
    assert await breached(desk) == 1


async def test_mark_follows_what_was_claimed_and_new_timers_in_the_past_are_put_at_it(desk: Any) -> None:
    (ticket_id,) = await due_tickets(desk)
    one = worker(desk)
    one._swept_at = float("inf")
    assert await one.run_once() == 1
    (mark,) = await desk.rows("SELECT low_water_at FROM timer_marks")
    assert mark["low_water_at"] == desk.at("09:00")
    await desk.rows("UPDATE timer_marks SET low_water_at = '2026-03-02 09:45+00'")
    desk.clock.set(desk.at("11:00"))
    await desk.open_ticket(at=desk.at("08:10"))
    await desk.drain()
    clocks = await desk.clocks()
    assert {clock["breached_at"] for clock in clocks} == {"2026-03-02T09:00:00Z", "2026-03-02T09:10:00Z"}
    assert ticket_id is not None


async def test_timer_that_raises_is_retried_alone_and_then_parked_out_of_the_others_way(desk: Any) -> None:
    ids = await due_tickets(desk, 3)
    # Its threshold stands in the journal already: firing it again must fail, whoever is to blame.
    await desk.rows(
        "INSERT INTO firings SELECT id, cycle, 'breach', 0, 0, 0, subject_id, due_at, due_at, '', false "
        f"FROM clocks WHERE subject_id = '{ids[1]}'"
    )
    await desk.drain()
    states = {clock["subject_id"]: clock["breached_at"] is not None for clock in await desk.clocks()}
    assert states == {str(ids[0]): True, str(ids[1]): False, str(ids[2]): True}
    (parked,) = (await desk.get("parked-timers"))["items"]
    assert parked["subject_id"] == str(ids[1])
    assert parked["error"].startswith("UniqueViolationError")
    await desk.rows(f"DELETE FROM firings WHERE subject_id = '{ids[1]}'")
    answer = await desk.call("POST", f"parked-timers/{parked['id']}/retry")
    assert answer.status_code == 200
    await desk.drain()
    assert await breached(desk) == 3
    again = await desk.call("POST", f"parked-timers/{parked['id']}/retry")
    assert again.json()["code"] == "parked_timer_not_found"


async def test_subject_that_is_being_changed_goes_first(desk: Any) -> None:
    ids = await due_tickets(desk, 2)
    database = desk.service.database
    one = worker(desk, sweep_seconds=0.0)
    async with database.session() as session, session.connection.transaction():
        await session.connection.fetch("SELECT id FROM subjects WHERE id = $1 FOR UPDATE", ids[0])
        assert await one.run_once() == 1
        assert await breached(desk) == 1
    assert await one.run_once() == 1
    assert await breached(desk) == 2


async def test_workers_at_once_fire_each_threshold_once(desk: Any) -> None:
    await due_tickets(desk, 40)
    workers = [worker(desk, sweep_seconds=0.0) for _ in range(3)]
    for _ in range(20):
        if not any(await asyncio.gather(*(one.run_once() for one in workers))):
            break
    assert await breached(desk) == 40
    assert not await desk.rows("SELECT id FROM timers")


async def test_consumer_that_stands_still_for_too_long_holds_timers_no_more(desk: Any) -> None:
    await due_tickets(desk)
    await desk.rows(
        "UPDATE consumer_progress SET caught_up = false, consumed_through_at = '2026-03-02 08:00+00'"
    )
    patient, hasty = (
        worker(desk, sweep_seconds=0.0),
        worker(desk, sweep_seconds=0.0, longest_hold_seconds=0.0),
    )
    assert [await patient.run_once(), await patient.run_once()] == [0, 0]
    assert [await hasty.run_once(), await hasty.run_once()] == [0, 1]


async def test_false_breach_of_an_impatient_worker_is_retracted(desk: Any) -> None:
    (ticket_id,) = await due_tickets(desk)
    await desk.rows(
        "UPDATE consumer_progress SET caught_up = false, consumed_through_at = '2026-03-02 08:00+00'"
    )
    hasty = worker(desk, sweep_seconds=0.0, longest_hold_seconds=0.0)
    await hasty.run_once()
    await hasty.run_once()
    resolved = ticketing.TicketResolvedV1(ticket_id=ticket_id, resolution_code="fixed")
    await desk.publish(ticket_id, resolved, at=desk.at("08:30"))
    await desk.drain()
    assert [name for name, _ in await desk.published()] == [
        "clock_started",
        "clock_breached",
        "breach_retracted",
        "clock_met",
    ]
