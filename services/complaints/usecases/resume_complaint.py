"""End a wait."""

from dataclasses import dataclass

from services.complaints.domain.complaint import Complaint
from services.complaints.persistence import complaint_store
from services.complaints.usecases.target import Target
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class ResumeComplaint:
    target: Target
    reason: str | None = None


async def resume_complaint(command: ResumeComplaint, work: Work) -> Complaint:
    """What it waited for has come, or waiting is over."""
    complaint = await command.target.lock(work)
    complaint.resume(command.reason, work.now)
    await complaint_store.save(work, complaint)
    return complaint
