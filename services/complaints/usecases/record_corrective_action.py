"""Record what is done about the cause."""

from dataclasses import dataclass

from services.complaints.domain.complaint import Complaint
from services.complaints.persistence import complaint_store
from services.complaints.usecases.target import Target
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class RecordCorrectiveAction:
    """`corrective` puts this case right, `preventive` keeps it from happening again."""

    target: Target
    corrective: str
    preventive: str | None = None


async def record_corrective_action(command: RecordCorrectiveAction, work: Work) -> Complaint:
    """Raises `RootCauseMissingError`. A new text has to be verified anew."""
    complaint = await command.target.lock(work)
    complaint.record_corrective_action(command.corrective, command.preventive, work.actor.id, work.now)
    await complaint_store.save(work, complaint)
    return complaint
