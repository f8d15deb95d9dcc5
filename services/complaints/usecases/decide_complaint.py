"""Decide a complaint and queue the confirmation that tells the customer."""

from dataclasses import dataclass
from datetime import timedelta

from services.complaints.domain import message_texts
from services.complaints.domain.cause_codes import require_cause_code
from services.complaints.domain.complaint import Complaint
from services.complaints.domain.findings import Decision
from services.complaints.domain.message import MessageKind
from services.complaints.domain.outcomes import Outcome
from services.complaints.domain.policy import ComplaintPolicy
from services.complaints.persistence import complaint_store, message_store
from services.complaints.usecases.queue_message import message_of
from services.complaints.usecases.target import Target
from shared.db.work import Work


@dataclass(frozen=True, kw_only=True)
class DecideComplaint:
    """`explanation` is said to the customer (合理解释); withdrawal has a command of its own."""

    target: Target
    outcome: Outcome
    cause_code: str
    explanation: str


async def decide_complaint(command: DecideComplaint, work: Work, policy: ComplaintPolicy) -> Complaint:
    """The outcome, always with its cause code, and its confirmation in the same transaction.

    Raises `UnknownCauseCodeError`, `CauseCodeContradictsError`, `ContactAttemptsMissingError`.
    """
    complaint = await command.target.lock(work)
    cause_code = require_cause_code(command.cause_code)
    text = message_texts.decision(
        command.outcome, complaint.language, number=complaint.number, explanation=command.explanation
    )
    by_mail = await message_store.address_of(work, complaint.id) is not None
    message = message_of(work, complaint, MessageKind.DECISION, text, by_mail=by_mail)
    # Whoever could not be reached and left no address cannot be handed anything either.
    has_message = by_mail or command.outcome is not Outcome.UNREACHABLE
    decision = Decision(
        outcome=command.outcome,
        cause_code=cause_code,
        explanation=command.explanation,
        recurring=await is_recurring(complaint, cause_code, work, policy),
        decided_at=work.now,
        decided_by=work.actor.id,
        message_id=message.id if has_message else None,
    )
    complaint.decide(decision, policy)
    if has_message:
        await message_store.add(work, message)
    await complaint_store.save(work, complaint)
    return complaint


async def is_recurring(complaint: Complaint, cause_code: str, work: Work, policy: ComplaintPolicy) -> bool:
    """The same customer, the same cause code, decided within the policy's days before now."""
    if complaint.customer_id is None:
        return False
    after = work.now - timedelta(days=policy.recurrence_days)
    return await complaint_store.was_decided_after(
        work, complaint.customer_id, cause_code, after, but=complaint.id
    )
