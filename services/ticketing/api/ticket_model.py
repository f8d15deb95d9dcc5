"""A ticket as the API shows it. What only the desk should see is absent in a customer's view."""

from collections.abc import Callable
from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from services.ticketing.domain.vocabulary import Channel, Priority, WaitingOn
from services.ticketing.persistence.ticket_reads import TicketView
from shared.web.authentication import Principal
from shared.web.models import ApiModel, Instant

TicketStatusName = Literal[
    "new", "open", "in_progress", "waiting", "resolved", "closed", "cancelled", "merged"
]
ClockStateName = Literal["running", "paused", "overdue", "overdue_paused", "met", "missed", "cancelled"]
# Promises to the customer; the desk's agreements with other teams and partners are its own business.
SHOWN_TO_CUSTOMERS = frozenset({"sla", "regulatory"})
_OVERDUE: dict[str, ClockStateName] = {"running": "overdue", "paused": "overdue_paused"}

EXAMPLE: dict[str, Any] = {
    "id": "0197a3c1-5a10-7c3e-9b5f-1d2e3f4a5b6c",
    "number": "T-000123",
    "version": 3,
    "external_number": "INC0000045",
    "customer_id": "0197a3c1-0000-7000-8000-000000000001",
    "customer_tier": "gold",
    "status": "in_progress",
    "kind": "incident",
    "category": "login",
    "queue": "second-line",
    "offering": "advanced-support",
    "contract": "K-2026-117",
    "entitlement": "priority-support",
    "channel": "phone",
    "priority": "high",
    "subject": "VPN 登录失败",
    "description": "Since this morning nobody in the branch office can sign in.",
    "assignee_id": "agent-7",
    "escalation_level": 1,
    "reopen_count": 0,
    "opened_at": "2026-03-02T01:00:00Z",
    "updated_at": "2026-03-02T03:00:00Z",
    "overdue": True,
    "due_at": "2026-03-02T03:00:00Z",
    "clocks": [
        {
            "clock_id": "0197a3c1-5a10-7c3e-9b5f-000000000002",
            "agreement": "sla",
            "metric": "resolution",
            "cycle": 1,
            "state": "overdue",
            "started_at": "2026-03-02T01:00:00Z",
            "due_at": "2026-03-02T03:00:00Z",
            "warned_at": "2026-03-02T02:00:00Z",
            "breached_at": "2026-03-02T03:00:00Z",
            "escalation_level": 1,
        }
    ],
}


class ClockOut(ApiModel):
    """One SLA clock (计时) of the ticket, as its events told; `explain` of the sla service has the arithmetic."""

    clock_id: UUID
    agreement: str
    metric: str
    cycle: int
    state: ClockStateName
    started_at: Instant | None = None
    due_at: Instant | None = None
    warned_at: Instant | None = None
    breached_at: Instant | None = None
    fulfilled_at: Instant | None = None
    escalation_level: int

    @classmethod
    def of(cls, clock: dict[str, Any]) -> "ClockOut":
        shown = dict(clock)
        if shown.pop("overdue"):
            shown["state"] = _OVERDUE[shown["state"]]
        return cls.model_validate(shown)


class FollowUpOut(ApiModel):
    """The follow-up (回访) of the last closure; without `recorded_at` the customer has not answered."""

    id: UUID
    requested_at: Instant
    recorded_at: Instant | None = None
    csat: int | None = None
    nps: int | None = None
    comment: str | None = None


class TicketOut(ApiModel):
    """A ticket (工单). `version` changes with every command and is what If-Match compares."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: UUID
    number: str
    version: int
    external_number: str | None = None
    customer_id: UUID
    customer_tier: str | None = Field(default=None, description="As of now; absent for customers.")
    status: TicketStatusName
    waiting_on: WaitingOn | None = None
    kind: str
    category: str | None = None
    queue: str | None = Field(default=None, description="Absent for customers.")
    offering: str | None = None
    contract: str | None = None
    entitlement: str | None = None
    channel: Channel
    priority: Priority
    subject: str
    description: str
    assignee_id: str | None = Field(default=None, description="Absent for customers.")
    escalation_level: int = Field(default=0, description="0 for customers.")
    committed_at: Instant | None = Field(
        default=None, description="The date promised to the customer (承诺时限)."
    )
    resolution_code: str | None = None
    reopen_count: int
    opened_at: Instant
    updated_at: Instant
    resolved_at: Instant | None = None
    closed_at: Instant | None = None
    merged_into_id: UUID | None = None
    overdue: bool = Field(default=False, description="Some clock is past its due date and still open.")
    due_at: Instant | None = Field(default=None, description="The earliest due date of the clocks that run.")
    clocks: list[ClockOut] = Field(default_factory=list)
    follow_up: FollowUpOut | None = None

    @classmethod
    def of(cls, view: TicketView, *, for_customer: bool = False) -> "TicketOut":
        ticket = view.ticket
        clocks = [
            ClockOut.of(clock)
            for clock in view.clocks
            if not for_customer or clock["agreement"] in SHOWN_TO_CUSTOMERS
        ]
        facts: dict[str, Any] = {"status": ticket.status.value}
        if not for_customer:
            facts |= {
                "customer_tier": view.customer_tier,
                "queue": ticket.queue,
                "assignee_id": ticket.assignee_id,
                "escalation_level": ticket.escalation_level,
            }
        return cls(
            id=ticket.id,
            number=ticket.number,
            version=ticket.version,
            external_number=ticket.external_number,
            customer_id=ticket.customer_id,
            waiting_on=ticket.waiting_on,
            kind=ticket.kind,
            category=ticket.category,
            offering=ticket.offering,
            contract=ticket.contract,
            entitlement=ticket.entitlement,
            channel=ticket.channel,
            priority=ticket.priority,
            subject=ticket.subject,
            description=ticket.description,
            committed_at=ticket.committed_at,
            resolution_code=ticket.resolution_code,
            reopen_count=ticket.reopen_count,
            opened_at=ticket.opened_at,
            updated_at=ticket.last_occurred_at or ticket.opened_at,
            resolved_at=ticket.resolved_at,
            closed_at=ticket.closed_at,
            merged_into_id=ticket.merged_into_id,
            overdue=any(clock.state in ("overdue", "overdue_paused") for clock in clocks),
            due_at=min(
                (clock.due_at for clock in clocks if clock.due_at and clock.state in ("running", "overdue")),
                default=None,
            ),
            clocks=clocks,
            follow_up=FollowUpOut.model_validate(view.follow_up) if view.follow_up else None,
            **facts,
        )


def shown_to(principal: Principal) -> Callable[[TicketView], TicketOut]:
    """How this principal sees a ticket."""
    return lambda view: TicketOut.of(view, for_customer=principal.is_customer)
