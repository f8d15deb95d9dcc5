"""The complaint (投诉): taken in, owned by one person, answered, decided, and closed in the loop (闭环)."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.complaints.domain import errors, events
from services.complaints.domain.closure_needs import Need, missing_needs, refuse_closure
from services.complaints.domain.complaint_status import Command, Status, next_status
from services.complaints.domain.findings import CorrectiveAction, Decision, RootCause, Satisfaction
from services.complaints.domain.outcomes import Channel, Language, Outcome, Severity, WaitingOn
from services.complaints.domain.policy import ComplaintPolicy
from services.complaints.domain.timeline import EntryKind, TimelineEntry
from shared.kernel.aggregates import Aggregate


@dataclass(kw_only=True)
class Complaint(Aggregate):
    """One complaint. Every method checks the table of transitions, then its own rule, then changes.

    A method that raises has changed nothing. `responded_at` is the first answer by a person since intake or
    the last reopening; `unanswered_attempts` are the channels tried in vain since the customer was last
    reached; `overdue_from` comes from the clocks and is not the complaint's own to decide.
    """

    number: str
    external_number: str | None
    customer_id: UUID | None
    ticket_id: UUID | None
    follows_complaint_id: UUID | None
    channel: Channel
    category: str | None
    severity: Severity
    description: str
    language: Language
    received_at: datetime
    status: Status = Status.RECEIVED
    owner_id: str | None = None
    waiting_on: WaitingOn | None = None
    acknowledged_at: datetime | None = None
    responded_at: datetime | None = None
    root_cause: RootCause | None = None
    corrective_action: CorrectiveAction | None = None
    unanswered_attempts: tuple[Channel, ...] = ()
    decision: Decision | None = None
    satisfaction: Satisfaction | None = None
    closed_at: datetime | None = None
    reopen_count: int = 0
    escalation_level: int = 0
    escalated_at: datetime | None = None
    overdue_from: datetime | None = None
    _timeline: list[TimelineEntry] = field(default_factory=list, repr=False, compare=False)

    def receive(self) -> None:
        """The first thing that happens to a complaint."""
        self.happened(
            events.ComplaintReceived,
            self.received_at,
            number=self.number,
            external_number=self.external_number,
            customer_id=self.customer_id,
            channel=self.channel,
            category=self.category,
            severity=self.severity,
            ticket_id=self.ticket_id,
            received_at=self.received_at,
        )
        self._write(EntryKind.RECEIVED, self.received_at, channel=self.channel.value)

    def acknowledge(self, message_id: UUID, at: datetime) -> None:
        """The automatic acknowledgement went out; only the first one counts, and it is not the answer."""
        next_status(self.status, Command.ACKNOWLEDGE)
        if self.acknowledged_at is None:
            self.acknowledged_at = at
            self.happened(events.ComplaintAcknowledged, at, message_id=message_id)
            self._write(EntryKind.ACKNOWLEDGED, at, message_id=str(message_id))

    def assign(self, owner_id: str, reason: str | None, at: datetime) -> None:
        """From now on `owner_id` answers for it, and nobody else; without effect for its owner."""
        status = next_status(self.status, Command.ASSIGN)
        if owner_id == self.owner_id:
            return
        previous, self.owner_id, self.status = self.owner_id, owner_id, status
        self.happened(events.ComplaintAssigned, at, owner_id=owner_id, previous_owner_id=previous)
        self._write(EntryKind.ASSIGNED, at, reason, owner_id=owner_id, previous_owner_id=previous)

    def respond(self, channel: Channel, text: str, responder_id: str, at: datetime) -> None:
        """A person answered the customer."""
        self.status = next_status(self.status, Command.RESPOND)
        self._responded(responder_id, at)
        self.unanswered_attempts = ()
        self._write(EntryKind.RESPONDED, at, text, channel=channel.value)

    def wait(self, waiting_on: WaitingOn, reason: str | None, at: datetime) -> None:
        """The investigation stands still until somebody else has done something."""
        self.status = next_status(self.status, Command.WAIT)
        self.waiting_on = waiting_on
        self.happened(events.ComplaintWaiting, at, waiting_on=waiting_on)
        self._write(EntryKind.WAITING, at, reason, waiting_on=waiting_on.value)

    def resume(self, reason: str | None, at: datetime) -> None:
        """The wait is over."""
        self.status = next_status(self.status, Command.RESUME)
        self.waiting_on = None
        self.happened(events.ComplaintResumed, at)
        self._write(EntryKind.RESUMED, at, reason)

    def assess_severity(self, severity: Severity, reason: str, at: datetime) -> None:
        """Judge how bad it is; what closure needs follows from it. The same severity is without effect."""
        self.status = next_status(self.status, Command.ASSESS_SEVERITY)
        if severity is self.severity:
            return
        previous, self.severity = self.severity, severity
        self.happened(events.ComplaintSeverityAssessed, at, severity=severity, previous=previous)
        facts = {"severity": severity.value, "previous": previous.value}
        self._write(EntryKind.SEVERITY_ASSESSED, at, reason, **facts)

    def add_note(self, text: str, at: datetime) -> None:
        """An investigation note, for staff only."""
        self.status = next_status(self.status, Command.ADD_NOTE)
        self._write(EntryKind.NOTE, at, text)

    def record_root_cause(self, cause_code: str, analysis: str, by: str, at: datetime) -> None:
        """Root cause analysis; may be corrected until closure, but never against the decision."""
        self.status = next_status(self.status, Command.RECORD_ROOT_CAUSE)
        if self.decision is not None and self.decision.cause_code != cause_code:
            raise errors.CauseCodeContradictsError(decided=self.decision.cause_code)
        self.root_cause = RootCause(cause_code, analysis, at, by)
        self._write(EntryKind.ROOT_CAUSE, at, analysis, cause_code=cause_code)

    def record_corrective_action(
        self, corrective: str, preventive: str | None, by: str, at: datetime
    ) -> None:
        """What is done about the cause. A new text has to be verified anew."""
        self.status = next_status(self.status, Command.RECORD_CORRECTIVE_ACTION)
        if self.root_cause is None:
            raise errors.RootCauseMissingError
        self.corrective_action = CorrectiveAction(corrective, preventive, at, by)
        self._write(EntryKind.CORRECTIVE_ACTION, at, "\n".join(filter(None, (corrective, preventive))))

    def verify_corrective_action(self, evidence: str, by: str, at: datetime) -> None:
        """Somebody else than its author has checked that the corrective action works."""
        self.status = next_status(self.status, Command.VERIFY_CORRECTIVE_ACTION)
        if self.corrective_action is None or self.root_cause is None:
            raise errors.CorrectiveActionMissingError
        if self.corrective_action.recorded_by == by:
            raise errors.CorrectiveActionVerifiedByItsAuthorError
        self.corrective_action = replace(
            self.corrective_action, evidence=evidence, verified_at=at, verified_by=by
        )
        self.happened(events.CorrectiveActionVerified, at, cause_code=self.root_cause.cause_code)
        self._write(EntryKind.CORRECTIVE_ACTION_VERIFIED, at, evidence)

    def record_contact_attempt(self, channel: Channel, reached: bool, note: str | None, at: datetime) -> None:
        """An attempt to reach the customer; reaching them ends the row of attempts in vain."""
        self.status = next_status(self.status, Command.RECORD_CONTACT_ATTEMPT)
        self.unanswered_attempts = () if reached else (*self.unanswered_attempts, channel)
        self._write(EntryKind.CONTACT_ATTEMPT, at, note, channel=channel.value, reached=reached)

    def decide(self, decision: Decision, policy: ComplaintPolicy) -> None:
        """The outcome, always with its cause code. Withdrawal has a command of its own."""
        status = next_status(self.status, Command.DECIDE)
        self._agree_on_cause(decision.cause_code)
        if decision.outcome is Outcome.UNREACHABLE and not self.attempts_suffice(policy):
            raise errors.ContactAttemptsMissingError(
                attempts=len(self.unanswered_attempts),
                channels=sorted(set(self.unanswered_attempts)),
                needed_attempts=policy.unreachable_attempts,
                needed_channels=policy.unreachable_channels,
            )
        self._decided(decision, status)

    def withdraw(self, decision: Decision, reason: str | None) -> None:
        """The customer took it back: an outcome of its own."""
        status = next_status(self.status, Command.WITHDRAW)
        self._agree_on_cause(decision.cause_code)
        self.happened(events.ComplaintWithdrawn, decision.decided_at)
        self._write(EntryKind.WITHDRAWN, decision.decided_at, reason)
        self._decided(decision, status)

    def record_delivery(
        self, message_id: UUID, channel: Channel, *, asked: bool, at: datetime, note: str | None = None
    ) -> None:
        """The decision reached the customer, by mail or through a person; `asked`: so did the question.

        It is a person's finding, so it answers the customer if nobody did so before.
        """
        self.status = next_status(self.status, Command.RECORD_DELIVERY)
        decision = self._the_decision()
        if decision.delivered_at is not None and (decision.customer_asked_at is not None or not asked):
            raise errors.DecisionAlreadyDeliveredError
        first = decision.delivered_at is None
        if first and self.responded_at is None and decision.outcome.answers_customer:
            self._responded(decision.decided_by, at)
        self.decision = replace(
            decision,
            delivered_at=decision.delivered_at or at,
            delivered_channel=decision.delivered_channel or channel,
            customer_asked_at=at if asked else None,
        )
        if first:
            self.happened(events.DecisionDelivered, at, message_id=message_id, channel=channel)
        facts = {"message_id": str(message_id), "channel": channel.value, "customer_asked": asked}
        self._write(EntryKind.DELIVERED, at, note, **facts)

    def record_delivery_failure(self, message_id: UUID, attempts: int, at: datetime) -> None:
        """The mail was given up: another channel or a hand-over by a person is needed."""
        self.status = next_status(self.status, Command.RECORD_DELIVERY_FAILURE)
        decision = self._the_decision()
        if decision.delivered_at is None and decision.delivery_failed_at is None:
            self.decision = replace(decision, delivery_failed_at=at)
            self.happened(events.DecisionDeliveryFailed, at, message_id=message_id, attempts=attempts)
            self._write(EntryKind.DELIVERY_FAILED, at, message_id=str(message_id), attempts=attempts)

    def note_message(self, kind: EntryKind, message_id: UUID, at: datetime, **facts: Any) -> None:
        """What became of a message that decides nothing: delivered, or given up."""
        self._write(kind, at, message_id=str(message_id), **facts)

    def record_satisfaction(
        self, satisfied: bool, score: int | None, comment: str | None, at: datetime
    ) -> None:
        """The customer's answer to the question in the confirmation; a later answer replaces it."""
        self.status = next_status(self.status, Command.RECORD_SATISFACTION)
        if self._the_decision().customer_asked_at is None:
            raise errors.CustomerNotAskedError
        self.satisfaction = Satisfaction(satisfied, score, comment, at)
        self.happened(events.ComplaintSatisfactionRecorded, at, satisfied=satisfied, score=score)
        self._write(EntryKind.SATISFACTION, at, comment, satisfied=satisfied, score=score)

    def close(self, policy: ComplaintPolicy, at: datetime) -> None:
        """Close the loop, if all is there that the outcome needs."""
        status = next_status(self.status, Command.CLOSE)
        refuse_closure(self.missing_needs(policy))
        decision = self._the_decision()
        self.status, self.closed_at = status, at
        facts = {"outcome": decision.outcome, "cause_code": decision.cause_code}
        self.happened(events.ComplaintClosed, at, **facts)
        self._write(EntryKind.CLOSED, at, outcome=decision.outcome.value, cause_code=decision.cause_code)

    def reopen(self, reason: str, policy: ComplaintPolicy, at: datetime) -> None:
        """The same matter again: decision and verification fall, cause and action stay as known so far."""
        command = Command.REOPEN if self.owner_id is not None else Command.REOPEN_UNOWNED
        status = next_status(self.status, command)
        if self.closed_at is not None and at >= self.closed_at + timedelta(days=policy.reopen_days):
            raise errors.ReopeningPeriodOverError(closed_at=self.closed_at, reopen_days=policy.reopen_days)
        self.status, self.closed_at = status, None
        self.decision = self.satisfaction = self.responded_at = None
        self.unanswered_attempts = ()
        if self.corrective_action is not None:
            self.corrective_action = replace(
                self.corrective_action, evidence=None, verified_at=None, verified_by=None
            )
        self.reopen_count += 1
        self.happened(events.ComplaintReopened, at, reopen_count=self.reopen_count)
        self._write(EntryKind.REOPENED, at, reason, reopen_count=self.reopen_count)

    def escalate(self, level: int, at: datetime, **facts: Any) -> None:
        """A promise about time was broken: somebody must look. The highest level so far stays."""
        self.status = next_status(self.status, Command.ESCALATE)
        self.escalation_level = max(self.escalation_level, level)
        self.escalated_at = self.escalated_at or at
        self._write(EntryKind.ESCALATED, at, level=level, **facts)

    def retract_escalation(self, at: datetime, **facts: Any) -> None:
        """No promise was broken after all."""
        self.status = next_status(self.status, Command.RETRACT_ESCALATION)
        self.escalation_level, self.escalated_at = 0, None
        self._write(EntryKind.ESCALATION_RETRACTED, at, **facts)

    def attempts_suffice(self, policy: ComplaintPolicy) -> bool:
        """Enough attempts in vain, on enough channels, to call the customer unreachable."""
        return (
            len(self.unanswered_attempts) >= policy.unreachable_attempts
            and len(set(self.unanswered_attempts)) >= policy.unreachable_channels
        )

    def missing_needs(self, policy: ComplaintPolicy) -> tuple[Need, ...]:
        """What closure still needs, given the outcome; nothing is known before there is one."""
        if self.decision is None:
            return ()
        return missing_needs(
            self.decision,
            self.severity,
            root_cause=self.root_cause,
            action=self.corrective_action,
            attempts_suffice=self.attempts_suffice(policy),
        )

    @property
    def is_changed(self) -> bool:
        """Whether anything happened since it was read: every change has its line in the timeline."""
        return bool(self._timeline)

    def take_timeline(self) -> list[TimelineEntry]:
        """The entries since the last call, oldest first."""
        taken, self._timeline = self._timeline, []
        return taken

    def _decided(self, decision: Decision, status: Status) -> None:
        self.status, self.waiting_on, self.decision = status, None, decision
        facts = {"outcome": decision.outcome, "cause_code": decision.cause_code}
        self.happened(events.ComplaintDecided, decision.decided_at, **facts)
        written = {**facts, "outcome": decision.outcome.value, "recurring": decision.recurring}
        self._write(EntryKind.DECIDED, decision.decided_at, decision.explanation, **written)

    def _agree_on_cause(self, cause_code: str) -> None:
        if self.root_cause is not None and self.root_cause.cause_code != cause_code:
            raise errors.CauseCodeContradictsError(root_cause=self.root_cause.cause_code)

    def _responded(self, responder_id: str, at: datetime) -> None:
        self.responded_at = self.responded_at or at
        self.happened(events.ComplaintResponded, at, responder_id=responder_id)

    def _the_decision(self) -> Decision:
        if self.decision is None:
            raise errors.ComplaintNotDecidedError
        return self.decision

    def _write(self, kind: EntryKind, at: datetime, text: str | None = None, **facts: Any) -> None:
        self._timeline.append(TimelineEntry(kind, at, text, facts))
