"""A ledger folded under the versions that its subject has pinned, and those that were applied to it since."""

from collections.abc import Sequence
from uuid import UUID

from services.sla.domain.catalogue import Catalogue, Selection
from services.sla.domain.fold import SubjectFold, fold, opening_of
from services.sla.domain.ledger import APPLIED, Entry, in_order
from services.sla.domain.metrics import SubjectKind


def fold_pinned(
    kind: SubjectKind, entries: Sequence[Entry], catalogue: Catalogue, revision: int
) -> SubjectFold:
    """Read the ledger of a subject that has pinned `revision`; `catalogue` reaches all that it names."""
    opening = opening_of(entries)
    if opening is None:
        return fold(kind, entries, None)
    started_at = opening.occurred_at
    selection = catalogue.selection(started_at, revision)
    applied: dict[UUID, Selection] = {}
    versions: tuple[UUID, ...] = ()
    for entry in in_order(entry for entry in entries if entry.kind in APPLIED):
        if "version_id" not in entry.data:
            continue
        versions = (*versions, UUID(entry.data["version_id"]))
        applied[entry.id] = catalogue.selection(started_at, revision, versions)
    return fold(kind, entries, selection, applied)
