"""What sla tells of the clocks of complaints, and valuation of customers → commands.

Clocks of other subjects are none of our business.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from services.complaints.domain.clock_reading import ClockNews, ClockState
from services.complaints.persistence import complaint_store
from services.complaints.usecases.escalate_complaint import EscalateComplaint, escalate_complaint
from services.complaints.usecases.follow_merge import FollowMerge, follow_merge
from services.complaints.usecases.forget_customer import ForgetCustomer, forget_customer
from services.complaints.usecases.take_clock_news import take_clock_news
from shared.contracts import sla, valuation
from shared.contracts.base import Contract
from shared.db.work import Work
from shared.events.consumer import Subscription
from shared.events.envelope import Envelope

# What each event says beside the clock's id and due date.
_SAYS: dict[type[Any], Callable[[Any], dict[str, Any]]] = {
    sla.ClockStartedV1: lambda told: {"state": ClockState.RUNNING, "started_at": told.started_at},
    sla.ClockPausedV1: lambda told: {"state": ClockState.PAUSED},
    sla.ClockResumedV1: lambda told: {"state": ClockState.RUNNING},
    sla.ClockRetargetedV1: lambda told: {},
    sla.ClockWarnedV1: lambda told: {"warned_at": told.threshold_at},
    sla.ClockBreachedV1: lambda told: {"says_breach": True, "breached_at": told.breached_at},
    sla.BreachRetractedV1: lambda told: {"says_breach": True, "breached_at": None},
    sla.ClockMetV1: lambda told: {"state": ClockState.MET, "ended_at": told.fulfilled_at},
    sla.ClockMissedV1: lambda told: {
        "state": ClockState.MISSED,
        "ended_at": told.fulfilled_at,
        "says_breach": True,
        "breached_at": told.breached_at,
    },
    sla.ClockCancelledV1: lambda told: {"state": ClockState.CANCELLED, "ended_at": told.cancelled_at},
}


def _clock_handler(
    says: Callable[[Any], dict[str, Any]],
) -> Callable[[Work, Envelope, Any], Awaitable[None]]:
    async def handle(work: Work, envelope: Envelope, told: Any) -> None:
        news = ClockNews(
            complaint_id=told.subject_id,
            clock_id=told.clock_id,
            cycle=told.cycle,
            agreement=told.agreement,
            metric=told.metric,
            sequence=envelope.sequence,
            due_at=told.due_at,
            **says(told),
        )
        await take_clock_news(news, work)

    return handle


async def escalation_due(work: Work, envelope: Envelope, told: sla.EscalationDueV1) -> None:
    await escalate_complaint(
        EscalateComplaint(
            complaint_id=told.subject_id,
            level=told.level,
            escalate_to=told.target,
            metric=told.metric,
        ),
        work,
    )


async def escalation_digest(work: Work, envelope: Envelope, told: sla.EscalationDigestV1) -> None:
    """A digest stands for many thresholds; of each complaint in it the highest escalation raises it."""
    highest: dict[UUID, sla.EscalationDigestV1.Item] = {}
    for item in told.items:
        if item.kind == "escalation" and is_of_a_complaint(item):
            known = highest.get(item.subject_id)
            if known is None or known.level < item.level:
                highest[item.subject_id] = item
    for complaint_id, item in sorted(highest.items()):
        await escalate_complaint(
            EscalateComplaint(
                complaint_id=complaint_id,
                level=item.level,
                escalate_to=told.target,
                metric=item.metric,
            ),
            work,
        )


async def lock_complaints(work: Work, batch: Sequence[tuple[Envelope, Any]]) -> None:
    """Lock the complaints of a batch at once, in the order of their ids."""
    ids = {complaint_id for _, told in batch for complaint_id in complaints_of(told)}
    await complaint_store.lock_all(work, sorted(ids))


def is_of_a_complaint(told: Any) -> bool:
    """Most clocks are those of tickets."""
    return bool(told.subject_kind == "complaint")


async def customer_merged(work: Work, envelope: Envelope, told: valuation.CustomerMergedV1) -> None:
    merged = [told.customer_id, *told.earlier_ids]
    await follow_merge(FollowMerge(customer_ids=merged, survivor_id=told.survivor_id), work)


async def customer_erased(work: Work, envelope: Envelope, told: valuation.CustomerErasedV1) -> None:
    await forget_customer(ForgetCustomer(customer_ids=[told.customer_id, *told.earlier_ids]), work)


def complaints_of(told: Any) -> list[UUID]:
    """A digest tells of any number of subjects, everything else of one."""
    about = told.items if isinstance(told, sla.EscalationDigestV1) else [told]
    return [one.subject_id for one in about if is_of_a_complaint(one)]


def concerns_complaints(told: Any) -> bool:
    """Whether any complaint is told of."""
    return bool(complaints_of(told))


_HANDLERS: dict[type[Contract], Callable[[Work, Envelope, Any], Awaitable[None]]] = {
    **{contract: _clock_handler(says) for contract, says in _SAYS.items()},
    sla.EscalationDueV1: escalation_due,
    sla.EscalationDigestV1: escalation_digest,
}
SUBSCRIPTIONS: tuple[Subscription, ...] = (
    *(
        Subscription(contract, handle, lock_complaints, concerns_complaints)
        for contract, handle in _HANDLERS.items()
    ),
    Subscription(valuation.CustomerMergedV1, customer_merged),
    Subscription(valuation.CustomerErasedV1, customer_erased),
)
