"""A supervisor shows, with evidence, that a line of a ledger happened at another instant (rule 7)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.sla.domain.errors import InvalidCorrectionError, LedgerEntryNotFoundError
from services.sla.domain.ledger import Entry, EntryKind
from services.sla.domain.metrics import SubjectKind
from services.sla.domain.subject import Subject
from services.sla.persistence import subject_store
from services.sla.persistence.catalogue_store import Catalogues
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

    Raises `SubjectNotFoundError`, `LedgerEntryNotFoundError`, and `InvalidCorrectionError` for an instant that
    is still to come.
    """
    subject = await subject_store.lock(work, command.subject_id, command.subject_kind)
    corrected = next((entry for entry in subject.entries if entry.id == command.entry_id), None)
    if corrected is None or corrected.kind is EntryKind.CORRECTED:
        raise LedgerEntryNotFoundError
    if command.occurred_at > work.now:
        message = "What is corrected has happened: the instant cannot be in the future."
        fault = FieldError("occurred_at", "not_in_future", message)
        raise InvalidCorrectionError(message, field_errors=[fault])
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
    subject.record([entry], await catalogues.at(work, subject.needed_revision), work.now)
    work.record(*subject.take_events())
    await subject_store.save(work, [subject])
    return subject
