"""A supervisor shows, with evidence, that a line of a ledger happened at another instant (rule 7)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.sla.domain.errors import InvalidCorrectionError, LedgerEntryNotFoundError
from services.sla.domain.ledger import Entry, EntryKind
from services.sla.domain.metrics import SubjectKind
from services.sla.domain.subject import Subject
from services.sla.persistence import customer_store, subject_store
from services.sla.persistence.catalogue_store import Catalogues
from services.sla.usecases.record_input import tier_entries
from shared.db.work import Work
from shared.kernel.errors import FieldError
from shared.kernel.ids import new_id


@dataclass(frozen=True, slots=True)
class CorrectEntry:
    """`evidence` is a reference to where it can be checked (a recording, a mail, a letter's stamp)."""

    subject_id: UUID
    subject_kind: SubjectKind
    entry_id: UUID
    occurred_at: datetime
    evidence: str


async def correct_entry(command: CorrectEntry, work: Work, *, catalogues: Catalogues) -> Subject:
    """Append the correction and refold; the corrected line stays as it was written.

    An opening that moves brings along the tiers that its customer had by then. Raises `SubjectNotFoundError`,
    `LedgerEntryNotFoundError`, and `InvalidCorrectionError` for an instant that is still to come or, of anything
    but an opening or a tier, lies before the subject's start.
    """
    customers = await customer_store.of_subjects(work, [command.subject_id])
    tiers = await customer_store.share(work, customers)
    subject = await subject_store.lock(work, command.subject_id, command.subject_kind)
    corrected = next((entry for entry in subject.entries if entry.id == command.entry_id), None)
    if corrected is None or corrected.kind is EntryKind.CORRECTED:
        raise LedgerEntryNotFoundError
    if command.occurred_at > work.now:
        raise _refused(
            "not_in_future", "What is corrected has happened: the instant cannot be in the future."
        )
    starts = corrected.kind in (EntryKind.OPENED, EntryKind.TIER_CHANGED)
    if not starts and subject.opened_at is not None and command.occurred_at < subject.opened_at:
        started_at = subject.opened_at.isoformat()
        raise _refused("after_start", f"The subject started at {started_at}; nothing happened to it before.")
    entry = Entry(
        id=new_id(),
        kind=EntryKind.CORRECTED,
        occurred_at=work.now,
        recorded_at=work.now,
        source="correction",
        sequence=len(subject.entries) + 1,
        event_id=new_id(),
        data={
            "entry_id": str(corrected.id),
            "occurred_at": command.occurred_at.isoformat(),
            "evidence": command.evidence,
            "by": str(work.actor),
        },
    )
    missed = []
    if corrected.kind is EntryKind.OPENED and subject.customer_id is not None:
        history = tiers.get(subject.customer_id, ())
        missed = tier_entries(subject, history, subject.customer_id, command.occurred_at)
    subject.record([*missed, entry], await catalogues.at(work, subject.needed_revision), work.now)
    work.record(*subject.take_events())
    await subject_store.save(work, [subject])
    return subject


def _refused(rule: str, message: str) -> InvalidCorrectionError:
    return InvalidCorrectionError(message, field_errors=[FieldError("occurred_at", rule, message)])
