"""Record the root cause analysis (根本原因分析)."""

from dataclasses import dataclass

from services.complaints.domain.cause_codes import require_cause_code
from services.complaints.domain.complaint import Complaint
from services.complaints.persistence import complaint_store
from services.complaints.usecases.target import Target
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class RecordRootCause:
    target: Target
    cause_code: str
    analysis: str


async def record_root_cause(command: RecordRootCause, work: Work) -> Complaint:
    """Raises `UnknownCauseCodeError`, `CauseCodeContradictsError`."""
    complaint = await command.target.lock(work)
    cause_code = require_cause_code(command.cause_code)
    complaint.record_root_cause(cause_code, command.analysis, work.actor.id, work.now)
    await complaint_store.save(work, complaint)
    return complaint
