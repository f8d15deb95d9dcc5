"""The ticket (工单): one service request, from intake to follow-up.

Every method asks the table in `ticket_status` first, then changes the ticket, appends one step to its
timeline, and tells the event. A method that would change nothing does as `ON_REPEAT` declares.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.ticketing.domain import ticket_errors as errors
from services.ticketing.domain import ticket_events as events
from services.ticketing.domain.follow_up import FollowUp, FollowUpAnswer
from services.ticketing.domain.ticket_record import TicketRecord
from services.ticketing.domain.ticket_status import LIVE, TicketCommand, TicketStatus, after
from services.ticketing.domain.timeline import Step
from services.ticketing.domain.vocabulary import MAX_ESCALATION_LEVEL, Channel, Priority, WaitingOn
from shared.kernel.context import Actor
from shared.kernel.errors import FieldError
from shared.kernel.ids import new_id

PEOPLE = frozenset({"agent", "supervisor", "admin"})


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is known of a request at intake (受理)."""

    customer_id: UUID
    channel: Channel
    subject: str
    description: str = ""
    kind: str = "request"
    priority: Priority = "moderate"
    category: str | None = None
    queue: str | None = None
    offering: str | None = None
    contract: str | None = None
    entitlement: str | None = None
    external_number: str | None = None


@dataclass(kw_only=True)
class Ticket(TicketRecord):
    """One request and what may be done with it."""

    @classmethod
    def open(cls, request: Request, at: datetime, by: Actor) -> "Ticket":
        """Take a request in. Its event follows with its number, see `numbered`."""
        ticket = cls(id=new_id(), opened_at=at, opened_by=str(by), **vars(request))
        details = {"channel": request.channel, "priority": request.priority, "kind": request.kind}
        searchable = f"{request.subject}\n{request.description}"
        ticket._step(Step.TICKET_OPENED, at, by, details, searchable_text=searchable)
        return ticket

    def numbered(self, serial: int) -> None:
        """The store gave it its number: only now can it be told to others."""
        self.serial = serial
        self.happened(
            events.TicketOpened,
            self.opened_at,
            number=self.number,
            external_number=self.external_number,
            customer_id=self.customer_id,
            kind=self.kind,
            channel=self.channel,
            priority=self.priority,
            category=self.category,
            queue=self.queue,
            offering=self.offering,
            contract=self.contract,
            entitlement=self.entitlement,
            state=self.status,
        )

    def classify(
        self, at: datetime, by: Actor, *, kind: str | None, category: str | None, queue: str | None
    ) -> None:
        """Decide kind, category or queue; what is None stays as it is."""
        after(TicketCommand.CLASSIFY, self.status)
        decided = (kind or self.kind, category or self.category, queue or self.queue)
        if decided == (self.kind, self.category, self.queue):
            return
        self.kind, self.category, self.queue = decided
        self._tell(events.TicketClassified, at, by, kind=self.kind, category=self.category, queue=self.queue)

    def prioritise(self, at: datetime, by: Actor, priority: Priority) -> None:
        after(TicketCommand.PRIORITISE, self.status)
        if priority != self.priority:
            previous, self.priority = self.priority, priority
            self._tell(events.TicketPrioritised, at, by, priority=priority, previous=previous)

    def change_customer(self, at: datetime, by: Actor, customer_id: UUID) -> None:
        after(TicketCommand.CHANGE_CUSTOMER, self.status)
        if customer_id != self.customer_id:
            previous, self.customer_id = self.customer_id, customer_id
            self._tell(
                events.TicketCustomerChanged, at, by, customer_id=customer_id, previous_customer_id=previous
            )

    def assign(self, at: datetime, by: Actor, assignee_id: str, queue: str | None = None) -> None:
        """Give it to a person, and to a queue when one is named."""
        status = after(TicketCommand.ASSIGN, self.status)
        if (assignee_id, queue or self.queue) == (self.assignee_id, self.queue):
            return
        self.status, self.assignee_id, self.queue = status, assignee_id, queue or self.queue
        self._tell(events.TicketAssigned, at, by, assignee_id=assignee_id, queue=self.queue)

    def transfer(self, at: datetime, by: Actor, queue: str) -> None:
        """Give it to a queue; nobody has it until somebody takes it."""
        status = after(TicketCommand.TRANSFER, self.status)
        if queue == self.queue and self.assignee_id is None:
            return
        previous, self.queue = self.queue, queue
        self.status, self.assignee_id = status, None
        self._tell(events.TicketTransferred, at, by, queue=queue, previous_queue=previous)

    def start_work(self, at: datetime, by: Actor) -> None:
        """Begin. A person who starts what nobody has, takes it."""
        self.status = after(TicketCommand.START_WORK, self.status)
        if self.assignee_id is None and by.role in PEOPLE:
            self.assignee_id = by.id
        self._tell(events.TicketWorkStarted, at, by, assignee_id=self.assignee_id)

    def reply(self, at: datetime, by: Actor, text: str, *, automatic: bool = False) -> UUID:
        """A public answer; returns the message's id."""
        after(TicketCommand.REPLY, self.status)
        message_id = new_id()
        self._tell(events.TicketReplied, at, by, text, message_id=message_id, automatic=automatic)
        return message_id

    def note(self, at: datetime, by: Actor, text: str) -> UUID:
        """A word among colleagues: on the timeline, never published, never shown to the customer."""
        after(TicketCommand.NOTE, self.status)
        message_id = new_id()
        self._step(Step.NOTE_ADDED, at, by, {}, text, message_id)
        return message_id

    def record_customer_reply(self, at: datetime, by: Actor, text: str) -> UUID:
        """The customer wrote; when we were waiting for them, the wait is over."""
        after(TicketCommand.CUSTOMER_REPLY, self.status)
        message_id = new_id()
        self._tell(events.CustomerReplied, at, by, text, message_id=message_id)
        if self.status is TicketStatus.WAITING and self.waiting_on == "customer":
            self._end_wait(TicketCommand.CUSTOMER_ANSWER, at, by)
        return message_id

    def wait(
        self,
        at: datetime,
        by: Actor,
        waiting_on: WaitingOn,
        reason: str | None = None,
        remark: str | None = None,
    ) -> None:
        """Nothing can be done here until the customer or a third party acts."""
        status = after(TicketCommand.WAIT, self.status)
        if self.waiting_on == waiting_on:
            raise errors.TicketAlreadyWaitingError
        self.status, self.waiting_on = status, waiting_on
        self._tell(events.TicketWaiting, at, by, remark, waiting_on=waiting_on, reason=reason)

    def resume(self, at: datetime, by: Actor) -> None:
        self._end_wait(TicketCommand.RESUME, at, by)

    def escalate(self, at: datetime, by: Actor, level: int | None = None, remark: str | None = None) -> None:
        """Raise it by hand, by one level or to the one given."""
        after(TicketCommand.ESCALATE, self.status)
        if self.escalation_level >= MAX_ESCALATION_LEVEL:
            raise errors.HighestEscalationLevelError
        wanted = level or self.escalation_level + 1
        if wanted <= self.escalation_level:
            raise errors.EscalationLevelNotHigherError(present_level=self.escalation_level)
        self.escalation_level = wanted
        self._tell(events.TicketEscalated, at, by, remark, level=wanted, reason="manual", clock_id=None)

    def escalate_for_breach(self, at: datetime, by: Actor, clock_id: UUID, level: int) -> bool:
        """A promise about time was broken: raise the ticket at least to `level`; whether that had an effect.

        On a ticket that nobody works on any more it is noted, and nothing else happens.
        """
        if self.status is TicketStatus.DELETED:
            return False
        if self.status not in LIVE:
            self._step(Step.BREACH_NOTED, at, by, {"level": level, "clock_id": str(clock_id)})
            return False
        self.escalation_level = max(self.escalation_level, min(level, MAX_ESCALATION_LEVEL))
        self._tell(
            events.TicketEscalated, at, by, level=self.escalation_level, reason="breach", clock_id=clock_id
        )
        return True

    def commit_date(self, at: datetime, by: Actor, committed_at: datetime, reason: str | None = None) -> None:
        """Promise the customer a date (承诺时限), or move the promised one for a reason."""
        after(TicketCommand.COMMIT, self.status)
        if committed_at == self.committed_at:
            return
        if committed_at <= at:
            raise errors.CommitmentInThePastError(
                field_errors=[FieldError("committed_at", "in_the_past", "promise a date that lies ahead")]
            )
        previous = self.committed_at
        if previous is None:
            self.committed_at = committed_at
            self._tell(events.CommitmentMade, at, by, committed_at=committed_at)
            return
        if reason is None:
            raise errors.CommitmentReasonMissingError(
                field_errors=[FieldError("reason", "required", "say why the promised date moves")]
            )
        self.committed_at = committed_at
        self._tell(
            events.CommitmentChanged,
            at,
            by,
            committed_at=committed_at,
            previous_committed_at=previous,
            reason=reason,
        )

    def resolve(self, at: datetime, by: Actor, resolution_code: str, remark: str | None = None) -> None:
        self.status = after(TicketCommand.RESOLVE, self.status)
        self.waiting_on, self.resolution_code = None, resolution_code
        self.resolved_at = self._tell(
            events.TicketResolved, at, by, remark, resolution_code=resolution_code
        ).occurred_at

    def reopen(self, at: datetime, by: Actor, reason: str, remark: str | None = None) -> None:
        """Open again; the next closure asks the customer anew, and an unanswered question lapses."""
        self.status = after(TicketCommand.REOPEN, self.status)
        self.reopen_count += 1
        self.resolution_code = self.resolved_at = self.closed_at = None
        self.follow_up_id = self.follow_up_recorded_at = None
        self._tell(events.TicketReopened, at, by, remark, reason=reason, reopen_count=self.reopen_count)

    def close(self, at: datetime, by: Actor) -> FollowUp:
        """Finish it, and ask the customer how it went."""
        self.status = after(TicketCommand.CLOSE, self.status)
        self.closed_at = self._tell(events.TicketClosed, at, by).occurred_at
        asked = FollowUp(id=new_id(), ticket_id=self.id, requested_at=self.closed_at)
        self.follow_up_id = asked.id
        self._tell(events.FollowUpRequested, at, by, follow_up_id=asked.id, customer_id=self.customer_id)
        return asked

    def record_follow_up(self, at: datetime, by: Actor, answer: FollowUpAnswer) -> UUID:
        """The customer's answer, once for each closure; returns the follow-up it belongs to."""
        after(TicketCommand.RECORD_FOLLOW_UP, self.status)
        if self.follow_up_id is None:
            raise errors.FollowUpNotRequestedError
        if self.follow_up_recorded_at is not None:
            raise errors.FollowUpAlreadyRecordedError
        self.follow_up_recorded_at = self._tell(
            events.FollowUpRecorded,
            at,
            by,
            follow_up_id=self.follow_up_id,
            customer_id=self.customer_id,
            csat=answer.csat,
            nps=answer.nps,
        ).occurred_at
        return self.follow_up_id

    def cancel(self, at: datetime, by: Actor, reason: str, remark: str | None = None) -> None:
        self.status = after(TicketCommand.CANCEL, self.status)
        self.waiting_on = None
        self._tell(events.TicketCancelled, at, by, remark, reason=reason)

    def merge_into(self, survivor: "Ticket", at: datetime, by: Actor) -> None:
        """Go on in `survivor`, whose timeline says so; both must be locked."""
        if survivor.id == self.id:
            raise errors.MergeIntoItselfError(
                field_errors=[FieldError("into_ticket_id", "itself", "name another ticket")]
            )
        status = after(TicketCommand.MERGE, self.status)
        after(TicketCommand.ABSORB, survivor.status)
        self.status, self.waiting_on, self.merged_into_id = status, None, survivor.id
        same = survivor.customer_id == self.customer_id
        self._tell(events.TicketMerged, at, by, into_ticket_id=survivor.id, same_customer=same)
        survivor._step(Step.TICKET_ABSORBED, at, by, {"ticket_id": str(self.id), "number": self.number})

    def delete(self, at: datetime, by: Actor) -> None:
        """Remove it: its words go, its number and its steps stay as the record that it was there."""
        self.status = after(TicketCommand.DELETE, self.status)
        self.subject = self.description = ""
        self.external_number = self.waiting_on = None
        self._tell(events.TicketDeleted, at, by)

    def _end_wait(self, command: TicketCommand, at: datetime, by: Actor) -> None:
        self.status = after(command, self.status)
        self.waiting_on = None
        self._tell(events.TicketResumed, at, by, state=self.status)
