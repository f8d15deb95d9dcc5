"""A draft policy or calendar against the open clocks; nothing is changed (sla.md §4)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.sla.domain.calendars import CalendarSpecification, materialise
from services.sla.domain.catalogue import CalendarVersion, Catalogue
from services.sla.domain.errors import CalendarNotFoundError, PolicyNotFoundError
from services.sla.domain.ledger import EntryKind
from services.sla.domain.metrics import SubjectKind
from services.sla.domain.policies import PolicyVersion
from services.sla.domain.policy_document import read_policy
from services.sla.domain.policy_rules import check_version
from services.sla.domain.preview import Assumption, Tally, preview
from services.sla.persistence import open_subjects
from services.sla.usecases.write_calendar import ResolvedYears
from shared.db.work import Session
from shared.kernel.ids import new_id

# So many subjects are in memory at once, twice: one batch is folded while the next is read.
BATCH = 1_000
Sessions = Callable[[], AbstractAsyncContextManager[Session]]


@dataclass(frozen=True, slots=True)
class Draft:
    """A version that is not stored: a catalogue that holds it, and what it can concern."""

    catalogue: Catalogue
    version_id: UUID
    line: EntryKind
    kinds: frozenset[SubjectKind]


@dataclass(frozen=True, slots=True)
class Progress:
    """`subjects_total` as counted at the beginning; `tally` as far as it has come."""

    subjects_total: int
    tally: Tally
    is_last: bool


def draft_policy(
    document: Mapping[str, Any], policy_id: UUID | None, catalogue: Catalogue, now: datetime
) -> Draft:
    """A new version of a policy, or a new policy (without `policy_id`).

    Raises what writing it would raise: `InvalidPolicyError`, `PolicyNotFoundError`,
    `OverlappingEffectiveDatesError`, …
    """
    content = read_policy(document)
    versions = [version for version in catalogue.policy_versions() if version.policy_id == policy_id]
    if policy_id is not None and not versions:
        raise PolicyNotFoundError
    calendar_id = document.get("calendar_id")
    version = PolicyVersion(
        id=new_id(),
        policy_id=policy_id or new_id(),
        name=versions[-1].name if versions else "draft",
        number=1 + max((version.number for version in versions), default=0),
        agreement=content.agreement,
        match=content.match,
        calendar_id=None if calendar_id is None else UUID(str(calendar_id)),
        targets=content.targets,
        effective_from=now,
        effective_until=None,
        revision=catalogue.revision + 1,
    )
    calendars = [] if version.calendar_id is None else catalogue.calendar_versions(version.calendar_id)
    check_version(version, calendars, catalogue.policy_versions())
    with_draft = Catalogue(
        version.revision, [*catalogue.policy_versions(), version], catalogue.all_calendar_versions()
    )
    kinds = {version.match.subject_kind, *(before.match.subject_kind for before in versions)}
    return Draft(with_draft, version.id, EntryKind.POLICY_CHANGED, frozenset(kinds))


async def draft_calendar(
    specification: Mapping[str, Any],
    calendar_id: UUID,
    catalogue: Catalogue,
    now: datetime,
    years: ResolvedYears,
) -> Draft:
    """A new version of a calendar. Raises `InvalidCalendarError`, `CalendarNotFoundError`."""
    parsed = CalendarSpecification.parse(specification)
    versions = catalogue.calendar_versions(calendar_id)
    if not versions:
        raise CalendarNotFoundError
    resolved = await asyncio.to_thread(materialise, parsed, years.around(now))
    version = CalendarVersion(
        id=new_id(),
        calendar_id=calendar_id,
        name=versions[-1].name,
        number=versions[-1].number + 1,
        effective_from=now,
        revision=catalogue.revision + 1,
        resolved=resolved,
    )
    with_draft = Catalogue(
        version.revision, catalogue.policy_versions(), [*catalogue.all_calendar_versions(), version]
    )
    return Draft(with_draft, version.id, EntryKind.CALENDAR_CHANGED, frozenset(SubjectKind))


async def preview_change(
    draft: Draft, assumption: Assumption, now: datetime, sessions: Sessions, *, batch: int = BATCH
) -> AsyncIterator[Progress]:
    """Progress after each batch, the whole at the end. Memory holds two batches, however many there are."""
    async with sessions() as session:
        total = await open_subjects.count(session, draft.kinds)
    whole = Tally()

    async def read(after: UUID) -> list[Any]:
        async with sessions() as session:
            return list(await open_subjects.batch(session, draft.kinds, after=after, limit=batch))

    subjects = await read(open_subjects.FIRST)
    while subjects:
        # The next batch is read by the server while this one is folded here; the event loop goes on meanwhile.
        following = asyncio.create_task(read(subjects[-1].id))
        try:
            whole.add(
                await asyncio.to_thread(
                    preview, subjects, draft.catalogue, draft.version_id, draft.line, assumption, now
                )
            )
            subjects = await following
        finally:
            following.cancel()
        yield Progress(total, whole, is_last=False)
    yield Progress(total, whole, is_last=True)
