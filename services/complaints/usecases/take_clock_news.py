"""Fold what sla tells of a complaint's clocks; a broken promise marks the complaint."""

from collections.abc import Sequence

from services.complaints.domain.clock_reading import ClockNews, ClockReading
from services.complaints.domain.complaint import Complaint
from services.complaints.domain.complaint_status import Command, transition
from services.complaints.persistence import clock_store, complaint_store
from shared.db.work import Work

BREACH_LEVEL = 1


async def take_clock_news(news: ClockNews, work: Work) -> None:
    """One event of one clock, expected twice, late and out of order. Raises `ComplaintNotFoundError`."""
    complaint = await complaint_store.lock(work, news.complaint_id)
    readings = await clock_store.of_complaint(work, complaint.id)
    reading = _find(readings, news)
    reading.take(news)
    others = [other for other in readings if other is not reading]
    _mark(complaint, reading, others, work)
    await clock_store.put(work, reading)
    await complaint_store.save(work, complaint, new_version=False)
    await clock_store.set_overdue_from(work, complaint, [reading, *others])


def _find(readings: Sequence[ClockReading], news: ClockNews) -> ClockReading:
    for reading in readings:
        if (reading.clock_id, reading.cycle) == (news.clock_id, news.cycle):
            return reading
    return ClockReading.of(news)


def _mark(complaint: Complaint, reading: ClockReading, others: Sequence[ClockReading], work: Work) -> None:
    """Decided by what the reading now says, not by the event: so order and repetition do not matter."""
    facts = {"metric": reading.metric, "agreement": reading.agreement, "clock_id": str(reading.clock_id)}
    if reading.breached_at is not None and not reading.marked:
        reading.marked = True
        # A complaint that was closed meanwhile has nobody left to be alarmed; the clock keeps the breach.
        if transition(complaint.status, Command.ESCALATE) is not None:
            breached_at = reading.breached_at.isoformat()
            complaint.escalate(BREACH_LEVEL, work.now, cause="breach", breached_at=breached_at, **facts)
    elif reading.breached_at is None and reading.marked:
        reading.marked = False
        if complaint.escalated_at is not None and not any(other.marked for other in others):
            complaint.retract_escalation(work.now, **facts)
