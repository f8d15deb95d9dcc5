"""Judge how bad it is."""

from dataclasses import dataclass

from services.complaints.domain.complaint import Complaint
from services.complaints.domain.outcomes import Severity
from services.complaints.persistence import complaint_store
from services.complaints.usecases.target import Target
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class AssessSeverity:
    target: Target
    severity: Severity
    reason: str


async def assess_severity(command: AssessSeverity, work: Work) -> Complaint:
    """A person's judgement; what closure needs follows from it."""
    complaint = await command.target.lock(work)
    complaint.assess_severity(command.severity, command.reason, work.now)
    await complaint_store.save(work, complaint)
    return complaint
