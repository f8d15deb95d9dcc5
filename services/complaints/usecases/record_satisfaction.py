"""Record whether the customer is satisfied."""

from dataclasses import dataclass

from services.complaints.domain.complaint import Complaint
from services.complaints.persistence import complaint_store
from services.complaints.usecases.target import Target
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class RecordSatisfaction:
    """`score` from 1 (not at all) to 5 (fully)."""

    target: Target
    satisfied: bool
    score: int | None = None
    comment: str | None = None


async def record_satisfaction(command: RecordSatisfaction, work: Work) -> Complaint:
    """Told by the customer, or to a person who writes it down. Raises `CustomerNotAskedError`."""
    complaint = await command.target.lock(work)
    complaint.record_satisfaction(command.satisfied, command.score, command.comment, work.now)
    await complaint_store.save(work, complaint)
    return complaint
