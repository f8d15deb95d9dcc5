"""Raise a complaint to a level of the policy's ladder."""

from dataclasses import dataclass
from uuid import UUID

from services.complaints.domain.complaint_status import Command, transition
from services.complaints.persistence import complaint_store
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class EscalateComplaint:
    """`escalate_to` is whom the policy names, a role or a queue."""

    complaint_id: UUID
    level: int
    escalate_to: str
    metric: str


async def escalate_complaint(command: EscalateComplaint, work: Work) -> None:
    """Without effect on a complaint that was closed meanwhile. Raises `ComplaintNotFoundError`."""
    complaint = await complaint_store.lock(work, command.complaint_id)
    if transition(complaint.status, Command.ESCALATE) is None:
        return
    complaint.escalate(
        command.level, work.now, cause="ladder", escalate_to=command.escalate_to, metric=command.metric
    )
    await complaint_store.save(work, complaint, new_version=False)
