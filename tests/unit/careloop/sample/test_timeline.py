"""A log is replayed at its own instants, drained as seldom as its timers allow."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from careloop.sample.timeline import AT_ONCE, Action, play
from shared.kernel.clock import SimulatedClock

START = datetime(2016, 3, 1, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Desk:
    """A stepped world of one timer loop: what is set while it is undrained is only seen at the next drain."""

    def __init__(self) -> None:
        self.clock = SimulatedClock(START)
        self.journal: list[tuple[str, datetime]] = []
        self.drains: list[datetime] = []
        self._new: list[tuple[datetime, str]] = []
        self._timers: list[tuple[datetime, str]] = []

    def does(self, name: str, *, timer_after: timedelta | None = None) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            self.journal.append((name, self.clock.now()))
            if timer_after is not None:
                self._new.append((self.clock.now() + timer_after, f"timer of {name}"))

        return run

    async def drain(self) -> int:
        self.drains.append(self.clock.now())
        self._timers = sorted(self._timers + self._new)
        self._new = []
        fired = 0
        while self._timers and self._timers[0][0] <= self.clock.now():
            self.journal.append((self._timers.pop(0)[1], self.clock.now()))
            fired += 1
        return fired

    async def advance(self, to: datetime) -> int:
        done = await self.drain()
        while self._timers and self._timers[0][0] <= to:
            self.clock.set(self._timers[0][0])
            done += await self.drain()
        self.clock.set(to)
        return done + await self.drain()

    async def next_due_at(self) -> datetime | None:
        return self._timers[0][0] if self._timers else None


def at(minutes: int) -> datetime:
    return START + minutes * MINUTE


async def test_timers_between_two_actions_fire_in_between_at_their_own_instants() -> None:
    desk = Desk()
    log = [Action(at(1), 0, desk.does("a", timer_after=3 * MINUTE)), Action(at(10), 1, desk.does("b"))]
    await play(desk, log, progress=lambda _: None)
    assert desk.journal == [("a", at(1)), ("timer of a", at(4)), ("b", at(10))]


async def test_actions_within_the_while_that_they_allow_are_drained_together() -> None:
    desk = Desk()
    log = [
        Action(
            at(minute), minute, desk.does(str(minute), timer_after=30 * MINUTE), settles_within=20 * MINUTE
        )
        for minute in (1, 5, 9)
    ]
    await play(desk, log, progress=lambda _: None)
    assert [what for what, _ in desk.journal] == ["1", "5", "9"]
    assert desk.drains == [START, at(9)]


async def test_a_shorter_while_of_one_action_counts_for_all_before_it() -> None:
    desk = Desk()
    log = [
        Action(at(1), 0, desk.does("long", timer_after=30 * MINUTE), settles_within=20 * MINUTE),
        Action(at(2), 1, desk.does("short", timer_after=MINUTE), settles_within=AT_ONCE),
        Action(at(40), 2, desk.does("last")),
    ]
    await play(desk, log, progress=lambda _: None)
    assert desk.journal == [
        ("long", at(1)),
        ("short", at(2)),
        ("timer of short", at(3)),
        ("timer of long", at(31)),
        ("last", at(40)),
    ]


async def test_a_timer_that_is_known_is_never_jumped_over() -> None:
    desk = Desk()
    log = [
        Action(at(1), 0, desk.does("a", timer_after=30 * MINUTE)),
        Action(at(2), 1, desk.does("b"), settles_within=timedelta(hours=9)),
        Action(at(50), 2, desk.does("c"), settles_within=timedelta(hours=9)),
    ]
    await play(desk, log, progress=lambda _: None)
    assert desk.journal == [("a", at(1)), ("b", at(2)), ("timer of a", at(31)), ("c", at(50))]


async def test_several_logs_run_as_one_and_keep_their_order_within_an_instant() -> None:
    desk = Desk()
    first = [
        Action(at(1), 0, desk.does("1a")),
        Action(at(1), 1, desk.does("1b")),
        Action(at(3), 2, desk.does("1c")),
    ]
    second = [Action(at(0), 0, desk.does("2a")), Action(at(2), 1, desk.does("2b"))]
    steps: list[int] = []
    await play(desk, first, second, progress=steps.append)
    assert [what for what, _ in desk.journal] == ["2a", "1a", "1b", "2b", "1c"]
    assert sum(steps) == 5


async def test_an_action_of_the_past_runs_at_the_clocks_reading() -> None:
    desk = Desk()
    await play(desk, [Action(START - MINUTE, 0, desk.does("late"))], progress=lambda _: None)
    assert desk.journal == [("late", START)]
