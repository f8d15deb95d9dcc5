"""Take in what the sla service says about a clock, and escalate the ticket when its promise is broken."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.ticketing.domain.ticket_clock import BREACH_LEVEL, ClockChange, ClockFact, TicketClock
from services.ticketing.persistence import clock_store as clocks
from services.ticketing.usecases.escalate_ticket import EscalateForBreach, escalate_for_breach
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class RecordClock:
    """One event about one clock of a ticket."""

    fact: ClockFact


@dataclass(frozen=True, kw_only=True)
class ReportedEscalation:
    """One escalation of a digest."""

    ticket_id: UUID
    clock_id: UUID
    cycle: int
    level: int


@dataclass(frozen=True)
class RecordEscalations:
    """Escalations of any tickets that sla reports together, in the order of their thresholds."""

    items: Sequence[ReportedEscalation]


async def record_clock(command: RecordClock, work: Work) -> bool:
    """Whether it was news. Each level of a clock and cycle escalates the ticket once."""
    fact = command.fact
    clock = (await clocks.lock_all(work, [fact.clock_id])).get(fact.clock_id) or TicketClock.first_heard(fact)
    is_news = clock.apply(fact)
    level = _level(fact) if is_news else None
    escalates = level is not None and clock.escalates(level)
    await clocks.save(work, clock)
    if level is not None and escalates:
        await escalate_for_breach(
            EscalateForBreach(ticket_id=fact.ticket_id, clock_id=fact.clock_id, level=level), work
        )
    return is_news


async def record_escalations(command: RecordEscalations, work: Work) -> None:
    """Each level of a clock and cycle escalates the ticket once; what is of an earlier cycle is skipped.

    A digest may overtake the events of a clock, and does not tell its facts: then the ticket is escalated, and
    nothing is noted of the clock.
    """
    known = await clocks.lock_all(work, [item.clock_id for item in command.items])
    for item in command.items:
        clock = known.get(item.clock_id)
        if clock is not None and clock.cycle >= item.cycle:
            if clock.cycle > item.cycle or not clock.escalates(item.level):
                continue
            await clocks.save(work, clock)
        await escalate_for_breach(
            EscalateForBreach(ticket_id=item.ticket_id, clock_id=item.clock_id, level=item.level), work
        )


def _level(fact: ClockFact) -> int | None:
    if fact.change is ClockChange.BREACHED:
        return BREACH_LEVEL
    return fact.level if fact.change is ClockChange.ESCALATION_DUE else None
