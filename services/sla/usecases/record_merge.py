"""A subject was merged into another: its clocks end, and the survivor inherits their earlier due dates (rule 6)."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from services.sla.domain.ledger import Entry, EntryKind
from services.sla.persistence.catalogue_store import Catalogues
from services.sla.usecases.record_input import RecordInput, entry_of
from services.sla.usecases.subject_batch import SubjectBatch
from shared.db.work import Work
from shared.kernel.ids import derived_id


@dataclass(frozen=True, slots=True)
class RecordMerge:
    """`merged` is the line of the subject that ends; the survivor inherits only within one customer."""

    merged: RecordInput
    into_id: UUID
    same_customer: bool


async def record_merge(
    command: RecordMerge, work: Work, *, catalogues: Catalogues, tolerance: timedelta
) -> None:
    """End the merged subject's clocks; hand each due date over as a line of the survivor's ledger."""
    batch = SubjectBatch.of(work)
    merged, survivor = batch.subjects[command.merged.subject_id], batch.subjects[command.into_id]
    entry = entry_of(command.merged, tolerance)
    changed = [merged]
    inherited = []
    if command.same_customer and not merged.knows(entry):
        catalogue = await catalogues.at(work, merged.needed_revision)
        for key, due_at in merged.promises(entry.occurred_at, catalogue):
            parts = str(entry.event_id), key.agreement, key.metric
            inherited.append(
                Entry(
                    id=derived_id("inherited", str(survivor.id), *parts),
                    kind=EntryKind.INHERITED,
                    occurred_at=entry.occurred_at,
                    recorded_at=entry.recorded_at,
                    source=entry.source,
                    sequence=entry.sequence,
                    event_id=derived_id("inherited", *parts),
                    data={
                        "agreement": key.agreement,
                        "metric": key.metric,
                        "due_at": due_at.isoformat(),
                        "from_id": str(merged.id),
                    },
                )
            )
    merged.record([entry], await catalogues.at(work, merged.needed_revision), work.now)
    if inherited:
        survivor.record(inherited, await catalogues.at(work, survivor.needed_revision), work.now)
        changed.append(survivor)
    await batch.done(work, *changed)
