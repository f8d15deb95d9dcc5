"""Let the investigation wait for the customer or a third party."""

from dataclasses import dataclass

from services.complaints.domain.complaint import Complaint
from services.complaints.domain.outcomes import WaitingOn
from services.complaints.persistence import complaint_store
from services.complaints.usecases.target import Target
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class WaitForOthers:
    target: Target
    waiting_on: WaitingOn
    reason: str | None = None


async def wait_for_others(command: WaitForOthers, work: Work) -> Complaint:
    """It cannot go on without somebody else."""
    complaint = await command.target.lock(work)
    complaint.wait(command.waiting_on, command.reason, work.now)
    await complaint_store.save(work, complaint)
    return complaint
