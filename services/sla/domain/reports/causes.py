"""Why a clock was breached, as far as the ledger tells: how its subject stood at that instant."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.sla.domain.clock_fold import ClockFold
from services.sla.domain.fold import Line
from services.sla.domain.ledger import EntryKind


class BreachCause(StrEnum):
    """The first that holds at the instant of the breach, in this order."""

    WAITING_ON_CUSTOMER = "waiting_on_customer"
    """The subject waited for the customer, which this clock does not pause on."""
    WAITING_ON_THIRD_PARTY = "waiting_on_third_party"
    """It waited for a third party, which this clock does not pause on."""
    REOPENED = "reopened"
    """It had been reopened: what was left was not enough."""
    RETARGETED = "retargeted"
    """A change of priority, class, customer, tier or policy had set another target."""
    UNOWNED = "unowned"
    """Nobody had taken it."""
    IN_WORK = "in_work"
    """Somebody had it in work."""


_OWNED = frozenset({EntryKind.ASSIGNED, EntryKind.WORK_STARTED})
_WAITS = {
    "customer": BreachCause.WAITING_ON_CUSTOMER,
    "third_party": BreachCause.WAITING_ON_THIRD_PARTY,
}
_WAIT_ENDS = frozenset({EntryKind.RESUMED, EntryKind.WORK_STARTED, EntryKind.RESOLVED, EntryKind.CLOSED})


@dataclass(frozen=True, slots=True)
class BreachContext:
    """How the subject stood: `priority` is a ticket's priority or a complaint's severity."""

    cause: BreachCause
    queue: str | None
    priority: str | None


def context_of(lines: Iterable[Line], clock: ClockFold, breached_at: datetime) -> BreachContext:
    """At a breach of this clock. An input at the very instant came first, as in the fold."""
    queue = priority = None
    wait: BreachCause | None = None
    owned = reopened = False
    for line in lines:
        entry = line.entry
        if entry.occurred_at > breached_at:
            break
        queue = entry.data.get("queue") or queue
        priority = entry.data.get("priority") or entry.data.get("severity") or priority
        owned = owned or entry.kind in _OWNED
        reopened = reopened or entry.kind is EntryKind.REOPENED
        if entry.kind is EntryKind.WAITING:
            wait = _WAITS.get(entry.data["waiting_on"])
        elif entry.kind in _WAIT_ENDS or (
            entry.kind is EntryKind.CUSTOMER_REPLIED and wait is BreachCause.WAITING_ON_CUSTOMER
        ):
            wait = None
    retargeted = any(one.at <= breached_at for one in clock.retargets)
    if wait is not None:
        cause = wait
    elif reopened:
        cause = BreachCause.REOPENED
    elif retargeted:
        cause = BreachCause.RETARGETED
    else:
        cause = BreachCause.IN_WORK if owned else BreachCause.UNOWNED
    return BreachContext(cause, queue, priority)
