"""A customer's tier became known or changed: it is kept, and the subjects that it may concern hear of it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.sla.persistence import customer_store
from services.sla.persistence.catalogue_store import Catalogues
from services.sla.usecases.record_input import tier_entry
from services.sla.usecases.subject_batch import SubjectBatch
from shared.db.work import Work


@dataclass(frozen=True, slots=True)
class RecordTier:
    """`effective_at` counts, whenever the event comes: before a subject's start it is a late input."""

    customer_id: UUID
    tier: str
    effective_at: datetime
    recorded_at: datetime
    sequence: int
    event_id: UUID


async def record_tier(command: RecordTier, work: Work, *, catalogues: Catalogues) -> None:
    """Add to the history; a line in the ledger of each subject that is open or started since."""
    batch = SubjectBatch.of(work)
    row = {
        "event_id": str(command.event_id),
        "tier": command.tier,
        "effective_at": command.effective_at.isoformat(),
        "recorded_at": command.recorded_at.isoformat(),
        "sequence": command.sequence,
    }
    history = batch.tiers[command.customer_id]
    if all(known["event_id"] != row["event_id"] for known in history):
        history.append(row)
        await customer_store.save(work, command.customer_id, history)
    changed = []
    for subject in batch.subjects.values():
        if subject.customer_id != command.customer_id:
            continue
        started_since = subject.opened_at is None or subject.opened_at >= command.effective_at
        if subject.is_open or started_since:
            entry = tier_entry(subject.id, command.customer_id, row)
            subject.record([entry], await catalogues.at(work, subject.needed_revision), work.now)
            changed.append(subject)
    await batch.done(work, *changed)
