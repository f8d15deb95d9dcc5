"""Properties of the fold over random histories."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.sla.domain import events
from services.sla.domain.clock_status import RunState

KINDS = (
    "waiting",
    "resumed",
    "prioritised",
    "assigned",
    "work_started",
    "replied",
    "customer_replied",
    "resolved",
    "reopened",
    "closed",
    "cancelled",
    "tier_changed",
    "committed",
    "recommitted",
    "inherited",
)

steps = st.lists(
    st.tuples(
        st.integers(min_value=0, max_value=300),
        st.sampled_from(KINDS),
        st.sampled_from(("customer", "third_party")),
        st.sampled_from(("high", "low", "critical", "unpromised")),
        st.sampled_from(("standard", "gold")),
    ),
    max_size=14,
)
units = st.sampled_from(("business_minutes", "business_days", "calendar_days"))
reopenings = st.sampled_from(("continue", "restart", "new_cycle", "nothing"))
FEW = settings(max_examples=60, deadline=None)


def make(lab: Any, unit: str, on_reopen: str) -> Any:
    amounts = (
        {"high": 240, "low": 900, "critical": 60}
        if unit == "business_minutes"
        else {"high": 2, "low": 4, "critical": 1}
    )
    policies = [
        lab.policy(
            lab.target(
                duration=amount,
                unit=unit,
                warn_at=[0.5, 0.75],
                on_reopen=on_reopen,
                on_tier_change="retarget" if priority == "low" else "keep",
                escalations=[{"offset": 0, "target": "lead"}, {"offset": 1, "target": "manager"}],
            ),
            lab.target("next_response", amount, unit, warn_at=[0.5]),
            lab.target("periodic_update", amount, unit),
            name=priority,
            priority=[priority],
            calendar=lab.office,
        )
        for priority, amount in amounts.items()
    ]
    gold = lab.policy(
        lab.target(duration=1, unit=unit), name="gold", tier=["gold"], priority=["low"], calendar=lab.office
    )
    return lab.history(*policies, gold)


def entries_of(lab: Any, history: Any, written: Iterable[Any]) -> list[Any]:
    at = lab.at("08:00")
    entries = [history.entry("opened", at)]
    for minutes, kind, waiting_on, priority, tier in written:
        at += timedelta(minutes=minutes)
        date = (at + timedelta(minutes=4 * minutes)).isoformat()
        data = {"agreement": "sla", "metric": "resolution", "due_at": date, "committed_at": date}
        entries.append(history.entry(kind, at, waiting_on=waiting_on, priority=priority, tier=tier, **data))
    return entries


def facts(history: Any) -> Any:
    """What the ledger makes of every clock, apart from what was published on the way."""
    folded = history.subject.folded(history.catalogue)
    return [
        (
            c.key,
            c.cycle,
            c.run_state,
            c.started_at,
            c.due_at,
            c.due_position,
            tuple(c.breaches),
            c.fulfilled_at,
            c.time.pauses(),
        )
        for c in folded.started()
    ], [(line.entry.id, line.effect) for line in folded.lines]


@FEW
@given(written=steps, unit=units, on_reopen=reopenings, data=st.data())
def test_any_order_of_arrival_gives_the_same_fold(
    lab: Any, written: Any, unit: str, on_reopen: str, data: Any
) -> None:
    in_order, shuffled = make(lab, unit, on_reopen), make(lab, unit, on_reopen)
    entries = entries_of(lab, in_order, written)
    now = entries[-1].occurred_at
    for entry in entries:
        in_order.record(entry, now=now)
    for entry in data.draw(st.permutations(entries)):
        shuffled.record(entry, now=now)
    assert facts(in_order) == facts(shuffled)
    for key, clock in in_order.subject.clocks.items():
        other = shuffled.subject.clocks[key]
        assert (clock.run_state, clock.due_at, clock.breached_at) == (
            other.run_state,
            other.due_at,
            other.breached_at,
        )


@FEW
@given(written=steps, unit=units, on_reopen=reopenings)
def test_no_breach_lies_in_a_pause_and_none_before_a_retarget_it_follows_from(
    lab: Any, written: Any, unit: str, on_reopen: str
) -> None:
    history = make(lab, unit, on_reopen)
    entries = entries_of(lab, history, written)
    for entry in entries:
        history.advance(entry.occurred_at - timedelta(microseconds=1))
        history.record(entry, now=entry.occurred_at)
    history.advance(entries[-1].occurred_at + timedelta(days=30))
    for clock in history.subject.clocks.values():
        for breach in clock.published_breaches:
            inside = [p for p in clock.pauses if p[0] <= breach and (p[1] is None or breach < p[1])]
            # A restart begins anew: what stood still before is not among its pauses any more.
            assert not inside or (clock.rearmed_at is not None and breach < clock.rearmed_at)
        if clock.due_at is not None and clock.rearmed_at is not None:
            assert clock.due_at >= clock.rearmed_at


@FEW
@given(written=steps, unit=units, on_reopen=reopenings)
def test_what_was_published_is_what_the_ledger_says_and_each_threshold_once(
    lab: Any, written: Any, unit: str, on_reopen: str
) -> None:
    history = make(lab, unit, on_reopen)
    entries = entries_of(lab, history, written)
    for entry in entries:
        # Timers come after the events of their instant: what is due now waits for what happens now.
        history.advance(entry.occurred_at - timedelta(microseconds=1))
        history.record(entry, now=entry.occurred_at)
    end = entries[-1].occurred_at + timedelta(days=30)
    history.advance(end)
    assert not [event for event in history.published if isinstance(event, events.BreachRetracted)]
    told: dict[Any, list[datetime]] = {}
    for event in history.published:
        if isinstance(event, events.ClockBreached):
            told.setdefault((event.clock_id, event.cycle), []).append(event.breached_at)
    for folded in history.subject.folded(history.catalogue).started():
        clock = history.subject.clocks[folded.key, folded.cycle]
        true = list(folded.breaches)
        if (
            folded.run_state is RunState.RUNNING
            and folded.due_at
            and folded.due_at <= end
            and not folded.in_force
        ):
            true.append(folded.due_at)
        assert told.get((clock.id, clock.cycle), []) == true
    fired = Counter(
        (event.clock_id, event.cycle, type(event).__name__, event.level, event.threshold_at, event.due_at)
        for event in history.published
        if isinstance(event, events.ClockWarned | events.EscalationDue)
    )
    assert all(count == 1 for count in fired.values())
    assert [event.sequence for event in history.published] == list(range(1, len(history.published) + 1))


@FEW
@given(written=steps)
def test_timers_fire_the_same_however_long_the_worker_was_away(lab: Any, written: Any) -> None:
    steady, away = make(lab, "business_minutes", "continue"), make(lab, "business_minutes", "continue")
    entries = entries_of(lab, steady, written)
    for entry in entries:
        steady.advance(entry.occurred_at - timedelta(microseconds=1))
        steady.record(entry, now=entry.occurred_at)
    end = entries[-1].occurred_at + timedelta(days=30)
    steady.advance(end)
    for entry in entries:
        away.record(entry, now=end)
    away.fire(end)
    breaches = [
        sorted((e.clock_id, e.breached_at) for e in one.published if isinstance(e, events.ClockBreached))
        for one in (steady, away)
    ]
    assert breaches[0] == breaches[1]


@FEW
@given(
    pauses=st.lists(st.tuples(st.integers(1, 200), st.integers(1, 200)), max_size=6),
    minutes=st.integers(1, 600),
    ends_after=st.integers(0, 900),
)
def test_due_and_outcome_agree_with_a_walk_minute_by_minute(
    lab: Any, pauses: Any, minutes: int, ends_after: int
) -> None:
    history = lab.ticket(lab.target(duration=minutes, unit="business_minutes"), calendar=lab.office)
    start = lab.at("13:00")
    inputs = [(start, "opened")]
    for running, waiting in pauses:
        inputs.append((inputs[-1][0] + timedelta(minutes=running), "waiting"))
        inputs.append((inputs[-1][0] + timedelta(minutes=waiting), "resumed"))
    inputs.append((inputs[-1][0] + timedelta(minutes=ends_after), "resolved"))
    for at, kind in inputs:
        history.happen(kind, at, waiting_on="customer")
    due, at, left, running = None, start, minutes, True
    changes = dict(inputs[1:])
    for _ in range(60 * 24 * 60):
        kind = changes.get(at)
        running = False if kind == "waiting" else True if kind in ("resumed", "resolved") else running
        if left == 0 and running:
            due = at
            break
        is_open = at.weekday() < 5 and 9 <= at.hour < 17
        left -= 1 if running and is_open else 0
        at += timedelta(minutes=1)
    clock = history.clock()
    assert clock.due_at == due
    assert (clock.breached_at is not None) == (due is not None and due < inputs[-1][0])


@pytest.mark.parametrize("on_reopen", ["continue", "restart", "new_cycle"])
@FEW
@given(written=steps)
def test_no_miss_is_undone_by_anything_that_happens_later(lab: Any, on_reopen: str, written: Any) -> None:
    history = make(lab, "business_minutes", on_reopen)
    missed: set[tuple[Any, int]] = set()
    for entry in entries_of(lab, history, written):
        history.advance(entry.occurred_at - timedelta(microseconds=1))
        history.record(entry, now=entry.occurred_at)
        now_missed = {key for key, clock in history.subject.clocks.items() if clock.breached_at is not None}
        assert missed <= now_missed
        missed = now_missed


@FEW
@given(
    written=steps,
    unit=units,
    on_reopen=reopenings,
    lags=st.lists(st.integers(0, 600), min_size=15, max_size=15),
)
def test_whatever_was_published_under_lag_is_put_right_in_the_end(
    lab: Any, written: Any, unit: str, on_reopen: str, lags: list[int]
) -> None:
    """Events arrive late and out of order while timers fire: what is not retracted is what the ledger says."""
    history = make(lab, unit, on_reopen)
    entries = entries_of(lab, history, written)
    arrivals = sorted(
        (
            (entry.occurred_at + timedelta(minutes=lag), entry)
            for entry, lag in zip(entries, lags, strict=False)
        ),
        key=lambda arrival: arrival[0],
    )
    for at, entry in arrivals:
        history.advance(at)
        history.record(entry, now=at)
    end = arrivals[-1][0] + timedelta(days=40)
    history.advance(end)
    standing: Counter[Any] = Counter()
    outcomes: dict[Any, str] = {}
    for event in history.published:
        if isinstance(event, events.ClockBreached):
            standing[event.clock_id, event.cycle, event.breached_at] += 1
        elif isinstance(event, events.BreachRetracted):
            standing[event.clock_id, event.cycle, event.retracted_breached_at] -= 1
        elif isinstance(event, events.ClockMet | events.ClockMissed | events.ClockCancelled):
            outcomes[event.clock_id, event.cycle] = type(event).__name__
        elif isinstance(event, events.ClockStarted | events.ClockResumed | events.ClockPaused):
            outcomes.pop((event.clock_id, event.cycle), None)
    true: Counter[Any] = Counter()
    for folded in history.subject.folded(history.catalogue).started():
        clock = history.subject.clocks[folded.key, folded.cycle]
        breaches = list(folded.breaches)
        if (
            folded.run_state is RunState.RUNNING
            and folded.due_at
            and folded.due_at <= end
            and not folded.in_force
        ):
            breaches.append(folded.due_at)
        true.update((clock.id, clock.cycle, at) for at in breaches)
        shown = (
            "ClockMissed"
            if breaches
            else "ClockMet"
            if folded.run_state is RunState.ENDED
            else "ClockCancelled"
        )
        ended = folded.run_state in (RunState.ENDED, RunState.CANCELLED)
        assert outcomes.get((clock.id, clock.cycle)) == (shown if ended else None)
    assert +standing == true
