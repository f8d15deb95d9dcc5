"""Rule 4: a date promised to the customer (CTR, 承诺时限) is only measured; nothing but another promise moves it."""

from typing import Any

import pytest

from services.sla.domain import events
from services.sla.domain.clock_status import RunState
from services.sla.domain.commitment_fold import standing
from services.sla.domain.commitment_policy import COMMITMENTS
from services.sla.domain.errors import InvalidPolicyError
from services.sla.domain.explanation import explain
from services.sla.domain.policies import ClockKey
from services.sla.domain.policy_document import read_policy

CTR = "committed_resolution"


def promised(lab: Any, *targets: Any, until: str = "+2 12:00", at: str = "10:00") -> Any:
    ticket = lab.ticket(*targets) if targets else lab.history()
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("committed", lab.at(at), committed_at=lab.at(until).isoformat())
    return ticket


def move(lab: Any, ticket: Any, at: str, to: str, **data: Any) -> None:
    ticket.happen("recommitted", lab.at(at), committed_at=lab.at(to).isoformat(), **data)


def attained(ticket: Any, now: Any) -> tuple[bool | None, bool | None]:
    folded = ticket.subject.folded(ticket.catalogue)
    found = standing(folded.clocks[next(key for key in folded.clocks if key.metric == CTR)], now)
    assert found is not None
    return found.kept_first, found.kept_latest


def test_rule_4_date_is_measured_though_no_policy_says_so(lab: Any) -> None:
    ticket = promised(lab)
    assert ticket.clock(CTR).due_at == lab.at("+2 12:00")
    assert ticket.clock(CTR).policy_version_id == COMMITMENTS.id
    ticket.advance(lab.at("+3 00:00"))
    assert ticket.clock(CTR).breached_at == lab.at("+2 12:00")


@pytest.mark.parametrize(("resolved", "outcome"), [("+2 12:00", "ClockMet"), ("+2 12:01", "ClockMissed")])
def test_rule_4_resolved_at_the_date_is_met_and_after_it_missed(
    lab: Any, resolved: str, outcome: str
) -> None:
    ticket = promised(lab)
    ticket.happen("resolved", lab.at(resolved))
    assert ticket.names()[-1] == outcome


def test_rule_4_no_pause_policy_tier_customer_or_reopening_moves_the_date(lab: Any, identify: Any) -> None:
    ticket = promised(lab, lab.target(CTR, 0, "elapsed_hours", warn_at=[0.5]))
    date = lab.at("+2 12:00")
    for at, kind, data in (
        ("11:00", "waiting", {"waiting_on": "customer"}),
        ("12:00", "waiting", {"waiting_on": "third_party"}),
        ("13:00", "prioritised", {"priority": "critical"}),
        ("13:30", "classified", {"category": "other"}),
        ("14:00", "tier_changed", {"tier": "gold"}),
        ("14:30", "customer_changed", {"customer_id": str(identify("other"))}),
        ("15:00", "resumed", {}),
        ("16:00", "resolved", {}),
        ("+1 09:00", "reopened", {}),
        ("+1 10:00", "closed", {}),
        ("+1 11:00", "reopened", {}),
    ):
        ticket.happen(kind, lab.at(at), **data)
        clock = ticket.clock(CTR)
        assert (clock.due_at, clock.cycle, clock.pauses) == (date, 1, []), kind
    assert ticket.clock(CTR).run_state is RunState.RUNNING
    assert "ClockPaused" not in ticket.names()
    assert "ClockRetargeted" not in ticket.names()


def test_rule_4_resolution_that_did_not_hold_keeps_no_promise(lab: Any) -> None:
    ticket = promised(lab)
    ticket.happen("resolved", lab.at("+2 11:59"))
    ticket.happen("reopened", lab.at("+2 13:00"))
    ticket.fire(lab.at("+2 13:00"))
    assert ticket.clock(CTR).breached_at == lab.at("+2 12:00")


def test_rule_4_another_promise_in_time_moves_the_date_and_is_audited(lab: Any) -> None:
    ticket = promised(lab)
    move(lab, ticket, "+1 09:00", "+4 12:00", reason="parts_missing", committed_by="agent:7")
    clock = ticket.clock(CTR)
    assert (clock.due_at, clock.cycle, clock.arming) == (lab.at("+4 12:00"), 1, 1)
    moved = ticket.published[-1]
    assert isinstance(moved, events.ClockRecommitted)
    assert (moved.previous_due_at, moved.due_at, moved.reason) == (
        lab.at("+2 12:00"),
        lab.at("+4 12:00"),
        "parts_missing",
    )
    folded = ticket.subject.folded(ticket.catalogue)
    (fold,) = folded.clocks[ClockKey(clock.key.agreement, clock.key.metric)]
    arithmetic = explain(fold, lab.at("+1 10:00")).arithmetic
    assert "moved to 2026-03-06T12:00:00+00:00 (parts_missing) by agent:7" in arithmetic[1]


def test_rule_4_promise_after_the_date_is_a_new_cycle_and_the_miss_stays(lab: Any) -> None:
    ticket = promised(lab)
    ticket.advance(lab.at("+2 13:00"))
    move(lab, ticket, "+2 13:00", "+4 12:00", reason="late")
    ticket.happen("resolved", lab.at("+3 09:00"))
    assert ticket.clock(CTR, cycle=1).breached_at == lab.at("+2 12:00")
    assert ticket.clock(CTR, cycle=1).run_state is RunState.CANCELLED
    assert ticket.clock(CTR, cycle=2).due_at == lab.at("+4 12:00")
    assert [name for name in ticket.names() if name in ("ClockMissed", "ClockMet")] == [
        "ClockMissed",
        "ClockMet",
    ]


def test_rule_4_promise_at_the_very_date_comes_in_time(lab: Any) -> None:
    ticket = promised(lab)
    move(lab, ticket, "+2 12:00", "+4 12:00")
    assert (ticket.clock(CTR).cycle, ticket.clock(CTR).breached_at) == (1, None)


@pytest.mark.parametrize(
    ("resolved", "first", "latest"),
    [("+2 12:00", True, True), ("+3 09:00", False, True), ("+5 09:00", False, False)],
)
def test_rule_4_attainment_is_told_against_the_first_and_the_latest_promise(
    lab: Any, resolved: str, first: bool, latest: bool
) -> None:
    ticket = promised(lab)
    move(lab, ticket, "+1 09:00", "+3 12:00")
    move(lab, ticket, "+2 09:00", "+4 12:00")
    assert attained(ticket, lab.at("+2 10:00")) == (None, None)
    ticket.happen("resolved", lab.at(resolved))
    assert attained(ticket, lab.at("+9 00:00")) == (first, latest)


def test_rule_4_late_notice_of_another_promise_refolds_and_retracts(lab: Any) -> None:
    ticket = promised(lab)
    ticket.advance(lab.at("+2 12:00"))
    late = ticket.entry("recommitted", lab.at("+2 11:59"), committed_at=lab.at("+4 12:00").isoformat())
    ticket.record(late, now=lab.at("+2 12:01"))
    assert "BreachRetracted" in ticket.names()
    assert (ticket.clock(CTR).due_at, ticket.clock(CTR).cycle) == (lab.at("+4 12:00"), 1)


def test_rule_4_earlier_date_of_a_merged_ticket_is_inherited(lab: Any) -> None:
    older, younger = promised(lab), lab.history()
    younger.happen("opened", lab.at("11:00"))
    ((key, due_at),) = older.subject.promises(lab.at("12:00"), older.catalogue)
    data = {"agreement": key.agreement, "metric": key.metric, "due_at": due_at.isoformat()}
    younger.happen("inherited", lab.at("12:00"), **data)
    assert younger.clock(CTR).due_at == lab.at("+2 12:00")


def test_rule_4_promise_on_a_resolved_ticket_has_no_effect(lab: Any) -> None:
    ticket = lab.history()
    ticket.happen("opened", lab.at("09:00"))
    ticket.happen("resolved", lab.at("10:00"))
    move(lab, ticket, "11:00", "+1 12:00")
    assert ticket.effects()[-1] == "no effect"


# commitment_at_risk.


def risks(ticket: Any) -> list[tuple[Any, Any, Any]]:
    return [
        (event.at_risk_at, event.projected_at, event.due_at)
        for event in ticket.published
        if isinstance(event, events.CommitmentAtRisk)
    ]


def test_rule_4_date_is_at_risk_once_the_projected_resolution_passes_it(lab: Any) -> None:
    ticket = promised(lab, lab.target(duration=8), until="18:00", at="09:30")
    assert not risks(ticket), "the resolution is due at 17:00"
    ticket.happen("waiting", lab.at("10:00"), waiting_on="customer")
    ticket.advance(lab.at("10:59"))
    assert not risks(ticket)
    ticket.advance(lab.at("14:00"))
    ((at, projected, due),) = risks(ticket)
    assert (at.replace(microsecond=0), projected.replace(microsecond=0)) == (lab.at("11:00"), lab.at("18:00"))
    assert due == lab.at("18:00")
    ticket.happen("resumed", lab.at("14:00"))
    ticket.advance(lab.at("+1 00:00"))
    assert len(risks(ticket)) == 1, "once a promise"


def test_rule_4_date_before_the_resolution_is_due_is_at_risk_at_once(lab: Any) -> None:
    ticket = promised(lab, lab.target(duration=8), until="15:00")
    ticket.fire(lab.at("10:00"))
    assert risks(ticket) == [(lab.at("10:00"), lab.at("17:00"), lab.at("15:00"))]


def test_rule_4_each_promise_may_be_at_risk_once(lab: Any) -> None:
    ticket = promised(lab, lab.target(duration=8), until="15:00")
    ticket.fire(lab.at("10:00"))
    move(lab, ticket, "11:00", "16:00")
    ticket.fire(lab.at("11:00"))
    move(lab, ticket, "12:00", "18:00")
    ticket.advance(lab.at("+1 00:00"))
    assert [at for at, _, _ in risks(ticket)] == [lab.at("10:00"), lab.at("11:00")]


def test_rule_4_pause_that_ends_in_time_puts_nothing_at_risk(lab: Any) -> None:
    ticket = promised(lab, lab.target(duration=8), until="18:00", at="09:30")
    ticket.happen("waiting", lab.at("10:00"), waiting_on="customer")
    ticket.happen("resumed", lab.at("11:00"))
    ticket.advance(lab.at("+1 00:00"))
    assert not risks(ticket)


def test_rule_4_promised_date_warns_and_escalates_as_its_policy_says(lab: Any) -> None:
    escalations = [{"offset": 0, "target": "lead"}, {"offset": 2, "target": "manager"}]
    target = {"metric": CTR, "warn_at": [0.5, {"before": 4}], "escalations": escalations}
    ticket = promised(lab, target, until="20:00")
    ticket.advance(lab.at("+1 00:00"))
    said = [
        getattr(event, "threshold_at", None) or event.breached_at
        for event in ticket.published
        if isinstance(event, events.ClockWarned | events.ClockBreached | events.EscalationDue)
    ]
    assert said == [lab.at(at) for at in ("15:00", "16:00", "20:00", "20:00", "22:00")]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"duration": 4}, "duration"),
        ({"unit": "business_hours"}, "unit"),
        ({"pauses_on": ["waiting_on_customer"]}, "pauses_on"),
        ({"starts_on": ["opened"]}, "starts_on"),
        ({"notice": 1}, "notice"),
        ({"on_reopen": "restart"}, "on_reopen"),
        ({"on_tier_change": "retarget"}, "on_tier_change"),
    ],
)
def test_rule_4_policy_that_would_move_a_date_is_refused(change: dict[str, Any], field: str) -> None:
    document = {
        "agreement": "sla",
        "match": {"subject_kind": "ticket"},
        "targets": [{"metric": CTR} | change],
    }
    with pytest.raises(InvalidPolicyError) as refused:
        read_policy(document)
    assert [(fault.field, fault.rule) for fault in refused.value.field_errors] == [
        (f"targets[0].{field}", "not_of_commitments")
    ]
