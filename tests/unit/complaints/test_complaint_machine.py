"""No path of commands closes a complaint without what its outcome needs.

The machine throws every command at a complaint in any order. What closure needs is kept in a model that is
written apart from the domain's own table.
"""

import copy
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.complaints.domain import events
from services.complaints.domain.complaint import Complaint
from services.complaints.domain.complaint_status import Status
from services.complaints.domain.findings import Decision
from services.complaints.domain.outcomes import Channel, Language, Outcome, Severity, WaitingOn
from services.complaints.domain.policy import ComplaintPolicy
from services.complaints.domain.timeline import EntryKind
from shared.kernel.errors import CareloopError

START = datetime(2026, 3, 2, tzinfo=UTC)
POLICY = ComplaintPolicy(reopen_days=2, unreachable_attempts=3, unreachable_channels=2)
PEOPLE = st.sampled_from(["agent-1", "agent-2"])
CAUSES = st.sampled_from(["privacy", "billing_error"])


def a_complaint() -> Complaint:
    return Complaint(
        id=UUID(int=7),
        number="C-000001",
        external_number=None,
        customer_id=UUID(int=1),
        ticket_id=None,
        follows_complaint_id=None,
        channel=Channel.PHONE,
        category=None,
        severity=Severity.MINOR,
        description="…",
        language=Language.ENGLISH,
        received_at=START,
    )


class ComplaintMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.complaint = a_complaint()
        self.now = START
        self.happened: list[Any] = []
        self.model: dict[str, Any] = {}
        self.attempts: list[Channel] = []
        self.complaint.receive()
        self._collect()

    def _collect(self) -> None:
        self.happened += self.complaint.take_events()
        self.complaint.take_timeline()

    def _do(self, command: Callable[[], None]) -> bool:
        before = {one.name: copy.copy(getattr(self.complaint, one.name)) for one in fields(self.complaint)}
        try:
            command()
        except CareloopError:
            after = {one.name: getattr(self.complaint, one.name) for one in fields(self.complaint)}
            assert after == before, "a refused command changed something"
            return False
        self._collect()
        return True

    def _decision(self, outcome: Outcome, cause: str, recurring: bool, with_message: bool) -> Decision:
        message_id = UUID(int=len(self.happened)) if with_message else None
        return Decision(outcome, cause, "…", recurring, self.now, "agent-1", message_id)

    @rule(hours=st.integers(1, 60))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(owner=PEOPLE)
    def assign(self, owner: str) -> None:
        self._do(lambda: self.complaint.assign(owner, None, self.now))

    @rule(by=PEOPLE)
    def respond(self, by: str) -> None:
        if self._do(lambda: self.complaint.respond(Channel.PHONE, "…", by, self.now)):
            self.attempts = []

    @rule()
    def wait(self) -> None:
        self._do(lambda: self.complaint.wait(WaitingOn.CUSTOMER, None, self.now))

    @rule()
    def resume(self) -> None:
        self._do(lambda: self.complaint.resume(None, self.now))

    @rule(severity=st.sampled_from(Severity))
    def assess(self, severity: Severity) -> None:
        self._do(lambda: self.complaint.assess_severity(severity, "…", self.now))

    @rule(cause=CAUSES, by=PEOPLE)
    def analyse(self, cause: str, by: str) -> None:
        if self._do(lambda: self.complaint.record_root_cause(cause, "…", by, self.now)):
            self.model["cause"] = cause

    @rule(prevents=st.booleans(), by=PEOPLE)
    def act(self, prevents: bool, by: str) -> None:
        preventive = "…" if prevents else None
        if self._do(lambda: self.complaint.record_corrective_action("…", preventive, by, self.now)):
            self.model |= {"action_by": by, "prevents": prevents, "verified_by": None}

    @rule(by=PEOPLE)
    def verify(self, by: str) -> None:
        if self._do(lambda: self.complaint.verify_corrective_action("…", by, self.now)):
            assert by != self.model["action_by"]
            self.model["verified_by"] = by

    @rule(channel=st.sampled_from([Channel.PHONE, Channel.SMS]), reached=st.booleans())
    def attempt(self, channel: Channel, reached: bool) -> None:
        if self._do(lambda: self.complaint.record_contact_attempt(channel, reached, None, self.now)):
            self.attempts = [] if reached else [*self.attempts, channel]

    @rule(
        outcome=st.sampled_from([one for one in Outcome if one is not Outcome.WITHDRAWN]),
        cause=CAUSES,
        recurring=st.booleans(),
        with_message=st.booleans(),
    )
    def decide(self, outcome: Outcome, cause: str, recurring: bool, with_message: bool) -> None:
        has_message = with_message or outcome is not Outcome.UNREACHABLE
        decision = self._decision(outcome, cause, recurring, has_message)
        if self._do(lambda: self.complaint.decide(decision, POLICY)):
            self._decided(outcome, cause, recurring, has_message)

    @rule(cause=CAUSES, with_message=st.booleans())
    def withdraw(self, cause: str, with_message: bool) -> None:
        decision = self._decision(Outcome.WITHDRAWN, cause, False, with_message)
        if self._do(lambda: self.complaint.withdraw(decision, None)):
            self._decided(Outcome.WITHDRAWN, cause, False, with_message)

    def _decided(self, outcome: Outcome, cause: str, recurring: bool, has_message: bool) -> None:
        assert self.model.get("cause", cause) == cause
        self.model |= {
            "outcome": outcome,
            "recurring": recurring,
            "has_message": has_message,
            "delivered": False,
            "failed": False,
            "asked": False,
        }

    @precondition(lambda self: self.complaint.decision is not None and self.complaint.decision.message_id)
    @rule(asked=st.booleans())
    def deliver(self, asked: bool) -> None:
        decision = self.complaint.decision
        assert decision is not None
        assert decision.message_id is not None
        message_id = decision.message_id
        if self._do(
            lambda: self.complaint.record_delivery(message_id, Channel.LETTER, asked=asked, at=self.now)
        ):
            self.model["delivered"] = True
            self.model["asked"] = self.model["asked"] or asked

    @rule()
    def fail(self) -> None:
        if self._do(lambda: self.complaint.record_delivery_failure(UUID(int=9), 8, self.now)):
            self.model["failed"] = True

    @rule(satisfied=st.booleans())
    def answer(self, satisfied: bool) -> None:
        if self._do(lambda: self.complaint.record_satisfaction(satisfied, None, None, self.now)):
            assert self.model["asked"]

    @rule()
    def breach(self) -> None:
        self._do(lambda: self.complaint.escalate(1, self.now))

    @rule()
    def retract(self) -> None:
        self._do(lambda: self.complaint.retract_escalation(self.now))

    @rule()
    def reopen(self) -> None:
        closed_at = self.complaint.closed_at
        if self._do(lambda: self.complaint.reopen("…", POLICY, self.now)):
            assert closed_at is None or self.now < closed_at + timedelta(days=POLICY.reopen_days)
            self.attempts = []
            self.model["verified_by"] = None

    @rule()
    def close(self) -> None:
        if self._do(lambda: self.complaint.close(POLICY, self.now)):
            self._allowed_to_be_closed()

    def _allowed_to_be_closed(self) -> None:
        outcome, model = self.model["outcome"], self.model
        if outcome in ("upheld", "partly_upheld", "not_upheld", "out_of_remit"):
            assert model["delivered"]
        if outcome in ("upheld", "partly_upheld", "not_upheld"):
            assert model["asked"]
        if outcome in ("withdrawn", "unreachable"):
            assert not model["has_message"] or model["delivered"] or model["failed"]
        if outcome == "unreachable":
            assert len(self.attempts) >= 3
            assert len(set(self.attempts)) >= 2
        if outcome in ("upheld", "partly_upheld") and (
            self.complaint.severity in ("serious", "critical") or model["recurring"]
        ):
            assert model["cause"]
            assert model["prevents"]
            assert model["verified_by"] not in (None, model["action_by"])
        assert self.complaint.decision is not None
        assert self.complaint.decision.cause_code

    @invariant()
    def who_works_on_it_owns_it(self) -> None:
        if self.complaint.status in (Status.INVESTIGATING, Status.WAITING):
            assert self.complaint.owner_id is not None

    @invariant()
    def decided_means_an_outcome_and_nothing_else_does(self) -> None:
        decided = self.complaint.status in (Status.DECIDED, Status.CLOSED)
        assert decided == (self.complaint.decision is not None)
        assert (self.complaint.status is Status.WAITING) == (self.complaint.waiting_on is not None)

    @invariant()
    def events_count_without_gaps_and_never_run_backwards(self) -> None:
        assert [event.sequence for event in self.happened] == list(range(1, len(self.happened) + 1))
        instants = [event.occurred_at for event in self.happened]
        assert instants == sorted(instants)

    @invariant()
    def a_finding_that_was_delivered_has_answered_the_customer(self) -> None:
        decision = self.complaint.decision
        if decision is not None and decision.delivered_at is not None and decision.outcome.answers_customer:
            assert self.complaint.responded_at is not None


TestComplaintMachine = ComplaintMachine.TestCase
TestComplaintMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_delivered_decision_is_the_persons_answer_when_nobody_answered_before() -> None:
    complaint = a_complaint()
    complaint.assign("agent-1", None, START)
    decision = Decision(Outcome.NOT_UPHELD, "expectation", "…", False, START, "agent-1", UUID(int=3))
    complaint.decide(decision, POLICY)
    complaint.take_events()
    complaint.record_delivery(UUID(int=3), Channel.EMAIL, asked=True, at=START)
    responded, delivered = complaint.take_events()
    assert isinstance(responded, events.ComplaintResponded)
    assert responded.responder_id == "agent-1"
    assert isinstance(delivered, events.DecisionDelivered)


def test_assigning_to_the_owner_again_has_no_effect() -> None:
    complaint = a_complaint()
    complaint.assign("agent-1", None, START)
    complaint.take_events(), complaint.take_timeline()
    complaint.assign("agent-1", None, START)
    assert not complaint.is_changed
    assert complaint.take_events() == []


def test_reassignment_says_who_had_it_before() -> None:
    complaint = a_complaint()
    complaint.assign("agent-1", None, START)
    complaint.assign("agent-2", "holiday", START)
    _, again = complaint.take_events()
    assert isinstance(again, events.ComplaintAssigned)
    assert (again.owner_id, again.previous_owner_id) == ("agent-2", "agent-1")
    assert complaint.take_timeline()[-1].text == "holiday"


def test_withdrawal_before_anybody_owned_it_is_reopened_to_wait_for_an_owner() -> None:
    complaint = a_complaint()
    complaint.withdraw(Decision(Outcome.WITHDRAWN, "not_established", "", False, START, "c", None), None)
    complaint.close(POLICY, START)
    complaint.reopen("again", POLICY, START + timedelta(hours=1))
    assert complaint.status is Status.RECEIVED
    assert [entry.kind for entry in complaint.take_timeline()] == [
        EntryKind.WITHDRAWN,
        EntryKind.DECIDED,
        EntryKind.CLOSED,
        EntryKind.REOPENED,
    ]
