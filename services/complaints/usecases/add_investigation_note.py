"""Write down what was found."""

from dataclasses import dataclass

from services.complaints.domain.complaint import Complaint
from services.complaints.persistence import complaint_store
from services.complaints.usecases.target import Target
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class AddInvestigationNote:
    target: Target
    text: str


async def add_investigation_note(command: AddInvestigationNote, work: Work) -> Complaint:
    """A note for staff only; it stands in the timeline and is never changed."""
    complaint = await command.target.lock(work)
    complaint.add_note(command.text, work.now)
    await complaint_store.save(work, complaint)
    return complaint
