"""Thresholds fire once, on time, in order; what is past after an outage is one digest (rules 8 and 9)."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from services.sla.domain import events
from services.sla.domain.firing import Decision
from services.sla.domain.storm_caps import Allowance, StormCaps
from services.sla.domain.thresholds import Threshold, ThresholdKind

ESCALATIONS = [
    {"offset": 0, "target": "lead"},
    {"offset": 1, "target": "manager", "repeat_every": 2, "repeat_cap": 2},
]


def watched(lab: Any, **rest: Any) -> Any:
    ticket = lab.ticket(
        lab.target(duration=4, **{"warn_at": [0.5, {"before": 1}], "escalations": ESCALATIONS, **rest})
    )
    ticket.happen("opened", lab.at("09:00"))
    return ticket


def instants(ticket: Any) -> list[tuple[str, Any]]:
    return [
        (type(event).__name__, getattr(event, "threshold_at", None) or event.breached_at)
        for event in ticket.published
        if isinstance(event, events.ClockWarned | events.ClockBreached | events.EscalationDue)
    ]


def test_thresholds_fire_at_their_instants_in_order(lab: Any) -> None:
    ticket = watched(lab)
    ticket.advance(lab.at("23:00"))
    assert instants(ticket) == [
        ("ClockWarned", lab.at("11:00")),
        ("ClockWarned", lab.at("12:00")),
        ("ClockBreached", lab.at("13:00")),
        ("EscalationDue", lab.at("13:00")),
        ("EscalationDue", lab.at("14:00")),
        ("EscalationDue", lab.at("16:00")),
        ("EscalationDue", lab.at("18:00")),
    ]
    assert ticket.clock().warned_at == lab.at("11:00")
    assert all(
        event.fired_at == at
        for event, (_, at) in zip(
            [e for e in ticket.published if hasattr(e, "fired_at")], instants(ticket), strict=True
        )
    )


def test_escalations_stand_still_while_the_overdue_clock_is_paused(lab: Any) -> None:
    ticket = watched(lab)
    ticket.advance(lab.at("13:30"))
    ticket.happen("waiting", lab.at("13:30"), waiting_on="customer")
    ticket.advance(lab.at("20:00"))
    ticket.happen("resumed", lab.at("20:00"))
    ticket.advance(lab.at("20:30"))
    assert instants(ticket)[-1] == ("EscalationDue", lab.at("20:30"))


def test_pausing_raises_the_generation_and_not_the_arming(lab: Any) -> None:
    ticket = watched(lab)
    before = ticket.clock().generation
    ticket.happen("waiting", lab.at("10:00"), waiting_on="customer")
    ticket.happen("resumed", lab.at("11:00"))
    assert ticket.clock().generation > before
    assert ticket.clock().arming == 0


def test_input_that_moves_nothing_leaves_the_timer_alone(lab: Any) -> None:
    ticket = watched(lab)
    before, timers = ticket.clock().generation, len(ticket.timers)
    ticket.happen("assigned", lab.at("10:00"))
    assert (ticket.clock().generation, len(ticket.timers)) == (before, timers)


def test_ended_clock_warns_and_escalates_no_more(lab: Any) -> None:
    ticket = watched(lab)
    ticket.happen("resolved", lab.at("10:00"))
    ticket.advance(lab.at("+5 00:00"))
    assert not instants(ticket)


def flipping(lab: Any) -> Any:
    slow = lab.policy(lab.target(duration=8, warn_at=[0.5, 0.75]), name="slow", priority=["high"])
    fast = lab.policy(lab.target(duration=2, warn_at=[0.5, 0.75]), name="fast", priority=["critical"])
    ticket = lab.history(slow, fast)
    ticket.happen("opened", lab.at("10:00"))
    return ticket


def test_retarget_arms_again_what_lies_ahead(lab: Any) -> None:
    ticket = flipping(lab)
    ticket.happen("prioritised", lab.at("10:30"), priority="critical")
    ticket.advance(lab.at("11:40"))
    ticket.happen("prioritised", lab.at("11:40"), priority="high")
    ticket.advance(lab.at("18:00"))
    assert [at for name, at in instants(ticket)] == [
        lab.at("11:00"),
        lab.at("11:30"),
        lab.at("14:00"),
        lab.at("16:00"),
        lab.at("18:00"),
    ]


def test_of_warnings_behind_a_retarget_only_the_last_is_said_and_only_once(lab: Any) -> None:
    ticket = flipping(lab)
    for minute, priority in ((0, "critical"), (1, "high"), (2, "critical"), (3, "high"), (4, "critical")):
        ticket.happen("prioritised", lab.at(f"13:5{minute}"), priority=priority)
        ticket.fire(lab.at(f"13:5{minute}"))
    assert Counter(name for name, _ in instants(ticket)) == {"ClockWarned": 1}


@pytest.mark.parametrize(("duration", "warned"), [(20, ["10"]), (3, ["1"]), (1, [])])
def test_share_of_days_is_rounded_down_to_whole_days(lab: Any, duration: int, warned: list[str]) -> None:
    ticket = lab.ticket(lab.target(duration=duration, unit="calendar_days", warn_at=[0.5]))
    ticket.happen("opened", lab.at("10:00"))
    ticket.advance(lab.at(f"+{duration} 23:00"))
    expected = [("ClockWarned", lab.at(f"+{int(day) + 1} 00:00")) for day in warned]
    assert [fact for fact in instants(ticket) if fact[0] == "ClockWarned"] == expected


# Rule 8: outages.


def test_past_warnings_and_escalations_become_lines_of_digests_after_an_outage(lab: Any) -> None:
    ticket = watched(lab)
    ticket.fire(lab.at("15:00"))
    assert ticket.names()[1:] == ["ClockBreached"]
    breached = ticket.published[1]
    assert (breached.breached_at, breached.fired_at) == (lab.at("13:00"), lab.at("15:00"))
    assert [(line.target, line.kind, line.level, line.threshold_at) for line in ticket.digested] == [
        ("assignee", "warning", 1, lab.at("11:00")),
        ("assignee", "warning", 2, lab.at("12:00")),
        ("lead", "escalation", 1, lab.at("13:00")),
        ("manager", "escalation", 2, lab.at("14:00")),
    ]
    assert {(line.fired_at, line.is_capped) for line in ticket.digested} == {(lab.at("15:00"), False)}
    ticket.advance(lab.at("19:00"))
    assert instants(ticket)[1:] == [("EscalationDue", lab.at("16:00")), ("EscalationDue", lab.at("18:00"))]


def test_after_an_outage_a_late_warning_waits_for_its_past_breach_so_that_breaches_come_in_due_order(
    lab: Any,
) -> None:
    policy = lab.policy(
        lab.target("time_to_own", 2, warn_at=[0.5]), lab.target("resolution", 4, warn_at=[0.25])
    )
    ticket = lab.history(policy)
    ticket.happen("opened", lab.at("09:00"))
    ticket.fire(lab.at("20:00"))
    breaches = [event for event in ticket.published if isinstance(event, events.ClockBreached)]
    assert [event.breached_at for event in breaches] == [lab.at("11:00"), lab.at("13:00")]


def test_breach_of_a_clock_at_work_is_left_to_the_timers_who_keep_due_order(lab: Any) -> None:
    ticket = watched(lab)
    ticket.happen("assigned", lab.at("15:00"), noticed_at=lab.at("20:00"))
    assert "ClockBreached" not in ticket.names()
    ticket.fire(lab.at("20:00"))
    assert ticket.names().count("ClockBreached") == 1


def test_slightly_late_threshold_is_said_as_if_in_time(lab: Any) -> None:
    ticket = watched(lab)
    ticket.fire(lab.at("11:00:59"))
    assert instants(ticket) == [("ClockWarned", lab.at("11:00"))]


def test_backlog_with_pauses_in_it_raises_no_false_breach(lab: Any) -> None:
    ticket = watched(lab)
    now = lab.at("+2 08:59")
    ticket.happen("waiting", lab.at("10:00"), noticed_at=now, waiting_on="customer")
    ticket.happen("resumed", lab.at("+2 08:00"), noticed_at=now)
    ticket.fire(now)
    assert not instants(ticket)
    assert ticket.clock().due_at == lab.at("+2 11:00")


def test_timers_do_not_overtake_the_horizon(lab: Any) -> None:
    ticket = watched(lab)
    ticket.fire(lab.at("+1 09:00"), up_to=lab.at("12:30"))
    assert not [event for event in ticket.published if isinstance(event, events.ClockBreached)]


# Rule 9: storm caps.


def test_escalations_above_the_cap_are_written_down_for_the_digest_at_their_instants(lab: Any) -> None:
    caps = StormCaps(per_subject=1, window=timedelta(hours=6))
    ticket = watched(lab)
    ticket.allowance = Allowance(caps)
    ticket.advance(lab.at("17:59"))
    assert Counter(ticket.names())["EscalationDue"] == 1
    lines = [(line.threshold_at, line.fired_at, line.is_capped) for line in ticket.digested]
    assert lines == [(lab.at(at), lab.at(at), True) for at in ("14:00", "16:00")]
    ticket.allowance = Allowance(caps)
    ticket.advance(lab.at("18:00"))
    assert instants(ticket)[-1] == ("EscalationDue", lab.at("18:00")), "the next window has room again"
    assert len(ticket.digested) == 2


def test_other_target_does_not_wait_for_the_one_above_its_cap(lab: Any) -> None:
    caps = StormCaps(per_target=1, window=timedelta(hours=6))
    ticket = watched(
        lab,
        escalations=[
            {"offset": offset, "target": target} for offset, target in ((0, "a"), (1, "a"), (2, "b"))
        ],
    )
    ticket.allowance = Allowance(caps)
    ticket.advance(lab.at("17:59"))
    assert [at for name, at in instants(ticket) if name == "EscalationDue"] == [
        lab.at("13:00"),
        lab.at("15:00"),
    ]


def test_cap_of_a_target_counts_over_all_subjects(lab: Any, identify: Any) -> None:
    allowance = Allowance(StormCaps(per_target=2))
    taken = [allowance.take(identify(name), "lead") for name in "abc"]
    assert taken == [True, True, False]
    assert allowance.take(identify("a"), "manager")


# The generation check.


def faults(ticket: Any) -> list[str]:
    """What is wrong with what was published, told from the ledger alone."""
    wrong = []
    told = Counter(
        (type(event).__name__, event.clock_id, event.cycle, getattr(event, "level", 0), event.due_at)
        for event in ticket.published
        if isinstance(event, events.ClockWarned | events.ClockBreached)
    )
    wrong += [f"twice: {name}" for name, count in told.items() if count > 1]
    retracted = {e.retracted_breached_at for e in ticket.published if isinstance(e, events.BreachRetracted)}
    for event in ticket.published:
        if isinstance(event, events.ClockBreached) and event.breached_at not in retracted:
            clock = ticket.clock(event.metric)
            if any(
                start <= event.breached_at and (end is None or event.breached_at < end)
                for start, end in clock.pauses
            ):
                wrong.append(f"breached while paused at {event.breached_at}")
    return wrong


class NoGenerationCheck:
    """Deliberately broken: believes what the timer row says."""

    def fire(self, ticket: Any, now: Any) -> None:
        for timer in [timer for timer in ticket.timers if timer.due_at <= now]:
            ticket.timers.remove(timer)
            clock = ticket.subject.clock(timer.clock_id, timer.cycle)
            threshold = Threshold(timer.kind, timer.level, 0, clock.arming, timer.due_at, "", "due")
            ticket.subject.fire([(clock, Decision(announced=[threshold]))], now)
            ticket.collect()


def paused_before_due(lab: Any) -> Any:
    ticket = lab.ticket(lab.target(duration=4))
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("waiting", lab.at("10:00"), waiting_on="customer")
    return ticket


def test_without_the_generation_check_a_paused_clock_is_breached_and_that_is_noticed(lab: Any) -> None:
    right, broken = paused_before_due(lab), paused_before_due(lab)
    right.fire(lab.at("14:00"))
    NoGenerationCheck().fire(broken, lab.at("14:00"))
    assert faults(right) == []
    assert faults(broken) == [f"breached while paused at {lab.at('13:00')}"]


def test_stale_timer_does_nothing(lab: Any) -> None:
    ticket = paused_before_due(lab)
    assert [timer.kind for timer in ticket.timers] == [ThresholdKind.BREACH]
    ticket.fire(lab.at("14:00"))
    assert not instants(ticket)
    assert not ticket.timers


def test_stale_timer_sets_no_other(lab: Any) -> None:
    ticket = paused_before_due(lab)
    ticket.happen("resumed", lab.at("11:00"))
    assert [timer.due_at for timer in ticket.timers] == [lab.at("13:00"), lab.at("14:00")]
    ticket.fire(lab.at("13:00"))
    assert [timer.due_at for timer in ticket.timers] == [lab.at("14:00")]
