"""Open subjects by id, in batches: with as much of their ledgers as folding takes, and nothing else."""

from collections import defaultdict
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from services.sla.domain.ledger import Entry, EntryKind
from services.sla.domain.metrics import SubjectKind
from services.sla.domain.preview import OpenSubject
from services.sla.persistence.tables import ledger, subjects
from shared.db.statements import statement
from shared.db.work import Session

FIRST = UUID(int=0)

_KINDS = sa.bindparam("kinds", type_=ARRAY(sa.Text))
_OPEN = (subjects.c.is_open, subjects.c.opened_at.is_not(None), subjects.c.kind == sa.any_(_KINDS))
_COUNT = statement(sa.select(sa.func.count()).select_from(subjects).where(*_OPEN))
_BATCH = statement(
    sa.select(subjects.c.id, subjects.c.kind, subjects.c.revision)
    .where(*_OPEN, subjects.c.id > sa.bindparam("after", type_=sa.Uuid))
    .order_by(subjects.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_LINES = statement(
    sa.select(
        ledger.c.subject_id,
        ledger.c.id,
        ledger.c.kind,
        ledger.c.occurred_at,
        ledger.c.recorded_at,
        ledger.c.source,
        ledger.c.sequence,
        ledger.c.event_id,
        ledger.c.data,
    ).where(ledger.c.subject_id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
)
_KIND_OF = {kind.value: kind for kind in EntryKind}


async def count(session: Session, kinds: frozenset[SubjectKind]) -> int:
    """How many there are now."""
    found: int = await session.fetch_value(_COUNT, kinds=sorted(kinds))
    return found


async def ids(
    session: Session, kinds: frozenset[SubjectKind], *, after: UUID, limit: int
) -> list[tuple[UUID, SubjectKind]]:
    """The next ones after an id."""
    rows = await session.fetch_all(_BATCH, kinds=sorted(kinds), after=after, limit=limit)
    return [(row["id"], SubjectKind(row["kind"])) for row in rows]


async def batch(
    session: Session, kinds: frozenset[SubjectKind], *, after: UUID, limit: int
) -> list[OpenSubject]:
    """The next ones after an id, with their ledgers."""
    rows = await session.fetch_all(_BATCH, kinds=sorted(kinds), after=after, limit=limit)
    entries: dict[UUID, list[Entry]] = defaultdict(list)
    for subject_id, id_, kind, at, recorded_at, source, sequence, event_id, data in await session.fetch_all(
        _LINES, ids=[row["id"] for row in rows]
    ):
        entry = Entry(id_, _KIND_OF[kind], at, recorded_at, source, sequence, event_id, None, data)
        entries[subject_id].append(entry)
    return [
        OpenSubject(row["id"], SubjectKind(row["kind"]), row["revision"], entries[row["id"]]) for row in rows
    ]
