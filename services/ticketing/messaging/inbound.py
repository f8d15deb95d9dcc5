"""From what other services publish to this service's commands. Nothing is decided here."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.ticketing.domain.ticket_clock import ClockChange, ClockFact
from services.ticketing.persistence import clock_store as clocks
from services.ticketing.usecases.follow_merge import FollowMerge, follow_merge
from services.ticketing.usecases.forget_customer import ForgetCustomer, forget_customer
from services.ticketing.usecases.record_clock import (
    RecordClock,
    RecordEscalations,
    ReportedEscalation,
    record_clock,
    record_escalations,
)
from services.ticketing.usecases.record_tier import RecordTier, record_tier
from shared.contracts import sla, valuation
from shared.db.work import Work
from shared.events.consumer import Subscription
from shared.events.envelope import Envelope

Handle = Callable[[Work, Envelope, Any], Awaitable[None]]

# What a contract says of a clock, and the field that says when.
CLOCK_CHANGES: dict[type[Any], tuple[ClockChange, str]] = {
    sla.ClockStartedV1: (ClockChange.STARTED, "started_at"),
    sla.ClockPausedV1: (ClockChange.PAUSED, "paused_at"),
    sla.ClockResumedV1: (ClockChange.RESUMED, "resumed_at"),
    sla.ClockRetargetedV1: (ClockChange.RETARGETED, ""),
    sla.ClockRecommittedV1: (ClockChange.RETARGETED, ""),
    sla.ClockWarnedV1: (ClockChange.WARNED, "threshold_at"),
    sla.ClockBreachedV1: (ClockChange.BREACHED, "breached_at"),
    sla.BreachRetractedV1: (ClockChange.BREACH_RETRACTED, ""),
    sla.ClockMetV1: (ClockChange.MET, "fulfilled_at"),
    sla.ClockMissedV1: (ClockChange.MISSED, "breached_at"),
    sla.ClockCancelledV1: (ClockChange.CANCELLED, "cancelled_at"),
    sla.EscalationDueV1: (ClockChange.ESCALATION_DUE, "threshold_at"),
}


def _clock_handler(change: ClockChange, instant: str) -> Handle:
    async def handle(work: Work, envelope: Envelope, payload: Any) -> None:
        at: datetime = getattr(payload, instant) if instant else envelope.occurred_at
        fact = ClockFact(
            ticket_id=payload.subject_id,
            clock_id=payload.clock_id,
            agreement=payload.agreement,
            metric=payload.metric,
            cycle=payload.cycle,
            policy_version_id=payload.policy_version_id,
            change=change,
            sequence=envelope.sequence,
            at=at,
            due_at=payload.due_at,
            breached_at=getattr(payload, "breached_at", None),
            fulfilled_at=getattr(payload, "fulfilled_at", None),
            level=getattr(payload, "level", None),
        )
        await record_clock(RecordClock(fact=fact), work)

    return handle


async def _lock_clocks(work: Work, batch: Sequence[tuple[Envelope, Any]]) -> None:
    """The clocks of a batch in one statement, in the order of their ids."""
    told = {clock_id for _, payload in batch for clock_id in _clocks_of(payload)}
    await clocks.lock_all(work, sorted(told))


def _clocks_of(payload: Any) -> list[UUID]:
    if isinstance(payload, sla.EscalationDigestV1):
        return [item.clock_id for item in payload.items if _is_of_a_ticket(item)]
    return [payload.clock_id]


async def _digest(work: Work, envelope: Envelope, payload: sla.EscalationDigestV1) -> None:
    escalated = [
        ReportedEscalation(
            ticket_id=item.subject_id, clock_id=item.clock_id, cycle=item.cycle, level=item.level
        )
        for item in payload.items
        if item.kind == "escalation" and _is_of_a_ticket(item)
    ]
    await record_escalations(RecordEscalations(escalated), work)


async def _tier(
    work: Work,
    envelope: Envelope,
    payload: valuation.CustomerRegisteredV1 | valuation.CustomerTierChangedV1,
) -> None:
    command = RecordTier(customer_id=payload.customer_id, tier=payload.tier, sequence=envelope.sequence)
    await record_tier(command, work)


async def _merged(work: Work, envelope: Envelope, payload: valuation.CustomerMergedV1) -> None:
    merged = [payload.customer_id, *payload.earlier_ids]
    await follow_merge(FollowMerge(customer_ids=merged, survivor_id=payload.survivor_id), work)


async def _erased(work: Work, envelope: Envelope, payload: valuation.CustomerErasedV1) -> None:
    await forget_customer(ForgetCustomer(customer_ids=[payload.customer_id, *payload.earlier_ids]), work)


def _is_of_a_ticket(payload: Any) -> bool:
    return bool(payload.subject_kind == "ticket")


def _has_a_ticket(payload: sla.EscalationDigestV1) -> bool:
    return any(_is_of_a_ticket(item) for item in payload.items)


SUBSCRIPTIONS: tuple[Subscription, ...] = (
    *(
        Subscription(contract, _clock_handler(change, instant), _lock_clocks, _is_of_a_ticket)
        for contract, (change, instant) in CLOCK_CHANGES.items()
    ),
    Subscription(sla.EscalationDigestV1, _digest, _lock_clocks, _has_a_ticket),
    Subscription(valuation.CustomerRegisteredV1, _tier),
    Subscription(valuation.CustomerTierChangedV1, _tier),
    Subscription(valuation.CustomerMergedV1, _merged),
    Subscription(valuation.CustomerErasedV1, _erased),
)
