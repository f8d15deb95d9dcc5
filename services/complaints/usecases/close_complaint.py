"""Close the loop (闭环)."""

from dataclasses import dataclass

from services.complaints.domain.complaint import Complaint
from services.complaints.domain.policy import ComplaintPolicy
from services.complaints.persistence import complaint_store
from services.complaints.usecases.target import Target
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class CloseComplaint:
    target: Target


async def close_complaint(command: CloseComplaint, work: Work, policy: ComplaintPolicy) -> Complaint:
    """Raises `ComplaintClosureNeeds…Error` while anything is missing that the outcome needs."""
    complaint = await command.target.lock(work)
    complaint.close(policy, work.now)
    await complaint_store.save(work, complaint)
    return complaint
