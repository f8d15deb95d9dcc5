"""The ten rules of clocks where other files do not already name them, and the bugs that others have for years.

Rules 3 and 6: `test_clock_rules.py`; 4: `test_commitments.py`; 5: `test_repeating_clocks.py`; promise integrity:
`test_promise_integrity.py`. Each test here fails on the wrong behaviour that its name denies.
"""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from services.sla.domain import events
from services.sla.domain.clock_status import ClockState, RunState, state_shown
from services.sla.domain.explanation import BEFORE_RESTART, explain
from services.sla.domain.ledger import trusted_instant
from services.sla.domain.storm_caps import Allowance, StormCaps


def breaches(ticket: Any) -> list[Any]:
    return [event.breached_at for event in ticket.published if isinstance(event, events.ClockBreached)]


def test_rule_1_same_ledger_gives_the_same_dates_in_every_order_of_arrival(lab: Any) -> None:
    written = (
        ("opened", "09:00", {}),
        ("waiting", "10:00", {"waiting_on": "customer"}),
        ("resumed", "12:00", {}),
    )
    found = set()
    for order in permutations(range(3)):
        ticket = lab.ticket(lab.target(duration=4))
        lines = [ticket.entry(kind, lab.at(at), **data) for kind, at, data in written]
        for place in order:
            ticket.record(lines[place], now=lab.at("12:00"))
        found.add((ticket.clock().due_at, tuple(ticket.clock().pauses)))
    assert found == {(lab.at("15:00"), ((lab.at("10:00"), lab.at("12:00")),))}


def test_rule_1_stale_deadline_after_a_calendar_edit(lab: Any) -> None:
    """A later version of the calendar moves no date of a clock that runs, and every date of those that start."""
    short = replace(
        lab.office,
        id=lab.always.id,
        number=2,
        effective_from=lab.at("12:00"),
        resolved=lab.always.resolved,
    )
    ticket = lab.ticket(lab.target(duration=8), calendar=lab.office)
    ticket.happen("opened", lab.at("10:00"))
    history = type(ticket)(ticket.catalogue.policy_versions(), (lab.office, short), "ticket")
    history.happen("opened", lab.at("10:00"))
    history.happen("assigned", lab.at("13:00"))
    assert history.clock().due_at == ticket.clock().due_at == lab.at("+1 10:00")
    later = type(ticket)(ticket.catalogue.policy_versions(), (lab.office, short), "ticket")
    later.happen("opened", lab.at("13:00"))
    assert later.clock().due_at == lab.at("21:00")


def test_rule_2_never_breached_while_paused(lab: Any) -> None:
    ticket = lab.ticket(lab.target(duration=4, escalations=[{"offset": 0, "target": "lead"}]))
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("waiting", lab.at("12:00"), waiting_on="customer")
    ticket.advance(lab.at("+60 00:00"))
    assert ticket.names() == ["ClockStarted", "ClockPaused"]


@pytest.mark.parametrize(("paused", "resumed"), [("09:00", "11:00"), ("10:00", "12:00"), ("12:00", "14:00")])
def test_rule_2_pause_is_added_to_the_end_wherever_it_lay(lab: Any, paused: str, resumed: str) -> None:
    ticket = lab.ticket(lab.target(duration=4))
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("waiting", lab.at(paused), waiting_on="customer")
    ticket.happen("resumed", lab.at(resumed))
    assert (ticket.clock().started_at, ticket.clock().due_at) == (lab.at("09:00"), lab.at("15:00"))


def test_rule_2_pause_overnight_costs_no_business_time(lab: Any) -> None:
    ticket = lab.ticket(lab.target(duration=4), calendar=lab.office)
    ticket.happen("opened", lab.at("15:00"))
    ticket.happen("waiting", lab.at("17:30"), waiting_on="customer")
    ticket.happen("resumed", lab.at("+1 08:30"))
    assert ticket.clock().due_at == lab.at("+1 11:00"), "and not fifteen hours later"


def test_rule_2_priority_change_does_not_forget_the_pause(lab: Any) -> None:
    high = lab.policy(lab.target(duration=8), name="high", priority=["high"])
    critical = lab.policy(lab.target(duration=6), name="critical", priority=["critical"])
    ticket = lab.history(high, critical)
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("waiting", lab.at("10:00"), waiting_on="customer")
    ticket.happen("resumed", lab.at("13:00"))
    ticket.happen("prioritised", lab.at("13:00"), priority="critical")
    assert ticket.clock().due_at == lab.at("18:00"), "and not 15:00"


@pytest.mark.parametrize(
    ("minutes_back", "counts"), [(4, "11:56"), (5, "11:55"), (6, "12:00"), (600, "12:00")]
)
def test_rule_7_claim_of_the_past_counts_only_within_the_tolerance(
    lab: Any, minutes_back: int, counts: str
) -> None:
    claimed = lab.at("12:00") - timedelta(minutes=minutes_back)
    assert trusted_instant(claimed, lab.at("12:00"), timedelta(minutes=5))[0] == lab.at(counts)


def test_rule_7_lag_refolds_silently_and_retracts_what_was_published(lab: Any) -> None:
    ticket = lab.ticket(lab.target(duration=4))
    ticket.happen("opened", lab.at("09:00"))
    ticket.advance(lab.at("13:00"))
    ticket.happen("resolved", lab.at("12:59"), noticed_at=lab.at("13:10"))
    assert ticket.names()[-3:] == ["ClockBreached", "BreachRetracted", "ClockMet"]
    assert ticket.clock().breached_at is None


def test_rule_8_threshold_fires_once_however_often_it_is_asked_for(lab: Any) -> None:
    escalations = [{"offset": 0, "target": "lead"}]
    ticket = lab.ticket(lab.target(duration=4, warn_at=[0.5], escalations=escalations))
    ticket.happen("opened", lab.at("09:00"))
    for at in ("11:00", "13:00", "14:00"):
        ticket.timers = [*ticket.timers, *ticket.timers]
        ticket.fire(lab.at(at))
        ticket.happen("assigned", lab.at(at))
    ticket.advance(lab.at("+9 00:00"))
    assert [name for name in ticket.names() if name != "ClockStarted"] == [
        "ClockWarned",
        "ClockBreached",
        "EscalationDue",
    ]


def test_rule_8_escalations_do_not_refire_for_ever(lab: Any) -> None:
    """Repeats end at their cap, in a year and over any number of pauses."""
    escalations = [{"offset": 0, "target": "lead", "repeat_every": 1, "repeat_cap": 3}]
    ticket = lab.ticket(lab.target(duration=4, escalations=escalations))
    ticket.happen("opened", lab.at("09:00"))
    for day in range(1, 20):
        ticket.advance(lab.at(f"+{day} 08:00"))
        ticket.happen("waiting", lab.at(f"+{day} 08:00"), waiting_on="customer")
        ticket.happen("resumed", lab.at(f"+{day} 09:00"))
    ticket.advance(lab.at("+365 00:00"))
    due = [event.threshold_at for event in ticket.published if isinstance(event, events.EscalationDue)]
    assert due == [lab.at(at) for at in ("13:00", "14:00", "15:00", "16:00")]


def test_rule_9_storm_cap_of_a_subject_and_of_a_target(lab: Any, identify: Any) -> None:
    allowance = Allowance(StormCaps(per_subject=2, per_target=3))
    asked = [("a", "lead"), ("a", "lead"), ("a", "manager"), ("b", "lead"), ("c", "lead"), ("c", "manager")]
    taken = [allowance.take(identify(subject), target) for subject, target in asked]
    assert taken == [True, True, False, True, False, True]


def test_rule_9_what_is_over_the_cap_is_counted_for_the_digest(lab: Any) -> None:
    escalations = [{"offset": 0, "target": "lead", "repeat_every": 1, "repeat_cap": 4}]
    ticket = lab.ticket(lab.target(duration=1, escalations=escalations))
    ticket.happen("opened", lab.at("00:00"))
    ticket.allowance = Allowance(StormCaps(per_subject=1, window=timedelta(hours=6)))
    ticket.advance(lab.at("12:00"))
    assert [name for name in ticket.names() if name == "EscalationDue"] == ["EscalationDue"]
    assert [line.threshold_at for line in ticket.digested] == [
        lab.at(at) for at in ("02:00", "03:00", "04:00", "05:00")
    ]


def test_rule_9_the_cap_holds_at_the_edge_of_a_window(lab: Any) -> None:
    """Due in one window and fired seconds later in the next: neither past nor free of the caps."""
    escalations = [{"offset": 0, "target": "lead", "repeat_every": 1, "repeat_cap": 19}]
    target = lab.target(duration=1, unit="business_seconds", escalations=escalations)
    ticket = lab.ticket(target)
    ticket.happen("opened", lab.at("09:59:30"))
    caps = StormCaps(per_target=3)
    ticket.allowance = Allowance(caps)
    ticket.fire(lab.at("10:00:05"))
    announced = [event for event in ticket.published if isinstance(event, events.EscalationDue)]
    assert (len(announced), len(ticket.digested)) == (3, 17)
    assert all(caps.window_start(event.threshold_at) == lab.at("09:00") for event in announced)
    assert all(line.is_capped for line in ticket.digested)


def test_rule_10_everything_is_exact_to_the_second(lab: Any) -> None:
    ticket = lab.ticket(lab.target(duration=7, unit="business_seconds", warn_at=[{"before": 3}]))
    ticket.happen("opened", lab.at("09:00:01"))
    ticket.happen("waiting", lab.at("09:00:03"), waiting_on="customer")
    ticket.happen("resumed", lab.at("09:00:10"))
    ticket.advance(lab.at("10:00"))
    assert ticket.clock().warned_at == lab.at("09:00:12")
    assert breaches(ticket) == [lab.at("09:00:15")]


# Reopening, in all its values.


@pytest.mark.parametrize(
    ("on_reopen", "cycles", "due"),
    [("continue", 1, "17:00"), ("restart", 1, "18:00"), ("new_cycle", 2, "18:00"), ("nothing", 1, "13:00")],
)
def test_every_value_of_on_reopen(lab: Any, on_reopen: str, cycles: int, due: str) -> None:
    ticket = lab.ticket(lab.target(duration=4, on_reopen=on_reopen))
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("resolved", lab.at("10:00"))
    ticket.happen("reopened", lab.at("14:00"))
    clock = ticket.clock()
    assert (clock.cycle, clock.due_at) == (cycles, lab.at(due))
    assert (clock.run_state is RunState.ENDED) == (on_reopen == "nothing")


def test_explanation_keeps_what_was_before_a_restart(lab: Any) -> None:
    ticket = lab.ticket(lab.target(duration=4, on_reopen="restart"))
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("waiting", lab.at("10:00"), waiting_on="customer")
    ticket.happen("resolved", lab.at("11:00"))
    ticket.happen("reopened", lab.at("14:00"))
    (fold,) = ticket.subject.folded(ticket.catalogue).started()
    explanation = explain(fold, lab.at("15:00"))
    told = [(span.start_at, span.end_at, span.reason, span.name) for span in explanation.spans]
    assert told[:3] == [
        (lab.at("09:00"), lab.at("10:00"), BEFORE_RESTART, "running"),
        (lab.at("10:00"), lab.at("11:00"), BEFORE_RESTART, "waiting_on_customer"),
        (lab.at("11:00"), lab.at("14:00"), "paused", "ended"),
    ]
    assert sum(span.counted for span in explanation.spans) == 1.0
    assert told[-1][1] == lab.at("15:00")


def test_shown_state_of_a_lifted_breach_is_running_and_its_outcome_missed(lab: Any) -> None:
    now = lab.at("12:00")
    for run_state, due, shown in (
        (RunState.RUNNING, "13:00", ClockState.RUNNING),
        (RunState.ENDED, "13:00", ClockState.MISSED),
    ):
        assert state_shown(run_state, is_breached=True, due_at=lab.at(due), now=now) is shown
