"""A report: the ledgers of a range folded in pages, each page into the report's table, then forgotten."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime

from services.sla.domain.reports.errors import ReportTooLargeError
from services.sla.domain.reports.facts import facts_of
from services.sla.domain.reports.tables import Scope, Table
from services.sla.persistence import report_reads
from services.sla.persistence.catalogue_store import Catalogues
from shared.db.work import Session

PAGE = 50
Sessions = Callable[[], AbstractAsyncContextManager[Session]]


@dataclass(frozen=True, slots=True)
class MakeReport:
    """known_at  by the lines stored up to then, judged at that instant
    most_subjects  beyond so many it is refused
    """

    scope: Scope
    known_at: datetime
    most_subjects: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of the subjects are read."""

    done: int
    total: int


async def make_report(
    command: MakeReport, table: Table, sessions: Sessions, catalogues: Catalogues
) -> AsyncIterator[Progress]:
    """Fill the table; tells after each page how far it is. No connection is held between pages.

    Raises `ReportTooLargeError`.
    """
    async with sessions() as session:
        limit = command.most_subjects + 1
        ids = await report_reads.concerned(session, command.scope.start_at, command.scope.end_at, limit)
        catalogue = await catalogues.newest(session)
    if len(ids) > command.most_subjects:
        raise ReportTooLargeError(f"More than {command.most_subjects} subjects fall into this time.")
    yield Progress(0, len(ids))
    for start in range(0, len(ids), PAGE):
        page = ids[start : start + PAGE]
        async with sessions() as session:
            subjects = await report_reads.as_known_at(session, page, command.known_at)
        for subject in subjects:
            if subject.entries:
                table.add(facts_of(subject.folded(catalogue), command.known_at))
                # A fold takes up to a millisecond: others are not kept waiting for a page of them.
                await asyncio.sleep(0)
        yield Progress(start + len(page), len(ids))
