"""Simulated time: exact instants, events before timers, and an end to a suite that feeds itself."""

from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import MetaData

import careloop.stepping
from careloop.stepping import Stepper, SuiteNeverQuietError
from shared.db.database import Database
from shared.db.migrations import History
from shared.kernel.clock import SimulatedClock
from shared.kernel.signals import Signal
from shared.operations.service import Service

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Mailbox:
    """Stands for relay and consumer: does what is in its box when woken."""

    def __init__(self, name: str, journal: list[tuple[str, datetime]], clock: SimulatedClock) -> None:
        self.name, self.journal, self.clock = name, journal, clock
        self.wake = Signal(is_set=False)
        self.poll_seconds = 1.0
        self.box: list[str] = []
        self.looked = 0

    def post(self, what: str) -> None:
        self.box.append(what)
        self.wake.set()

    async def run_once(self) -> int:
        self.looked += 1
        if not self.box:
            return 0
        self.journal.append((self.box.pop(0), self.clock.now()))
        return 1

    async def next_due_at(self) -> datetime | None:
        return None

    async def close(self) -> None:
        self.wake.clear()


class Timers(Mailbox):
    """Stands for a timer loop: fires what is due, earliest first."""

    def __init__(
        self, name: str, journal: list[tuple[str, datetime]], clock: SimulatedClock, database: Database
    ) -> None:
        super().__init__(name, journal, clock)
        self.database = database
        self.dues: list[tuple[datetime, str]] = []
        self.on_fire = lambda: None

    def at(self, due: datetime, what: str) -> None:
        self.dues = sorted([*self.dues, (due, what)])
        self.database.commits += 1

    async def run_once(self) -> int:
        self.looked += 1
        if not self.dues or self.dues[0][0] > self.clock.now():
            return 0
        self.journal.append((self.dues.pop(0)[1], self.clock.now()))
        self.database.commits += 1
        self.on_fire()
        return 1

    async def next_due_at(self) -> datetime | None:
        return self.dues[0][0] if self.dues else None


class World:
    """One service with timers and events; several share a clock and a journal."""

    def __init__(self, name: str = "x", beside: "World | None" = None) -> None:
        self.clock = beside.clock if beside else SimulatedClock(START)
        self.journal: list[tuple[str, datetime]] = beside.journal if beside else []
        database = Database("postgresql://nowhere", clock=self.clock, name="none")
        self.events = Mailbox(f"{name}.events", self.journal, self.clock)
        self.timers = Timers(f"{name}.timers", self.journal, self.clock, database)
        self.service = Service(
            name, FastAPI(), database, History(name, MetaData()), (self.timers, self.events)
        )
        self.stepper = Stepper([self.service], self.clock)


async def test_every_timer_fires_at_its_own_instant_in_order() -> None:
    world = World()
    for seconds in (3600, 1, 61, 3600):
        world.timers.at(START + timedelta(seconds=seconds), f"t{seconds}")
    await world.stepper.advance(START + timedelta(hours=2))
    assert world.journal == [(f"t{s}", START + timedelta(seconds=s)) for s in (1, 61, 3600, 3600)]
    assert world.clock.now() == START + timedelta(hours=2)


async def test_timers_after_the_goal_wait() -> None:
    world = World()
    world.timers.at(START + timedelta(hours=3), "later")
    await world.stepper.advance(START + timedelta(hours=2))
    assert world.journal == []
    assert await world.stepper.next_due_at() == START + timedelta(hours=3)


async def test_at_one_instant_events_go_before_timers() -> None:
    world = World()
    world.timers.at(START, "timer")
    world.events.post("event")
    await world.stepper.drain()
    assert [what for what, _ in world.journal] == ["event", "timer"]


async def test_what_a_timer_sets_off_is_done_before_time_moves_on() -> None:
    world = World()
    world.timers.at(START + timedelta(seconds=10), "breach")
    world.timers.at(START + timedelta(seconds=20), "escalation")
    world.timers.on_fire = lambda: world.events.post("consequence")
    await world.stepper.advance(START + timedelta(minutes=1))
    assert [what for what, _ in world.journal] == ["breach", "consequence", "escalation", "consequence"]
    assert world.journal[1][1] == START + timedelta(seconds=10)


async def test_draining_never_moves_time_and_leaves_idle_loops_alone() -> None:
    world = World()
    world.timers.at(START + timedelta(seconds=1), "soon")
    assert await world.stepper.drain() == 0
    assert world.clock.now() == START
    assert world.events.looked == 0


async def test_a_suite_that_feeds_itself_is_stopped_with_a_named_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(careloop.stepping, "MOST_BATCHES_A_DRAIN", 50)
    world = World()
    world.timers.on_fire = lambda: world.timers.at(START, "again")
    world.timers.at(START, "again")
    with pytest.raises(SuiteNeverQuietError):
        await world.stepper.drain()


async def test_a_timer_that_says_due_but_does_nothing_is_named_not_spun_on() -> None:
    world = World()
    world.timers.at(START + timedelta(seconds=5), "stuck")

    async def nothing() -> int:
        return 0

    world.timers.run_once = nothing  # type: ignore[method-assign]
    with pytest.raises(SuiteNeverQuietError, match="does not fire"):
        await world.stepper.advance(START + timedelta(minutes=1))


async def test_a_loop_that_knows_when_it_has_work_is_not_run_because_it_was_woken() -> None:
    world = World()
    world.timers.at(START + timedelta(seconds=10), "later")
    world.timers.wake.set()
    await world.stepper.drain()
    assert world.timers.looked == 0


async def test_events_of_one_service_go_before_the_timers_of_another() -> None:
    first = World("first")
    second = World("second", beside=first)
    stepper = Stepper([first.service, second.service], first.clock)
    first.timers.at(START, "timer")
    first.timers.wake.set()
    second.events.post("event")
    await stepper.drain()
    assert [what for what, _ in first.journal] == ["event", "timer"]
