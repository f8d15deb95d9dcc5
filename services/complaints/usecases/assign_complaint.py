"""Give a complaint to its one named owner."""

from dataclasses import dataclass

from services.complaints.domain.complaint import Complaint
from services.complaints.persistence import complaint_store
from services.complaints.usecases.target import Target
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class AssignComplaint:
    target: Target
    owner_id: str
    reason: str | None = None


async def assign_complaint(command: AssignComplaint, work: Work) -> Complaint:
    """From now on `owner_id` answers for it, and nobody else."""
    complaint = await command.target.lock(work)
    complaint.assign(command.owner_id, command.reason, work.now)
    await complaint_store.save(work, complaint)
    return complaint
