"""Check that the corrective action works."""

from dataclasses import dataclass

from services.complaints.domain.complaint import Complaint
from services.complaints.persistence import complaint_store
from services.complaints.usecases.target import Target
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class VerifyCorrectiveAction:
    target: Target
    evidence: str


async def verify_corrective_action(command: VerifyCorrectiveAction, work: Work) -> Complaint:
    """By somebody else than its author.

    Raises `CorrectiveActionMissingError`, `CorrectiveActionVerifiedByItsAuthorError`.
    """
    complaint = await command.target.lock(work)
    complaint.verify_corrective_action(command.evidence, work.actor.id, work.now)
    await complaint_store.save(work, complaint)
    return complaint
