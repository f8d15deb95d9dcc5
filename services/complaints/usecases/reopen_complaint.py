"""Take a decided or closed complaint up again."""

from dataclasses import dataclass

from services.complaints.domain.complaint import Complaint
from services.complaints.domain.message import MessageKind
from services.complaints.domain.policy import ComplaintPolicy
from services.complaints.persistence import complaint_store, message_store
from services.complaints.usecases.target import Target
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class ReopenComplaint:
    target: Target
    reason: str


async def reopen_complaint(command: ReopenComplaint, work: Work, policy: ComplaintPolicy) -> Complaint:
    """Its decision falls, and what was not sent of it is not sent. Raises `ReopeningPeriodOverError`."""
    complaint = await command.target.lock(work)
    complaint.reopen(command.reason, policy, work.now)
    for message in await message_store.lock_unsent(work, complaint.id, MessageKind.DECISION):
        message.supersede()
        await message_store.save(work, message)
    await complaint_store.save(work, complaint)
    return complaint
