"""What is kept of a ticket, and how it tells what happens to it: an event for others, a step for its timeline."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from services.ticketing.domain import ticket_events as events
from services.ticketing.domain.ticket_status import TicketStatus
from services.ticketing.domain.timeline import Step, TimelineEntry
from services.ticketing.domain.vocabulary import Channel, Priority, WaitingOn, number_of
from shared.kernel.aggregates import Aggregate, DomainEvent
from shared.kernel.context import Actor

E = TypeVar("E", bound=DomainEvent)

# Every event has a step of its name, in its past tense as in the catalogue.
STEPS: dict[type[DomainEvent], Step] = {
    events.TicketClassified: Step.TICKET_CLASSIFIED,
    events.TicketPrioritised: Step.TICKET_PRIORITISED,
    events.TicketCustomerChanged: Step.TICKET_CUSTOMER_CHANGED,
    events.TicketAssigned: Step.TICKET_ASSIGNED,
    events.TicketTransferred: Step.TICKET_TRANSFERRED,
    events.TicketWorkStarted: Step.TICKET_WORK_STARTED,
    events.TicketReplied: Step.TICKET_REPLIED,
    events.CustomerReplied: Step.CUSTOMER_REPLIED,
    events.TicketWaiting: Step.TICKET_WAITING,
    events.TicketResumed: Step.TICKET_RESUMED,
    events.TicketEscalated: Step.TICKET_ESCALATED,
    events.CommitmentMade: Step.COMMITMENT_MADE,
    events.CommitmentChanged: Step.COMMITMENT_CHANGED,
    events.TicketResolved: Step.TICKET_RESOLVED,
    events.TicketReopened: Step.TICKET_REOPENED,
    events.TicketClosed: Step.TICKET_CLOSED,
    events.FollowUpRequested: Step.FOLLOW_UP_REQUESTED,
    events.FollowUpRecorded: Step.FOLLOW_UP_RECORDED,
    events.TicketCancelled: Step.TICKET_CANCELLED,
    events.TicketMerged: Step.TICKET_MERGED,
    events.TicketDeleted: Step.TICKET_DELETED,
}


@dataclass(kw_only=True)
class TicketRecord(Aggregate):
    """The facts of one ticket. `serial` is the database's; without it there is no number and no event yet."""

    customer_id: UUID
    channel: Channel
    subject: str
    description: str
    kind: str
    priority: Priority
    opened_at: datetime
    opened_by: str
    category: str | None = None
    queue: str | None = None
    offering: str | None = None
    contract: str | None = None
    entitlement: str | None = None
    external_number: str | None = None
    serial: int | None = None
    status: TicketStatus = TicketStatus.NEW
    waiting_on: WaitingOn | None = None
    assignee_id: str | None = None
    escalation_level: int = 0
    committed_at: datetime | None = None
    resolution_code: str | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    reopen_count: int = 0
    merged_into_id: UUID | None = None
    follow_up_id: UUID | None = None
    follow_up_recorded_at: datetime | None = None
    _steps: list[TimelineEntry] = field(default_factory=list, repr=False, compare=False)

    @property
    def number(self) -> str:
        if self.serial is None:
            raise ValueError("a ticket gets its number from the store")
        return number_of(self.serial)

    def take_steps(self) -> list[TimelineEntry]:
        """The steps since the last call, oldest first, for the store."""
        taken, self._steps = self._steps, []
        return taken

    @property
    def is_changed(self) -> bool:
        """Whether there is anything to save: a command without effect leaves no step."""
        return bool(self._steps)

    def _tell(self, event: type[E], at: datetime, by: Actor, text: str | None = None, /, **facts: Any) -> E:
        """Append the event, and the step of the same name with what a person wrote beside it."""
        told = self.happened(event, at, **facts)
        details = {name: _plain(value) for name, value in facts.items() if value is not None}
        details.pop("message_id", None)
        self._step(STEPS[event], told.occurred_at, by, details, text, facts.get("message_id"))
        return told

    def _step(
        self,
        step: Step,
        at: datetime,
        by: Actor,
        details: dict[str, Any],
        text: str | None = None,
        message_id: UUID | None = None,
        searchable_text: str | None = None,
    ) -> None:
        """Append a step, never stamped before the one before it."""
        stamped_at = at if self.last_occurred_at is None else max(at, self.last_occurred_at)
        self.last_occurred_at = stamped_at
        self._steps.append(
            TimelineEntry(
                step=step,
                occurred_at=stamped_at,
                actor=by,
                details=details,
                text=text,
                message_id=message_id,
                searchable_text=searchable_text or text,
            )
        )


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
