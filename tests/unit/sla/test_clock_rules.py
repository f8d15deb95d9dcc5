"""The rules of clocks (sla.md §3), each by name, so that the wrong behaviour fails."""

from typing import Any

import pytest

from services.sla.domain import events
from services.sla.domain.clock_status import RunState
from services.sla.domain.ledger import EntryKind

# Rule 2: pausing.


def test_pause_shifts_what_is_left_and_nothing_else(lab: Any) -> None:
    ticket = lab.ticket(lab.target(duration=4))
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("waiting", lab.at("10:00"), waiting_on="customer")
    assert ticket.clock().due_at is None
    ticket.happen("resumed", lab.at("15:30"))
    assert ticket.clock().due_at == lab.at("18:30")
    assert ticket.clock().pauses == [(lab.at("10:00"), lab.at("15:30"))]


def test_pause_counts_business_time_only(lab: Any) -> None:
    ticket = lab.ticket(lab.target(duration=4), calendar=lab.office)
    ticket.happen("opened", lab.at("15:00"))
    ticket.happen("waiting", lab.at("16:00"), waiting_on="customer")
    ticket.happen("resumed", lab.at("+1 08:00"))
    assert ticket.clock().due_at == lab.at("+1 12:00")


def test_clock_never_breaches_while_paused(lab: Any) -> None:
    ticket = lab.ticket(lab.target(duration=4))
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("waiting", lab.at("12:59:59"), waiting_on="customer")
    ticket.advance(lab.at("+30 00:00"))
    assert "ClockBreached" not in ticket.names()
    ticket.happen("resumed", lab.at("+30 00:00"))
    assert ticket.clock().due_at == lab.at("+30 00:00:01")
    ticket.advance(lab.at("+31 00:00"))
    assert ticket.clock().breached_at == lab.at("+30 00:00:01")


def test_pause_at_the_due_instant_comes_first(lab: Any) -> None:
    ticket = lab.ticket(lab.target(duration=4))
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("waiting", lab.at("13:00"), waiting_on="customer")
    ticket.advance(lab.at("20:00"))
    assert ticket.clock().breached_at is None
    ticket.happen("resumed", lab.at("20:00"))
    ticket.advance(lab.at("20:00"))
    assert ticket.clock().breached_at == lab.at("20:00")


@pytest.mark.parametrize("waiting_on", ["customer", "third_party"])
def test_only_declared_states_pause(lab: Any, waiting_on: str) -> None:
    ticket = lab.ticket(lab.target(duration=4, pauses_on=["waiting_on_third_party"]))
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("waiting", lab.at("10:00"), waiting_on=waiting_on)
    paused = ticket.clock().run_state is RunState.PAUSED
    assert paused == (waiting_on == "third_party")


def test_another_cause_of_waiting_may_end_the_pause(lab: Any) -> None:
    ticket = lab.ticket(lab.target(duration=4))
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("waiting", lab.at("10:00"), waiting_on="customer")
    ticket.happen("waiting", lab.at("11:00"), waiting_on="third_party")
    assert ticket.clock().due_at == lab.at("14:00")


def test_subject_created_waiting_starts_paused(lab: Any) -> None:
    ticket = lab.ticket(lab.target(duration=4))
    ticket.happen("opened", lab.at("09:00"), state="waiting")
    assert ticket.clock().run_state is RunState.PAUSED
    assert ticket.names() == ["ClockStarted", "ClockPaused"]
    ticket.happen("resumed", lab.at("12:00"))
    assert ticket.clock().due_at == lab.at("16:00")


@pytest.mark.parametrize("state", ["resolved", "closed", "cancelled"])
def test_subject_created_finished_starts_not_at_all(lab: Any, state: str) -> None:
    ticket = lab.ticket()
    ticket.happen("opened", lab.at("09:00"), state=state)
    assert not ticket.subject.clocks
    assert not ticket.published


@pytest.mark.parametrize(
    ("unit", "duration", "due"),
    [("business_days", 3, "+3 17:00"), ("calendar_days", 3, "+4 00:00"), ("calendar_weeks", 1, "+8 00:00")],
)
def test_days_are_due_at_the_end_of_the_nth_date_after_receipt(
    lab: Any, unit: str, duration: int, due: str
) -> None:
    ticket = lab.ticket(lab.target(duration=duration, unit=unit), calendar=lab.office)
    ticket.happen("opened", lab.at("16:30"))
    assert ticket.clock().due_at == lab.at(due)


@pytest.mark.parametrize(
    ("paused", "resumed", "due"),
    [
        ("+1 10:00", "+1 10:00", "+3 17:00"),
        ("+1 10:00", "+1 16:59", "+3 17:00"),
        ("+1 10:00", "+1 17:01", "+4 17:00"),
        ("+1 17:00", "+1 18:00", "+4 17:00"),
        ("+1 10:00", "+3 09:00", "+7 17:00"),
    ],
)
def test_business_day_counts_unless_the_clock_stood_still_at_its_closing(
    lab: Any, paused: str, resumed: str, due: str
) -> None:
    ticket = lab.ticket(lab.target(duration=3, unit="business_days"), calendar=lab.office)
    ticket.happen("opened", lab.at("16:30"))
    ticket.happen("waiting", lab.at(paused), waiting_on="customer")
    ticket.happen("resumed", lab.at(resumed))
    assert ticket.clock().due_at == lab.at(due)


def test_changing_priority_keeps_the_pause_already_taken(lab: Any) -> None:
    high = lab.policy(lab.target(duration=8), name="high", priority=["high"])
    low = lab.policy(lab.target(duration=10), name="low", priority=["low"])
    ticket = lab.history(high, low)
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("waiting", lab.at("10:00"), waiting_on="customer")
    ticket.happen("resumed", lab.at("13:00"))
    ticket.happen("prioritised", lab.at("13:30"), priority="low")
    assert ticket.clock().due_at == lab.at("22:00")
    assert ticket.clock().pauses == [(lab.at("10:00"), lab.at("13:00"))]


# Rule 3: retargeting.


def retargetable(lab: Any, first: int = 8, second: int = 2, **rest: Any) -> Any:
    high = lab.policy(lab.target(duration=first), name="high", priority=["high"])
    critical = lab.policy(lab.target(duration=second, **rest), name="critical", priority=["critical"])
    ticket = lab.history(high, critical)
    ticket.happen("opened", lab.at("10:00"))
    return ticket


def test_retargeting_never_convicts_the_past(lab: Any) -> None:
    ticket = retargetable(lab)
    ticket.happen("prioritised", lab.at("14:00"), priority="critical")
    assert ticket.clock().due_at == lab.at("15:00")
    assert ticket.clock().breached_at is None
    retargeted = ticket.published[-1]
    assert isinstance(retargeted, events.ClockRetargeted)
    assert (retargeted.previous_due_at, retargeted.due_at) == (lab.at("18:00"), lab.at("15:00"))
    assert retargeted.reason == "priority"
    ticket.advance(lab.at("16:00"))
    assert ticket.clock().breached_at == lab.at("15:00")


def test_refolded_due_date_counts_when_it_is_later_than_the_notice(lab: Any) -> None:
    ticket = retargetable(lab)
    ticket.happen("prioritised", lab.at("10:30"), priority="critical")
    assert ticket.clock().due_at == lab.at("12:00")


@pytest.mark.parametrize(("notice", "due"), [(0, "14:00"), (1, "15:00"), (2, "16:00")])
def test_declared_notice_counts(lab: Any, notice: int, due: str) -> None:
    ticket = retargetable(lab, notice=notice)
    ticket.happen("prioritised", lab.at("14:00"), priority="critical")
    assert ticket.clock().due_at == lab.at(due)


def test_no_breach_lies_before_the_change_even_when_the_time_passed_outside_hours(lab: Any) -> None:
    high = lab.policy(lab.target(duration=8), name="high", priority=["high"], calendar=lab.office)
    critical = lab.policy(
        lab.target(duration=2, notice=0), name="critical", priority=["critical"], calendar=lab.office
    )
    ticket = lab.history(high, critical)
    ticket.happen("opened", lab.at("15:00"))
    ticket.happen("prioritised", lab.at("20:00"), priority="critical")
    assert ticket.clock().due_at == lab.at("20:00")


def test_rule_3_notice_never_lifts_the_promise_that_was_made_before(lab: Any) -> None:
    ticket = retargetable(lab)
    ticket.happen("prioritised", lab.at("17:59"), priority="critical")
    assert ticket.clock().due_at == lab.at("18:00"), "and not 18:59"
    ticket.advance(lab.at("18:30"))
    ticket.happen("resolved", lab.at("18:30"))
    assert isinstance(ticket.published[-1], events.ClockMissed)


def test_rule_3_notice_of_a_wider_target_gives_no_more_than_the_target(lab: Any) -> None:
    ticket = retargetable(lab, second=10)
    ticket.happen("prioritised", lab.at("17:59"), priority="critical")
    assert ticket.clock().due_at == lab.at("20:00"), "and not 22:59"


def test_rule_3_target_that_comes_back_gives_no_more_than_it_did(lab: Any) -> None:
    """Twice another priority, and back: what it bought is the time it was away, not another notice."""
    high = lab.policy(lab.target(duration=8), name="high", priority=["high"])
    low = lab.policy(lab.target(duration=20), name="low", priority=["low"])
    ticket = lab.history(high, low)
    ticket.happen("opened", lab.at("10:00"))
    ticket.happen("prioritised", lab.at("17:58"), priority="low")
    ticket.happen("prioritised", lab.at("17:59"), priority="high")
    assert ticket.clock().due_at == lab.at("18:01"), "and not 21:59"


def test_rule_3_promise_that_lapsed_comes_back_as_it_was(lab: Any) -> None:
    ticket = lab.history(lab.policy(lab.target(duration=8), name="high", priority=["high"]))
    ticket.happen("opened", lab.at("10:00"))
    ticket.happen("prioritised", lab.at("17:00"), priority="low")
    ticket.happen("prioritised", lab.at("17:30"), priority="high")
    assert ticket.clock().due_at == lab.at("18:00")


def test_rule_3_what_is_fulfilled_while_nobody_asks_for_it_is_not_met(lab: Any) -> None:
    ticket = lab.history(lab.policy(lab.target(duration=8), name="high", priority=["high"]))
    ticket.happen("opened", lab.at("10:00"))
    ticket.happen("prioritised", lab.at("17:00"), priority="low")
    ticket.happen("resolved", lab.at("20:00"))
    assert ticket.clock().run_state is RunState.CANCELLED
    assert "ClockMet" not in ticket.names()


@pytest.mark.parametrize(
    ("changed", "due"), [("+4 18:00", "+5 10:00"), ("+4 12:00", "+4 15:00"), ("+5 09:59", "+5 10:00")]
)
def test_rule_3_old_due_instant_counts_across_units(lab: Any, changed: str, due: str) -> None:
    """96 elapsed hours from Tuesday 10:00 end on Saturday, when the office of the new target is closed."""
    wide = lab.policy(lab.target(duration=96, unit="elapsed_hours"), name="wide", priority=["high"])
    office = lab.policy(lab.target(duration=6), name="office", priority=["critical"], calendar=lab.office)
    ticket = lab.history(wide, office)
    ticket.happen("opened", lab.at("+1 10:00"))
    ticket.happen("prioritised", lab.at(changed), priority="critical")
    assert ticket.clock().due_at == lab.at(due)
    ticket.advance(lab.at("+9 00:00"))
    assert ticket.clock().breached_at == lab.at(due)


def test_retarget_while_paused_runs_its_notice_once_resumed(lab: Any) -> None:
    ticket = retargetable(lab)
    ticket.happen("waiting", lab.at("14:00"), waiting_on="customer")
    ticket.happen("prioritised", lab.at("15:00"), priority="critical")
    assert ticket.clock().due_at is None
    ticket.happen("resumed", lab.at("17:00"))
    assert ticket.clock().due_at == lab.at("18:00")


def test_breach_stays_when_a_retarget_lifts_the_overdue_clock(lab: Any) -> None:
    ticket = retargetable(lab, first=2, second=8)
    ticket.advance(lab.at("13:00"))
    ticket.happen("prioritised", lab.at("13:00"), priority="critical")
    assert ticket.clock().due_at == lab.at("18:00")
    ticket.happen("resolved", lab.at("17:00"))
    assert ticket.clock().breached_at == lab.at("12:00")
    assert isinstance(ticket.published[-1], events.ClockMissed)


def test_breach_that_no_timer_saw_is_told_when_a_retarget_lifts_it(lab: Any) -> None:
    ticket = retargetable(lab, first=2, second=8)
    ticket.happen("prioritised", lab.at("13:00"), priority="critical")
    breaches = [event for event in ticket.published if isinstance(event, events.ClockBreached)]
    assert [event.breached_at for event in breaches] == [lab.at("12:00")]
    ticket.advance(lab.at("23:00"))
    breaches = [event for event in ticket.published if isinstance(event, events.ClockBreached)]
    assert [event.breached_at for event in breaches] == [lab.at("12:00"), lab.at("18:00")]


def test_another_policy_with_the_same_timing_is_no_retarget(lab: Any) -> None:
    high = lab.policy(lab.target(duration=8), name="high", priority=["high"])
    critical = lab.policy(lab.target(duration=8), name="critical", priority=["critical"])
    ticket = lab.history(high, critical)
    ticket.happen("opened", lab.at("10:00"))
    ticket.happen("prioritised", lab.at("17:00"), priority="critical")
    assert ticket.clock().due_at == lab.at("18:00")
    assert ticket.clock().arming == 0
    assert ticket.clock().policy_version_id == critical.id


def test_promise_ends_and_comes_back_with_the_policy_that_makes_it(lab: Any) -> None:
    ticket = lab.history(lab.policy(lab.target(duration=8), name="high", priority=["high"]))
    ticket.happen("opened", lab.at("10:00"))
    ticket.happen("waiting", lab.at("11:00"), waiting_on="customer")
    ticket.happen("prioritised", lab.at("12:00"), priority="low")
    assert ticket.clock().run_state is RunState.CANCELLED
    ticket.happen("resumed", lab.at("13:00"))
    ticket.happen("prioritised", lab.at("14:00"), priority="high")
    assert ticket.clock().run_state is RunState.RUNNING
    assert ticket.clock().pauses == [(lab.at("11:00"), lab.at("13:00"))]
    assert ticket.clock().due_at == lab.at("20:00")


def test_promise_that_begins_late_does_not_convict_the_past(lab: Any) -> None:
    ticket = lab.history(
        lab.policy(lab.target(duration=2, warn_at=[0.25, 0.5]), name="high", priority=["high"])
    )
    ticket.happen("opened", lab.at("10:00"), priority="low")
    assert not ticket.subject.clocks
    ticket.happen("prioritised", lab.at("16:00"), priority="high")
    assert ticket.clock().started_at == lab.at("10:00")
    assert ticket.clock().due_at == lab.at("17:00")
    ticket.fire(lab.at("16:00"))
    assert ticket.names() == ["ClockStarted", "ClockWarned"]


# What starts and stops the metrics.


def test_fulfilled_exactly_at_due_is_met(lab: Any) -> None:
    ticket = lab.ticket(lab.target(duration=4))
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("resolved", lab.at("13:00"))
    ticket.advance(lab.at("20:00"))
    assert ticket.names() == ["ClockStarted", "ClockMet"]


def test_fulfilled_a_second_late_is_missed(lab: Any) -> None:
    ticket = lab.ticket(lab.target(duration=4))
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("resolved", lab.at("13:00:01"))
    assert ticket.names() == ["ClockStarted", "ClockBreached", "ClockMissed"]
    assert ticket.clock().breached_at == lab.at("13:00")


def test_waiting_goes_straight_to_resolved(lab: Any) -> None:
    ticket = lab.ticket(lab.target(duration=4))
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("waiting", lab.at("10:00"), waiting_on="customer")
    ticket.happen("resolved", lab.at("22:00"))
    assert isinstance(ticket.published[-1], events.ClockMet)
    assert ticket.clock().due_at == lab.at("+1 01:00")


@pytest.mark.parametrize(
    ("kind", "met"), [("assigned", True), ("work_started", True), ("resolved", True), ("transferred", False)]
)
def test_somebody_owns_it_once_assigned_started_or_resolved(lab: Any, kind: str, met: bool) -> None:
    ticket = lab.ticket(lab.target("time_to_own", 60, "business_minutes"))
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen(kind, lab.at("09:30"), queue="second line")
    assert (ticket.clock("time_to_own").run_state is RunState.ENDED) == met


def test_ticket_opened_at_work_is_owned_from_the_start(lab: Any) -> None:
    ticket = lab.ticket(lab.target("time_to_own", 60, "business_minutes"))
    ticket.happen("opened", lab.at("09:00"), state="in_progress")
    assert ticket.names() == ["ClockStarted", "ClockMet"]


@pytest.mark.parametrize(("automatic", "met"), [(False, True), (True, False)])
def test_only_a_person_answers(lab: Any, automatic: bool, met: bool) -> None:
    ticket = lab.ticket(lab.target("first_response", 60, "business_minutes"))
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("replied", lab.at("09:05"), automatic=automatic)
    assert (ticket.clock("first_response").run_state is RunState.ENDED) == met
    assert ("no effect" in ticket.effects()[-1]) == automatic


@pytest.mark.parametrize(
    ("channel", "met"), [("phone", True), ("chat", True), ("web", False), ("email", False)]
)
def test_first_response_is_met_at_opening_on_a_live_channel(lab: Any, channel: str, met: bool) -> None:
    ticket = lab.ticket(lab.target("first_response", 60, "business_minutes"))
    ticket.happen("opened", lab.at("09:00"), channel=channel)
    assert (ticket.clock("first_response").run_state is RunState.ENDED) == met


def test_customers_reply_ends_the_wait_for_the_customer(lab: Any) -> None:
    ticket = lab.ticket(lab.target(duration=4))
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("waiting", lab.at("10:00"), waiting_on="customer")
    ticket.happen("customer_replied", lab.at("11:00"))
    ticket.happen("resumed", lab.at("15:00"))
    assert ticket.clock().due_at == lab.at("14:00")


def test_complaint_carries_clocks_in_mixed_units(lab: Any) -> None:
    policy = lab.policy(
        lab.target("acknowledgement", 1, "elapsed_hours"),
        lab.target("response", 24, "elapsed_hours"),
        lab.target("decision", 20, "business_days"),
        lab.target("resolution", 8, "calendar_weeks"),
        agreement="regulatory",
        calendar=lab.office,
        subject_kind="complaint",
    )
    complaint = lab.history(policy, kind="complaint")
    complaint.happen("opened", lab.at("16:30"), severity="serious", priority=None)
    due = {clock.key.metric.value: clock.due_at for clock in complaint.subject.clocks.values()}
    assert due == {
        "acknowledgement": lab.at("17:30"),
        "response": lab.at("+1 16:30"),
        "decision": lab.at("+28 17:00"),
        "resolution": lab.at("+57 00:00"),
    }
    complaint.happen("acknowledged", lab.at("16:31"))
    assert complaint.clock("response", "regulatory").run_state is RunState.RUNNING
    complaint.happen("responded", lab.at("+1 16:30"))
    assert isinstance(complaint.published[-1], events.ClockMet)


@pytest.mark.parametrize("kind", ["closed", "cancelled", "deleted", "merged", "withdrawn"])
def test_what_is_given_up_is_cancelled_or_missed_when_it_was_breached(lab: Any, kind: str) -> None:
    for ended_at, outcome in (("09:30", events.ClockCancelled), ("11:00", events.ClockMissed)):
        ticket = lab.ticket(lab.target("time_to_own", 60, "business_minutes"))
        ticket.happen("opened", lab.at("09:00"))
        ticket.advance(lab.at(ended_at))
        ticket.happen(kind, lab.at(ended_at))
        assert isinstance(ticket.published[-1], outcome)


# Reopening.


@pytest.mark.parametrize(
    ("on_reopen", "due", "cycle"),
    [("continue", "18:00", 1), ("restart", "19:00", 1), ("new_cycle", "19:00", 2)],
)
def test_reopening_follows_what_was_declared(lab: Any, on_reopen: str, due: str, cycle: int) -> None:
    ticket = lab.ticket(lab.target(duration=4, on_reopen=on_reopen))
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("resolved", lab.at("10:00"))
    ticket.happen("reopened", lab.at("15:00"))
    assert (ticket.clock().due_at, ticket.clock().cycle) == (lab.at(due), cycle)
    assert ticket.clock().run_state is RunState.RUNNING


def test_clock_stays_ended_where_reopening_is_not_its_matter(lab: Any) -> None:
    ticket = lab.ticket(lab.target("time_to_own", 60, "business_minutes"))
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("assigned", lab.at("09:10"))
    ticket.happen("reopened", lab.at("15:00"))
    assert ticket.clock("time_to_own").run_state is RunState.ENDED


@pytest.mark.parametrize("on_reopen", ["continue", "restart"])
def test_miss_stays_after_reopening(lab: Any, on_reopen: str) -> None:
    ticket = lab.ticket(lab.target(duration=1, on_reopen=on_reopen))
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("resolved", lab.at("11:00"))
    ticket.happen("reopened", lab.at("12:00"))
    ticket.happen("resolved", lab.at("12:01"))
    assert ticket.clock().breached_at == lab.at("10:00")
    assert isinstance(ticket.published[-1], events.ClockMissed)


def test_new_cycle_leaves_the_old_outcome(lab: Any) -> None:
    ticket = lab.ticket(lab.target(duration=1, on_reopen="new_cycle"))
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("resolved", lab.at("11:00"))
    ticket.happen("reopened", lab.at("12:00"))
    ticket.happen("resolved", lab.at("12:30"))
    assert ticket.clock(cycle=1).breached_at == lab.at("10:00")
    assert ticket.clock(cycle=2).breached_at is None
    assert isinstance(ticket.published[-1], events.ClockMet)


def test_priority_that_changed_while_resolved_counts_from_the_reopening_on(lab: Any) -> None:
    ticket = retargetable(lab)
    ticket.happen("resolved", lab.at("11:00"))
    ticket.happen("prioritised", lab.at("12:00"), priority="critical")
    assert ticket.clock().due_at == lab.at("18:00")
    ticket.happen("reopened", lab.at("13:00"))
    assert ticket.clock().due_at == lab.at("14:00")


# Rule 6: merged and deleted subjects.


def test_deleted_subject_never_escalates(lab: Any) -> None:
    ticket = lab.ticket(lab.target(duration=1, escalations=[{"offset": 0, "target": "lead"}]))
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("deleted", lab.at("10:30"))
    ticket.happen("reopened", lab.at("11:00"))
    ticket.advance(lab.at("20:00"))
    assert not {"ClockBreached", "EscalationDue"} & set(ticket.names())
    assert ticket.effects()[-1] == "no effect: the subject is gone"


def test_survivor_inherits_the_earlier_due_date(lab: Any) -> None:
    ticket = lab.ticket(lab.target(duration=8))
    ticket.happen("opened", lab.at("10:00"))
    data = {"agreement": "sla", "metric": "resolution"}
    ticket.happen("inherited", lab.at("11:00"), due_at=lab.at("13:00").isoformat(), **data)
    assert ticket.clock().due_at == lab.at("13:00")
    ticket.happen("inherited", lab.at("11:30"), due_at=lab.at("15:00").isoformat(), **data)
    assert ticket.clock().due_at == lab.at("13:00")
    assert ticket.effects()[-1] == "no effect"


@pytest.mark.parametrize("paused", [False, True])
def test_rule_6_inherited_days_are_as_many_as_the_merged_subject_had(lab: Any, paused: bool) -> None:
    target = lab.target(duration=3, unit="business_days")
    older, younger = lab.ticket(target, calendar=lab.office), lab.ticket(target, calendar=lab.office)
    older.happen("opened", lab.at("10:00"))
    younger.happen("opened", lab.at("+1 10:00"))
    if paused:
        younger.happen("waiting", lab.at("+1 11:00"), waiting_on="customer")
    ((key, due_at),) = older.subject.promises(lab.at("+1 12:00"), older.catalogue)
    data = {"agreement": key.agreement, "metric": key.metric}
    younger.happen("inherited", lab.at("+1 12:00"), due_at=due_at.isoformat(), **data)
    if paused:
        younger.happen("resumed", lab.at("+1 13:00"))
    assert younger.clock().due_at == lab.at("+3 17:00")


@pytest.mark.parametrize(("merged", "handed_over"), [("17:59", 1), ("18:00", 1), ("18:01", 0)])
def test_rule_6_miss_of_a_merged_subject_is_counted_once(lab: Any, merged: str, handed_over: int) -> None:
    older, younger = lab.ticket(lab.target(duration=8)), lab.ticket(lab.target(duration=8))
    older.happen("opened", lab.at("10:00"))
    younger.happen("opened", lab.at("17:00"))
    older.advance(lab.at(merged))
    promises = older.subject.promises(lab.at(merged), older.catalogue)
    assert len(promises) == handed_over
    older.happen("merged", lab.at(merged))
    for key, due_at in promises:
        data = {"agreement": key.agreement, "metric": key.metric}
        younger.happen("inherited", lab.at(merged), due_at=due_at.isoformat(), **data)
    younger.advance(lab.at("19:00"))
    younger.happen("resolved", lab.at("19:00"))
    missed = [ticket.clock().breached_at is not None for ticket in (older, younger)]
    assert missed.count(True) == 1


def test_inherited_due_date_never_lies_before_the_merge(lab: Any) -> None:
    ticket = lab.ticket(lab.target(duration=8))
    ticket.happen("opened", lab.at("10:00"))
    ticket.happen(
        "inherited", lab.at("11:00"), agreement="sla", metric="resolution", due_at=lab.at("09:00").isoformat()
    )
    assert ticket.clock().due_at == lab.at("11:00")


# Rules 1 and 7: late, double and senseless inputs.


def test_input_that_does_not_apply_is_kept_without_effect(lab: Any) -> None:
    ticket = lab.ticket()
    ticket.happen("opened", lab.at("09:00"))
    published = len(ticket.published)
    for kind in ("resumed", "reopened", "acknowledged", "customer_replied"):
        ticket.happen(kind, lab.at("10:00"))
        assert ticket.effects()[-1] == "no effect"
    assert len(ticket.published) == published


def test_same_event_writes_its_line_once(lab: Any) -> None:
    ticket = lab.ticket()
    opened = ticket.entry("opened", lab.at("09:00"))
    ticket.record(opened, now=lab.at("09:00"))
    ticket.record(opened, now=lab.at("09:05"))
    assert len(ticket.subject.entries) == 1


@pytest.mark.parametrize("others", range(6))
def test_inputs_of_one_instant_are_read_in_the_sources_order(lab: Any, others: int) -> None:
    ticket = lab.ticket(lab.target(duration=4))
    ticket.happen("opened", lab.at("09:00"))
    for _ in range(others):
        ticket.happen("assigned", lab.at("09:30"))
    waiting = ticket.entry("waiting", lab.at("10:00"), sequence=20, waiting_on="customer")
    resumed = ticket.entry("resumed", lab.at("10:00"), sequence=30)
    ticket.record(resumed, now=lab.at("10:00"))
    ticket.record(waiting, now=lab.at("10:00"))
    assert ticket.clock().run_state is RunState.RUNNING


def test_late_pause_retracts_a_published_breach(lab: Any) -> None:
    ticket = lab.ticket(lab.target(duration=4, escalations=[{"offset": 0, "target": "lead"}]))
    ticket.happen("opened", lab.at("09:00"))
    ticket.advance(lab.at("13:00"))
    assert ticket.clock().breached_at == lab.at("13:00")
    ticket.happen("waiting", lab.at("12:00"), noticed_at=lab.at("13:05"), waiting_on="customer")
    retracted = [event for event in ticket.published if isinstance(event, events.BreachRetracted)]
    assert [event.retracted_breached_at for event in retracted] == [lab.at("13:00")]
    assert ticket.clock().breached_at is None
    ticket.happen("resumed", lab.at("14:00"))
    ticket.advance(lab.at("15:00"))
    assert ticket.clock().breached_at == lab.at("15:00")
    assert ticket.names().count("EscalationDue") == 2


def test_late_resolution_turns_missed_into_met(lab: Any) -> None:
    ticket = lab.ticket(lab.target(duration=4))
    ticket.happen("opened", lab.at("09:00"))
    ticket.advance(lab.at("14:00"))
    ticket.happen("resolved", lab.at("12:30"), noticed_at=lab.at("14:00"))
    assert ticket.names() == ["ClockStarted", "ClockBreached", "BreachRetracted", "ClockMet"]


def test_breach_stands_when_a_later_input_changes_nothing(lab: Any) -> None:
    ticket = lab.ticket(lab.target(duration=4))
    ticket.happen("opened", lab.at("09:00"))
    ticket.advance(lab.at("14:00"))
    ticket.happen("assigned", lab.at("12:00"), noticed_at=lab.at("14:00"))
    ticket.happen("waiting", lab.at("14:30"), waiting_on="customer")
    assert "BreachRetracted" not in ticket.names()
    assert ticket.clock().breached_at == lab.at("13:00")


def test_correction_with_evidence_moves_a_line_and_leaves_it_as_written(lab: Any) -> None:
    ticket = lab.ticket(lab.target(duration=4))
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("resolved", lab.at("14:00"))
    resolved = ticket.subject.entries[-1]
    ticket.happen(
        "corrected", lab.at("15:00"), entry_id=str(resolved.id), occurred_at=lab.at("12:00").isoformat()
    )
    assert ticket.names()[-2:] == ["BreachRetracted", "ClockMet"]
    assert ticket.subject.entries[1].occurred_at == lab.at("14:00")


# Tiers.


def tiered(lab: Any, on_tier_change: str = "keep") -> Any:
    standard = lab.policy(lab.target(duration=8, on_tier_change=on_tier_change), name="standard")
    gold = lab.policy(lab.target(duration=4, on_tier_change=on_tier_change), name="gold", tier=["gold"])
    return lab.history(standard, gold)


def test_tier_at_the_start_counts(lab: Any) -> None:
    ticket = tiered(lab)
    ticket.happen("tier_changed", lab.at("-9 00:00"), tier="gold")
    ticket.happen("opened", lab.at("10:00"))
    assert ticket.clock().due_at == lab.at("14:00")
    assert ticket.clock().described["tier"] == "gold"


@pytest.mark.parametrize("on_tier_change", ["keep", "retarget"])
def test_tier_in_force_before_the_start_is_a_late_input_whatever_is_declared(
    lab: Any, on_tier_change: str
) -> None:
    ticket = tiered(lab, on_tier_change)
    ticket.happen("opened", lab.at("10:00"))
    ticket.happen("tier_changed", lab.at("09:59"), noticed_at=lab.at("11:00"), tier="gold")
    assert ticket.clock().due_at == lab.at("14:00")
    retargeted = ticket.published[-1]
    assert isinstance(retargeted, events.ClockRetargeted)
    assert retargeted.reason == "late_input"


@pytest.mark.parametrize(("on_tier_change", "due"), [("keep", "18:00"), ("retarget", "17:00")])
def test_later_tier_keeps_or_retargets_as_declared(lab: Any, on_tier_change: str, due: str) -> None:
    ticket = tiered(lab, on_tier_change)
    ticket.happen("opened", lab.at("10:00"))
    ticket.happen("tier_changed", lab.at("15:00"), tier="gold")
    assert ticket.clock().due_at == lab.at(due)


def test_other_customers_tier_is_not_ours(lab: Any, identify: Any) -> None:
    ticket = tiered(lab, "retarget")
    ticket.happen("opened", lab.at("10:00"))
    ticket.happen("tier_changed", lab.at("09:00"), tier="gold", customer_id=str(identify("somebody else")))
    assert ticket.clock().due_at == lab.at("18:00")


def test_other_customer_brings_the_tier_they_had_at_the_start(lab: Any, identify: Any) -> None:
    ticket = tiered(lab)
    other = str(identify("somebody else"))
    ticket.happen("tier_changed", lab.at("09:00"), tier="gold", customer_id=other)
    ticket.happen("opened", lab.at("10:00"))
    assert ticket.clock().due_at == lab.at("18:00")
    ticket.happen("customer_changed", lab.at("11:00"), customer_id=other)
    assert ticket.clock().due_at == lab.at("14:00")


# Versions.


def test_running_clock_keeps_the_policy_version_it_started_with(lab: Any) -> None:
    first = lab.policy(lab.target(duration=8))
    second = lab.policy(lab.target(duration=1), number=2, effective_from=lab.at("12:00"))
    ticket = lab.history(first, second)
    ticket.happen("opened", lab.at("10:00"))
    ticket.happen("assigned", lab.at("13:00"))
    assert ticket.clock().due_at == lab.at("18:00")
    later = lab.history(first, second)
    later.happen("opened", lab.at("12:00"))
    assert later.clock().due_at == lab.at("13:00")


def test_version_that_came_after_the_subject_was_heard_of_is_not_seen(lab: Any) -> None:
    first = lab.policy(lab.target(duration=8))
    backdated = lab.policy(lab.target(duration=1), number=2, effective_from=lab.at("09:00"), revision=2)
    ticket = lab.history(first, backdated)
    ticket.happen("opened", lab.at("10:00"))
    assert ticket.clock().due_at == lab.at("18:00")


def test_every_kind_of_entry_may_come_at_any_time(lab: Any) -> None:
    data = {
        "waiting_on": "customer",
        "due_at": lab.at("12:00").isoformat(),
        "committed_at": lab.at("12:00").isoformat(),
        "agreement": "sla",
        "metric": "resolution",
        "priority": "low",
        "tier": "gold",
        "entry_id": "00000000-0000-0000-0000-000000000001",
        "occurred_at": lab.at("08:00").isoformat(),
        "customer_id": str(lab.customer),
    }
    for before in (True, False):
        for kind in EntryKind:
            ticket = lab.ticket()
            if not before:
                ticket.happen("opened", lab.at("09:00"))
            ticket.happen(kind.value, lab.at("10:00"), **data)
            assert len(ticket.effects()) == (1 if before else 2)


def test_promise_that_the_ledger_never_made_is_taken_back(lab: Any) -> None:
    gold = lab.policy(lab.target(duration=1), name="gold", tier=["gold"])
    ticket = lab.history(gold)
    ticket.happen("tier_changed", lab.at("08:00"), tier="gold")
    ticket.happen("opened", lab.at("09:00"))
    ticket.advance(lab.at("11:00"))
    ticket.happen("tier_changed", lab.at("08:30"), noticed_at=lab.at("11:00"), tier="standard")
    assert ticket.names()[-2:] == ["BreachRetracted", "ClockCancelled"]
    assert ticket.clock().run_state is RunState.CANCELLED
    assert ticket.clock().breached_at is None
    ticket.advance(lab.at("+1 00:00"))
    assert ticket.names()[-1] == "ClockCancelled"
    ticket.happen("tier_changed", lab.at("08:45"), noticed_at=lab.at("12:00"), tier="gold")
    ticket.fire(lab.at("12:00"))
    assert ticket.clock().breached_at == lab.at("10:00")


def test_promise_that_was_made_and_lapsed_before_anybody_heard_of_it(lab: Any) -> None:
    """The opening comes last: by then the promise has begun and ended."""
    ticket = lab.history(lab.policy(lab.target(duration=8), name="high", priority=["high"]))
    ticket.happen("prioritised", lab.at("12:00"), priority="low")
    ticket.happen("opened", lab.at("10:00"), noticed_at=lab.at("13:00"))
    assert ticket.clock().run_state is RunState.CANCELLED


def test_breach_is_told_once_when_a_late_input_leads_to_the_same_due_date(lab: Any) -> None:
    """What comes late arms the clock anew; the due instant that was told stays told."""
    high = lab.policy(lab.target(duration=4), name="high", priority=["high"])
    critical = lab.policy(lab.target(duration=2), name="critical", priority=["critical"])
    ticket = lab.history(high, critical)
    ticket.happen("opened", lab.at("10:00"))
    ticket.advance(lab.at("14:30"))
    ticket.happen("prioritised", lab.at("13:30"), noticed_at=lab.at("14:30"), priority="critical")
    ticket.advance(lab.at("20:00"))
    breaches = [event.breached_at for event in ticket.published if isinstance(event, events.ClockBreached)]
    assert breaches == [lab.at("14:00")]


def test_two_breaches_that_arrive_together_are_both_told(lab: Any) -> None:
    """One went by before a retarget, one is to come: the second is not taken for the first."""
    ticket = retargetable(lab, first=2, second=8)
    late = lab.history(
        lab.policy(lab.target(duration=2), name="high", priority=["high"]),
        lab.policy(lab.target(duration=8), name="critical", priority=["critical"]),
    )
    late.happen("prioritised", lab.at("13:00"), priority="critical")
    late.happen("opened", lab.at("10:00"), noticed_at=lab.at("13:01"))
    late.advance(lab.at("20:00"))
    ticket.happen("prioritised", lab.at("13:00"), priority="critical")
    ticket.advance(lab.at("20:00"))
    for one in (ticket, late):
        breaches = [event.breached_at for event in one.published if isinstance(event, events.ClockBreached)]
        assert breaches == [lab.at("12:00"), lab.at("18:00")]
