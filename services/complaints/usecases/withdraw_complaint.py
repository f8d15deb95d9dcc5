"""The customer takes a complaint back."""

from dataclasses import dataclass

from services.complaints.domain import message_texts
from services.complaints.domain.cause_codes import NOT_ESTABLISHED, require_cause_code
from services.complaints.domain.complaint import Complaint
from services.complaints.domain.findings import Decision
from services.complaints.domain.message import MessageKind
from services.complaints.domain.outcomes import Outcome
from services.complaints.persistence import complaint_store, message_store
from services.complaints.usecases.queue_message import message_of
from services.complaints.usecases.target import Target
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class WithdrawComplaint:
    """Without a cause code: the one that was analysed, else that none was established."""

    target: Target
    reason: str | None = None
    cause_code: str | None = None


async def withdraw_complaint(command: WithdrawComplaint, work: Work) -> Complaint:
    """An outcome of its own, confirmed by mail where there is an address.

    Raises `UnknownCauseCodeError`, `CauseCodeContradictsError`.
    """
    complaint = await command.target.lock(work)
    analysed = complaint.root_cause.cause_code if complaint.root_cause else NOT_ESTABLISHED
    cause_code = require_cause_code(command.cause_code or analysed)
    text = message_texts.decision(
        Outcome.WITHDRAWN, complaint.language, number=complaint.number, explanation=""
    )
    by_mail = await message_store.address_of(work, complaint.id) is not None
    message = message_of(work, complaint, MessageKind.DECISION, text, by_mail=by_mail)
    decision = Decision(
        outcome=Outcome.WITHDRAWN,
        cause_code=cause_code,
        explanation="",
        recurring=False,
        decided_at=work.now,
        decided_by=work.actor.id,
        message_id=message.id if by_mail else None,
    )
    complaint.withdraw(decision, command.reason)
    if by_mail:
        await message_store.add(work, message)
    await complaint_store.save(work, complaint)
    return complaint
