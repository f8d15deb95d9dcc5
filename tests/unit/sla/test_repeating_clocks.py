"""Clocks that begin again and again: the next answer to a customer (rule 5), and updates without being asked."""

from typing import Any

import pytest

from services.sla.domain import events
from services.sla.domain.clock_status import RunState


def answered(lab: Any, **rest: Any) -> Any:
    ticket = lab.ticket(lab.target("next_response", 60, "business_minutes", **rest))
    ticket.happen("opened", lab.at("09:00"))
    return ticket


def cycles(ticket: Any, metric: str) -> list[Any]:
    """Start, due date and outcome of each cycle."""
    outcomes = {
        (e.clock_id, e.cycle): type(e).__name__ for e in ticket.published if "Met" in type(e).__name__
    }
    outcomes |= {
        (e.clock_id, e.cycle): type(e).__name__
        for e in ticket.published
        if isinstance(e, events.ClockMissed | events.ClockCancelled)
    }
    found = sorted(
        (c for c in ticket.subject.clocks.values() if c.key.metric == metric), key=lambda c: c.cycle
    )
    return [(c.started_at, c.due_at, outcomes.get((c.id, c.cycle))) for c in found]


def test_rule_5_opening_message_starts_no_next_response(lab: Any) -> None:
    ticket = answered(lab)
    ticket.happen("replied", lab.at("09:30"))
    ticket.advance(lab.at("20:00"))
    assert not ticket.subject.clocks


def test_rule_5_starts_at_the_first_unanswered_message_and_not_at_the_last(lab: Any) -> None:
    ticket = answered(lab)
    for minute in ("10:00", "10:20", "10:40"):
        ticket.happen("customer_replied", lab.at(minute))
    assert cycles(ticket, "next_response") == [(lab.at("10:00"), lab.at("11:00"), None)]


def test_rule_5_each_unanswered_stretch_is_a_cycle_of_its_own(lab: Any) -> None:
    ticket = answered(lab)
    for asked, told in (("10:00", "10:30"), ("12:00", "13:30"), ("15:00", "16:00")):
        ticket.happen("customer_replied", lab.at(asked))
        ticket.advance(lab.at(told))
        ticket.happen("replied", lab.at(told))
    assert cycles(ticket, "next_response") == [
        (lab.at("10:00"), lab.at("11:00"), "ClockMet"),
        (lab.at("12:00"), lab.at("13:00"), "ClockMissed"),
        (lab.at("15:00"), lab.at("16:00"), "ClockMet"),
    ]


def test_rule_5_automatic_reply_neither_answers_nor_starts(lab: Any) -> None:
    ticket = answered(lab)
    ticket.happen("customer_replied", lab.at("10:00"))
    ticket.happen("replied", lab.at("10:01"), automatic=True)
    ticket.happen("customer_replied", lab.at("10:30"))
    assert cycles(ticket, "next_response") == [(lab.at("10:00"), lab.at("11:00"), None)]


def test_rule_5_thank_you_after_the_resolution_starts_nothing(lab: Any) -> None:
    ticket = answered(lab)
    ticket.happen("resolved", lab.at("10:00"))
    ticket.happen("customer_replied", lab.at("10:30"))
    ticket.happen("closed", lab.at("12:00"))
    ticket.advance(lab.at("20:00"))
    assert not ticket.subject.clocks


@pytest.mark.parametrize(
    ("reopened", "due"),
    [("10:30", "11:30"), ("10:45", "11:30"), ("11:20", "11:50"), ("+20 09:00", "+20 09:30")],
)
def test_rule_5_message_that_reopens_counts_from_when_it_came_with_notice(
    lab: Any, reopened: str, due: str
) -> None:
    ticket = answered(lab)
    ticket.happen("resolved", lab.at("10:00"))
    ticket.happen("customer_replied", lab.at("10:30"))
    ticket.happen("reopened", lab.at(reopened))
    assert cycles(ticket, "next_response") == [(lab.at("10:30"), lab.at(due), None)]


def test_rule_5_reopening_without_a_message_starts_nothing(lab: Any) -> None:
    ticket = answered(lab)
    ticket.happen("customer_replied", lab.at("09:30"))
    ticket.happen("resolved", lab.at("10:00"))
    ticket.happen("reopened", lab.at("12:00"))
    assert cycles(ticket, "next_response") == [(lab.at("09:30"), lab.at("10:30"), "ClockMet")]


def test_rule_5_closing_and_reopening_leaves_no_more_than_was_left(lab: Any) -> None:
    ticket = answered(lab)
    ticket.happen("customer_replied", lab.at("10:00"))
    ticket.happen("closed", lab.at("10:59"))
    ticket.happen("reopened", lab.at("15:00"))
    assert cycles(ticket, "next_response")[0][:2] == (lab.at("10:00"), lab.at("15:01"))


def test_next_response_does_not_stand_still_while_a_third_party_is_waited_for(lab: Any) -> None:
    ticket = answered(lab)
    ticket.happen("waiting", lab.at("09:30"), waiting_on="third_party")
    ticket.happen("customer_replied", lab.at("10:00"))
    assert ticket.clock("next_response").run_state is RunState.RUNNING


def test_message_that_nobody_answered_is_inherited_by_the_survivor(lab: Any) -> None:
    older, younger = answered(lab), answered(lab)
    older.happen("customer_replied", lab.at("10:00"))
    ((key, due_at),) = older.subject.promises(lab.at("10:30"), older.catalogue)
    data = {"agreement": key.agreement, "metric": key.metric}
    younger.happen("inherited", lab.at("10:30"), due_at=due_at.isoformat(), **data)
    assert cycles(younger, "next_response") == [(lab.at("10:30"), lab.at("11:00"), None)]


def updated(lab: Any) -> Any:
    ticket = lab.ticket(lab.target("periodic_update", 4, "business_hours"))
    ticket.happen("opened", lab.at("09:00"))
    return ticket


def test_periodic_update_runs_from_the_opening_and_anew_from_every_answer_of_a_person(lab: Any) -> None:
    ticket = updated(lab)
    ticket.happen("replied", lab.at("11:00"))
    ticket.happen("replied", lab.at("12:00"), automatic=True)
    ticket.advance(lab.at("16:00"))
    ticket.happen("replied", lab.at("16:00"))
    assert cycles(ticket, "periodic_update") == [
        (lab.at("09:00"), lab.at("13:00"), "ClockMet"),
        (lab.at("11:00"), lab.at("15:00"), "ClockMissed"),
        (lab.at("16:00"), lab.at("20:00"), None),
    ]


def test_periodic_update_ends_with_the_resolution_and_begins_with_the_reopening(lab: Any) -> None:
    ticket = updated(lab)
    ticket.happen("resolved", lab.at("10:00"))
    ticket.happen("replied", lab.at("10:30"))
    assert len(cycles(ticket, "periodic_update")) == 1
    ticket.happen("reopened", lab.at("15:00"))
    assert cycles(ticket, "periodic_update")[-1] == (lab.at("15:00"), lab.at("19:00"), None)


def test_periodic_update_stands_still_while_the_customer_is_waited_for(lab: Any) -> None:
    ticket = updated(lab)
    ticket.happen("waiting", lab.at("10:00"), waiting_on="customer")
    ticket.happen("customer_replied", lab.at("14:00"))
    assert ticket.clock("periodic_update").due_at == lab.at("17:00")


def test_complaint_is_updated_by_its_answers(lab: Any) -> None:
    policy = lab.policy(lab.target("periodic_update", 5, "calendar_days"), subject_kind="complaint")
    complaint = lab.history(policy, kind="complaint")
    complaint.happen("opened", lab.at("10:00"), priority=None)
    complaint.happen("responded", lab.at("+2 10:00"))
    assert [due for _, due, _ in cycles(complaint, "periodic_update")] == [
        lab.at("+6 00:00"),
        lab.at("+8 00:00"),
    ]


def test_each_cycle_follows_the_policy_that_matches_when_it_begins(lab: Any) -> None:
    high = lab.policy(lab.target("next_response", 4), name="high", priority=["high"])
    critical = lab.policy(lab.target("next_response", 1), name="critical", priority=["critical"])
    ticket = lab.history(high, critical)
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("customer_replied", lab.at("10:00"))
    ticket.happen("replied", lab.at("11:00"))
    ticket.happen("prioritised", lab.at("12:00"), priority="critical")
    ticket.happen("customer_replied", lab.at("13:00"))
    assert [due for _, due, _ in cycles(ticket, "next_response")] == [lab.at("14:00"), lab.at("14:00")]
